"""Content that is long, binary or no clean text: cut, and still the JSON that was promised."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from costspan import attribution
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT,
    CHAT_CHUNKS,
    CHAT_USD,
    MESSAGE,
    MESSAGE_EVENTS,
    answer_chat,
    answer_message,
    anthropic_client,
    attributes_of,
    events,
    openai_client,
    watched,
)

LIMIT = 33_000  # characters of an attribute: 32,768 and a mark that says what was cut
PICTURE = "iVBORw0KGgo" * 100_000
LONG: dict[str, Any] = {
    "one long text": [{"role": "user", "content": "a" * 1_000_000}],
    "of four bytes a character": [{"role": "user", "content": "😀" * 1_000_000}],
    "all quotes": [{"role": "user", "content": '"\\' * 500_000}],
    "control characters": [{"role": "user", "content": "\x00\x1f" * 100_000}],
    "many messages": [{"role": "user", "content": f"number {n}"} for n in range(20_000)],
    "many long messages": [{"role": "user", "content": "b" * 9_000} for _ in range(100)],
}


def captured(messages: Any, mode: str = "on") -> dict[str, Any]:
    """The attributes of a chat with these messages."""
    with watched(capture_content=mode) as spans, openai_client(answer_chat) as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=messages)
        return attributes_of(spans.one())


@pytest.mark.parametrize("case", LONG)
def test_is_cut_and_stays_json(case: str) -> None:
    """The attribute is short, decodes, and its first message is the one that was sent."""
    text = captured(LONG[case])["gen_ai.input.messages"]
    first = json.loads(text)[0]

    assert len(text) <= LIMIT
    assert first["role"] == "user"
    assert LONG[case][0]["content"].startswith(first["parts"][0]["content"].split("... (")[0])


def test_says_how_much_was_cut() -> None:
    """A reader can tell that there was more."""
    text = captured(LONG["one long text"])["gen_ai.input.messages"]

    assert "characters cut)" in json.loads(text)[0]["parts"][0]["content"]


def test_short_content_is_whole() -> None:
    """Nothing is cut that has room."""
    text = captured([{"role": "user", "content": "é😀" * 10_000}])["gen_ai.input.messages"]

    assert json.loads(text)[0]["parts"][0]["content"] == "é😀" * 10_000


def test_pictures_are_named_or_cut() -> None:
    """A picture in a message does not fill the span."""
    url = {"url": f"data:image/png;base64,{PICTURE}"}
    picture = {"type": "image_url", "image_url": url}
    text = captured([{"role": "user", "content": [picture]}])["gen_ai.input.messages"]

    assert len(text) <= LIMIT
    (part,) = json.loads(text)[0]["parts"]
    assert part["modality"] == "image"


def test_a_picture_in_a_tools_result_is_cut() -> None:
    """Neither does one that a tool gave back, as bytes or as text."""
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "image", "source": source}],
    }
    asked = {**ASK_CLAUDE, "messages": [{"role": "user", "content": [result]}]}
    with watched(capture_content="on") as spans, anthropic_client(answer_message) as client:
        client.messages.create(**asked)
        text = attributes_of(spans.one())["gen_ai.input.messages"]

    assert len(text) <= LIMIT
    assert json.loads(text)[0]["parts"][0]["type"] == "tool_call_response"


def test_half_a_character_harms_nothing() -> None:
    """A lone surrogate cannot be sent: the SDK raises, and the span is whole."""
    with watched(capture_content="on") as spans, openai_client(answer_chat) as client:
        with pytest.raises(UnicodeEncodeError):
            client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "half \ud83d"}]
            )
        found = attributes_of(spans.one())

    assert found["error.type"] == "UnicodeEncodeError"
    assert found["costspan.cost.status"] == "not_billed"


def test_an_answer_with_half_a_character_harms_nothing() -> None:
    """JSON can spell one in an answer: the span has its usage all the same."""
    content = json.dumps(CHAT).replace("Hi there", "half \\ud83d").encode()
    answer = httpx2.Response(200, content=content, headers={"content-type": "application/json"})
    with watched(capture_content="on") as spans, openai_client(lambda r: answer) as client:
        client.chat.completions.create(**ASK)
        found = attributes_of(spans.one())

    assert found["gen_ai.usage.input_tokens"] == 1000


def test_messages_that_can_be_read_once_are_sent() -> None:
    """A generator belongs to the SDK: it is not used up for the span."""
    sent = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content)["messages"])
        return answer_message(request)

    with watched(capture_content="on") as spans, anthropic_client(answer) as client:
        client.messages.create(**{**ASK_CLAUDE, "messages": (m for m in ASK_CLAUDE["messages"])})
        spans.one()

    assert sent == [ASK_CLAUDE["messages"]]


THOUGHT = [
    {"type": "thinking", "thinking": "Let me think", "signature": "s"},
    {"type": "text", "text": "Hi there"},
]
THOUGHT_EVENTS = [
    MESSAGE_EVENTS[0],
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": "", "signature": ""},
    },
    *(
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": said},
        }
        for said in ("Let me", " think")
    ),
    {"type": "content_block_stop", "index": 0},
    *({**one, "index": 1} if "index" in one else one for one in MESSAGE_EVENTS[1:]),
]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("mode", ["off", "on"])
def test_thinking(mode: str, streamed: bool) -> None:
    """It is content: gated, and told as reasoning before the text."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if streamed:
            return events(THOUGHT_EVENTS, named=True)
        return httpx2.Response(200, json={**MESSAGE, "content": THOUGHT})

    with watched(capture_content=mode) as spans, anthropic_client(answer) as client:
        said = client.messages.create(**ASK_CLAUDE, stream=streamed)
        assert len(list(said)) > 1
        found = attributes_of(spans.one())

    if mode == "off":
        assert "think" not in str(found)
        return
    assert json.loads(found["gen_ai.output.messages"])[0]["parts"] == [
        {"type": "reasoning", "content": "Let me think"},
        {"type": "text", "content": "Hi there"},
    ]


