"""Clients, wrappers and copies of every age: made before instrument(), after, or by the module."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.instrumentation.answers import chat, message, throttled
from tests.instrumentation.rig import ASK, ASK_CLAUDE, Spans, attributes_of, watched
from tests.instrumentation.wire import Wire, read_out

OPENAI_KINDS = [openai.OpenAI, openai.AsyncOpenAI]
CLAUDE_KINDS = [anthropic.Anthropic, anthropic.AsyncAnthropic]
MINI = "gpt-4o-mini-2024-07-18"
OPUS = "claude-opus-4-5-20251101"
both_openai = pytest.mark.parametrize("kind", OPENAI_KINDS, ids=["sync", "async"])
both_claude = pytest.mark.parametrize("kind", CLAUDE_KINDS, ids=["sync", "async"])
plain_or_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def openai_client(kind: Any) -> Any:
    return Wire(chat(MINI)).openai(kind, api_key="k")


def claude_client(kind: Any) -> Any:
    return Wire(message(OPUS)).anthropic(kind, api_key="k")


def assert_openai(spans: Spans, *, priced: bool = True) -> None:
    """One span at 0.15 and 0.6 USD per million tokens: 0.00015 + 0.00012."""
    found = attributes_of(spans.one())
    assert found["gen_ai.provider.name"] == "openai"
    assert found["server.address"] == "api.openai.com"
    assert found["gen_ai.response.model"] == MINI
    assert found.get("costspan.cost.total") == (0.00027 if priced else None)


def assert_claude(spans: Spans) -> None:
    """One span at 5 and 25 USD per million tokens: 0.005 + 0.005."""
    found = attributes_of(spans.one())
    assert found["gen_ai.provider.name"] == "anthropic"
    assert found["gen_ai.response.model"] == OPUS
    assert found["costspan.cost.total"] == 0.01


@both_openai
@plain_or_streamed
class TestOpenAI:
    """Ways to come by an OpenAI client."""

    def test_used_before(self, kind: Any, stream: bool) -> None:
        """A client that was made and used before instrument() is seen, resources and all."""
        client = openai_client(kind)
        read_out(lambda: client.chat.completions.create(**ASK))
        with watched() as spans:
            read_out(lambda: client.chat.completions.create(**ASK, stream=stream))
            assert_openai(spans)

    def test_bound_method_before(self, kind: Any, stream: bool) -> None:
        """A method that was taken off the client before instrument() is seen."""
        create = openai_client(kind).chat.completions.create
        with watched() as spans:
            read_out(lambda: create(**ASK, stream=stream))
            assert_openai(spans)

    def test_copies(self, kind: Any, stream: bool) -> None:
        """Copies are seen, whether made before instrument() or after."""
        client = openai_client(kind)
        old = client.with_options(timeout=5)
        with watched() as spans:
            read_out(lambda: old.chat.completions.create(**ASK, stream=stream))
            assert_openai(spans)
            for new in (client.copy(timeout=5), client.with_options(max_retries=1)):
                spans.clear()
                read_out(lambda new=new: new.chat.completions.create(**ASK, stream=stream))
                assert_openai(spans)

    def test_post(self, kind: Any, stream: bool) -> None:
        """A request made by the client's own `post` is a call like any other."""
        asynchronous = kind is openai.AsyncOpenAI
        streams = openai.AsyncStream if asynchronous else openai.Stream
        more = {"stream": True, "stream_cls": streams[ChatCompletionChunk]} if stream else {}
        client = openai_client(kind)
        with watched() as spans:
            body = {**ASK, **({"stream": True} if stream else {})}
            result = read_out(
                lambda: client.post("/chat/completions", cast_to=ChatCompletion, body=body, **more)
            )
            assert_openai(spans)
        assert isinstance(result[0] if stream else result, (ChatCompletionChunk, ChatCompletion))


@both_openai
def test_cached_raw_wrapper(kind: Any) -> None:
    """A raw wrapper that was made before instrument() is seen; its answer stays a raw one."""
    client = openai_client(kind)
    wrapper = client.chat.completions.with_raw_response
    with watched() as spans:
        raw = read_out(lambda: wrapper.create(**ASK))
        assert_openai(spans)
    assert json.loads(raw.http_response.content)["model"] == MINI


