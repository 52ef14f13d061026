"""Usage of OpenAI chat streams: what the caller sees of it, also where a host refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.instrumentation.answers import chat, sse
from tests.instrumentation.rig import CHAT_CHUNKS, Spans, attributes_of, chat_chunk, watched
from tests.instrumentation.streamed import (
    ABSENT,
    ASK,
    COMPLETE,
    HI,
    MINI,
    YES,
    asked,
    chats,
    sync_and_async,
)
from tests.instrumentation.wire import Answer, Wire, read_out


def dumps(chunks: list[Any]) -> list[Any]:
    """All that a caller can see of chunks."""
    return [
        (
            type(chunk),
            chunk.model_dump(),
            chunk.model_dump(exclude_unset=True),
            chunk.to_dict(),
            chunk.to_json(),
            chunk.model_fields_set,
            "usage" in chunk.model_fields_set,
        )
        for chunk in chunks
    ]


Call = Callable[[Any], Any]
CALLS: dict[str, Call] = {
    "chat": lambda client: client.chat.completions.create(**ASK),
    "completions": lambda client: client.completions.create(**COMPLETE),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@sync_and_async
def test_caller_sees_no_difference(kind: Any, call: Call) -> None:
    """The same chunks, as many, with equal dumps, although the server was asked for more."""
    wire = Wire(chat(MINI))
    client = wire.openai(kind, api_key="k")
    bare = read_out(lambda: call(client))
    with watched() as spans:
        seen = read_out(lambda: call(client))
        assert attributes_of(spans.one())["gen_ai.usage.output_tokens"] == 200
    assert [asked(wire), asked(wire, 1)] == [ABSENT, YES]
    assert len(seen) == 3
    assert dumps(seen) == dumps(bare)


@sync_and_async
def test_who_asked_gets_it(kind: Any, spans: Spans) -> None:
    """A caller who asked for the usage sees its chunk, and `usage: null` on the others."""
    chunks = chats(Wire(chat(MINI)).openai(kind, api_key="k"), stream_options=YES)
    assert len(chunks) == 4
    assert chunks[-1].choices == []
    assert chunks[-1].usage.prompt_tokens == 1000
    assert all("usage" in chunk.model_fields_set for chunk in chunks)


@sync_and_async
class TestOtherChunks:
    """What a server sends of its own accord is the caller's."""

    def test_empty_choices_without_usage(self, kind: Any, spans: Spans) -> None:
        """Azure's first chunk has no choices either, but says something else."""
        filtered = chat_chunk(choices=[], prompt_filter_results=[{"prompt_index": 0}], usage=None)
        wire = Wire(sse([filtered, *CHAT_CHUNKS]))
        chunks = chats(wire.openai(kind, api_key="k"))
        assert [len(chunk.choices) for chunk in chunks] == [0, 1, 1, 1]
        assert chunks[0].prompt_filter_results == [{"prompt_index": 0}]

    def test_usage_beside_choices(self, kind: Any, spans: Spans) -> None:
        """A chunk that brings usage and a choice stays, with its usage."""
        last = chat_chunk(finish_reason="stop", usage=CHAT_CHUNKS[-1]["usage"])
        chunks = chats(Wire(sse([chat_chunk("Hi"), last])).openai(kind, api_key="k"))
        assert len(chunks) == 2
        assert chunks[-1].usage.completion_tokens == 200
        assert attributes_of(spans.one())["gen_ai.usage.output_tokens"] == 200

    def test_unasked_host(self, kind: Any, spans: Spans) -> None:
        """A host that was not asked and tells all the same: the caller sees it, and so do we."""
        url = "https://llm.example.com/v1"
        wire = Wire(sse(CHAT_CHUNKS))
        chunks = chats(wire.openai(kind, api_key="k", base_url=url))
        assert asked(wire) is ABSENT
        assert len(chunks) == 4
        assert attributes_of(spans.one())["gen_ai.usage.input_tokens"] == 1000