@pytest.mark.parametrize("mode", ["off", "on"])
def test_half_a_character_loses_no_line(mode: str, tmp_path: Path) -> None:
    """Whatever an answer or the app names so, its call is in the file, and its span has a model."""
    content = json.dumps({**CHAT, "model": "m"}).replace('"m"', '"m-\\ud83d"')
    content = content.replace("Hi there", "half \\ud83d")
    answer = httpx2.Response(200, content=content.encode())
    answer.headers["content-type"] = "application/json"
    settings: Any = {"capture_content": mode, "local": tmp_path}
    with watched(**settings) as spans, openai_client(lambda request: answer) as client:
        with attribution(agent="half \ud83d"):
            client.chat.completions.create(**ASK)
        found = attributes_of(spans.one())
    (file,) = tmp_path.iterdir()
    (line,) = [json.loads(one) for one in file.read_text().splitlines()]

    assert line["model"].startswith("m-")
    assert line["agent"].startswith("half ")
    assert found["gen_ai.response.model"].encode().startswith(b"m-")


def test_a_stream_whose_text_comes_in_blocks_has_its_usage() -> None:
    """As Mistral's reasoning models answer, where the SDK expects a string."""
    block: Any = [{"type": "text", "text": "Hi there"}]
    chunks = [{**CHAT_CHUNKS[0], "choices": [{"index": 0, "delta": {"content": block}}]}]
    with (
        watched(capture_content="on") as spans,
        openai_client(lambda request: events([*chunks, *CHAT_CHUNKS[2:]])) as client,
    ):
        list(client.chat.completions.create(**ASK, stream=True))
        found = attributes_of(spans.one())
    assert found["costspan.cost.total"] == CHAT_USD
    (message,) = json.loads(found["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": "Hi there"}]