@both_openai
def test_cached_raw_wrapper_streamed(kind: Any) -> None:
    """A raw stream is seen, though its usage is not asked for."""
    client = openai_client(kind)
    wrapper = client.chat.completions.with_raw_response
    with watched() as spans:
        if kind is openai.OpenAI:
            chunks = list(wrapper.create(**ASK, stream=True).parse())
        else:

            async def parsed() -> Any:
                return (await wrapper.create(**ASK, stream=True)).parse()

            chunks = read_out(parsed)
        assert_openai(spans, priced=False)
    assert [chunk.model for chunk in chunks] == [MINI] * 3


@both_openai
@plain_or_streamed
def test_throttled(kind: Any, stream: bool) -> None:
    """A 429 to an old client's raw wrapper is an error that costs nothing."""
    client = Wire(throttled).openai(kind, api_key="k")
    wrapper = client.chat.completions.with_raw_response
    with watched() as spans:
        with pytest.raises(openai.RateLimitError):
            read_out(lambda: wrapper.create(**ASK, stream=stream))
        found = attributes_of(spans.one())
    assert found["error.type"] == "openai.RateLimitError"
    assert found["costspan.cost.status"] == "not_billed"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], None]]:
    """Gives the `openai` module itself a wire to talk by."""

    def talk_by(answer: Any) -> None:
        monkeypatch.setattr(openai, "api_key", "k")
        monkeypatch.setattr(openai, "http_client", Wire(answer).http_client(openai))
        monkeypatch.setattr(openai, "max_retries", 0)
        monkeypatch.setattr(openai, "_client", None)

    yield talk_by
    openai._client = None


@plain_or_streamed
def test_module_client(stream: bool, module: Callable[[Any], None]) -> None:
    """`openai.chat...` makes a client of its own, which is seen."""
    module(chat(MINI))
    with watched() as spans:
        read_out(lambda: openai.chat.completions.create(**ASK, stream=stream))
        assert_openai(spans)


def test_module_client_throttled(module: Callable[[Any], None]) -> None:
    """The module's own client fails as any other."""
    module(throttled)
    with watched() as spans:
        with pytest.raises(openai.RateLimitError):
            openai.chat.completions.create(**ASK)
        assert attributes_of(spans.one())["http.response.status_code"] == 429


@both_claude
@plain_or_streamed
class TestAnthropic:
    """Ways to come by an Anthropic client."""

    def test_used_before(self, kind: Any, stream: bool) -> None:
        """A client that was made and used before instrument() is seen."""
        client = claude_client(kind)
        read_out(lambda: client.messages.create(**ASK_CLAUDE))
        with watched() as spans:
            read_out(lambda: client.messages.create(**ASK_CLAUDE, stream=stream))
            assert_claude(spans)

    def test_copies(self, kind: Any, stream: bool) -> None:
        """Copies are seen, whether made before instrument() or after."""
        client = claude_client(kind)
        old = client.with_options(timeout=5)
        with watched() as spans:
            for copy in (old, client.copy(timeout=5)):
                spans.clear()
                read_out(lambda copy=copy: copy.messages.create(**ASK_CLAUDE, stream=stream))
                assert_claude(spans)

    def test_cached_raw_wrapper(self, kind: Any, stream: bool) -> None:
        """A raw wrapper that was made before instrument() is seen, streamed or not."""
        wrapper = claude_client(kind).messages.with_raw_response
        with watched() as spans:
            parsed = read_out(lambda: _parsed(wrapper, stream))
            assert_claude(spans)
        assert (parsed[0].message if stream else parsed).model == OPUS


def _parsed(wrapper: Any, stream: bool) -> Any:
    """The parsed answer of a raw call, sync or async."""
    raw = wrapper.create(**ASK_CLAUDE, stream=stream)
    if not hasattr(raw, "__await__"):
        return raw.parse()

    async def parsed() -> Any:
        return await (await raw).parse()

    return parsed()