class TestHelper:
    """`chat.completions.stream()`, which creates a stream inside."""

    def test_sync(self) -> None:
        """The helper's events and its final completion are those of the bare SDK."""
        client = Wire(chat(MINI)).openai(api_key="k")

        def told() -> Any:
            with client.chat.completions.stream(model="gpt-4o-mini", messages=HI) as stream:
                kinds = [event.type for event in stream]
                return kinds, stream.get_final_completion().to_dict()

        bare = told()
        with watched() as spans:
            assert told() == bare
            assert attributes_of(spans.one())["gen_ai.usage.output_tokens"] == 200

    async def test_async(self) -> None:
        """The async helper likewise."""
        client = Wire(chat(MINI)).openai(openai.AsyncOpenAI, api_key="k")

        async def told() -> Any:
            async with client.chat.completions.stream(model="gpt-4o-mini", messages=HI) as stream:
                kinds = [event.type async for event in stream]
                return kinds, (await stream.get_final_completion()).to_dict()

        bare = await told()
        with watched() as spans:
            assert await told() == bare
            assert attributes_of(spans.one())["gen_ai.usage.output_tokens"] == 200


def refusing(request: Any) -> Answer:
    """A server that does not know the option, and names it in its 400."""
    if b"stream_options" in request.content:
        error = {"message": "Unrecognized request argument supplied: stream_options"}
        return Answer(400, {"error": {**error, "type": "invalid_request_error"}})
    return chat(MINI)(request)


@sync_and_async
class TestRefusal:
    """A known host that turns out not to know the option."""

    def test_sent_again(self, kind: Any, spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
        """The call is sent again as it was and succeeds; the host is asked no more, said once."""
        wire = Wire(refusing)
        client = wire.openai(kind, api_key="k")
        first, second = chats(client), chats(client)
        assert [asked(wire, n) for n in range(3)] == [YES, ABSENT, ABSENT]
        assert len(wire.requests) == 3
        assert [len(first), len(second)] == [3, 3]
        said = [record.message for record in caplog.records if "stream_options" in record.message]
        assert len(said) == 1
        assert "api.openai.com" in said[0]
        for span in spans.wait(2):
            found = attributes_of(span)
            assert span.status.is_unset
            assert found["http.response.status_code"] == 200
            assert found["costspan.cost.missing"] == ("usage",)
            assert "error.type" not in found

    def test_other_hosts(self, kind: Any, spans: Spans) -> None:
        """Other hosts are asked as before."""
        chats(Wire(refusing).openai(kind, api_key="k"))
        wire = Wire(chat(MINI))
        chats(wire.openai(kind, api_key="k", base_url="https://api.groq.com/openai/v1"))
        assert asked(wire) == YES

    def test_callers_own(self, kind: Any, spans: Spans) -> None:
        """Where the caller asked himself, the refusal is his."""
        wire = Wire(refusing)
        with pytest.raises(openai.BadRequestError, match="stream_options"):
            chats(wire.openai(kind, api_key="k"), stream_options=YES)
        assert len(wire.requests) == 1
        assert attributes_of(spans.one())["error.type"] == "openai.BadRequestError"

    def test_other_400(self, kind: Any, spans: Spans) -> None:
        """A 400 about something else is the caller's, and the host is asked again."""
        error = {"message": "bad model", "type": "invalid_request_error", "param": "model"}
        wire = Wire(Answer(400, {"error": error}))
        client = wire.openai(kind, api_key="k")
        for _ in range(2):
            with pytest.raises(openai.BadRequestError, match="bad model"):
                chats(client)
        assert [asked(wire), asked(wire, 1)] == [YES, YES]
        assert len(wire.requests) == 2

    def test_second_answer_fails(self, kind: Any, spans: Spans) -> None:
        """What the call fails with when sent as it was is what the caller gets, in one span."""

        def answer(request: Any) -> Answer:
            if b"stream_options" in request.content:
                return refusing(request)
            return Answer(401, {"error": {"message": "no such key", "code": "invalid_api_key"}})

        with pytest.raises(openai.AuthenticationError, match="no such key"):
            chats(Wire(answer).openai(kind, api_key="k"))
        found = attributes_of(spans.one())
        assert found["error.type"] == "openai.AuthenticationError"
        assert found["http.response.status_code"] == 401
        assert found["costspan.cost.status"] == "not_billed"
