"""Answers that are read in another way than the SDK's methods read them."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai._models import FinalRequestOptions
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.instrumentation.odd import CLAUDE_WHOLE, WHOLE, expect
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    answer_chat,
    answer_message,
    anthropic_client,
    async_anthropic_client,
    async_openai_client,
    attributes_of,
    openai_client,
    watched,
)

T = TypeVar("T")
OUTCOME = "costspan.stream.outcome"
CHAT_STREAM: Any = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
CLAUDE_STREAM: Any = {**ASK_CLAUDE, "stream": True}


class TestTheHttpClientsOwnResponse:
    @pytest.mark.parametrize("kind", [httpx2.Response, object, str, dict])
    def test_of_a_chat(self, kind: Any) -> None:
        with watched() as spans, openai_client(answer_chat) as client:
            assert isinstance(client.post("/chat/completions", cast_to=kind, body=ASK), kind)
            expect(attributes_of(spans.one()), WHOLE)

    def test_of_a_message(self) -> None:
        with watched() as spans, anthropic_client(answer_message) as client:
            answer = client.post("/v1/messages", cast_to=httpx2.Response, body=ASK_CLAUDE)
            assert answer.json()["usage"] == {"input_tokens": 1000, "output_tokens": 200}
            expect(attributes_of(spans.one()), CLAUDE_WHOLE)

    async def test_async(self) -> None:
        with watched() as spans:
            async with async_openai_client(answer_chat) as client:
                await client.post("/chat/completions", cast_to=httpx2.Response, body=ASK)
            expect(attributes_of(spans.one()), WHOLE)


class TestRequestItself:
    def test_with_everything_named(self) -> None:
        """As the SDK's own methods never call it."""
        options = FinalRequestOptions(method="post", url="/chat/completions", json_data=ASK)
        with watched() as spans, openai_client(answer_chat) as client:
            answer = client.request(options=options, cast_to=ChatCompletion)
            assert answer.id == "chatcmpl-1"
            expect(attributes_of(spans.one()), WHOLE)

    def test_called_wrongly(self) -> None:
        """The caller is told what the SDK would have told."""
        with openai_client(answer_chat) as client:
            with pytest.raises(TypeError) as bare:
                client.request(ChatCompletion)
            with watched() as spans, pytest.raises(TypeError) as told:
                client.request(ChatCompletion)
            assert str(told.value) == str(bare.value)
            assert not spans.all()


def test_a_whole_answer_carries_nothing_of_ours() -> None:
    """Whoever looks into the HTTP client's response finds what the client put there."""
    with openai_client(answer_chat) as client:
        bare = client.chat.completions.with_raw_response.create(**ASK)
        with watched() as spans:
            raw = client.chat.completions.with_raw_response.create(**ASK)
        assert raw.http_response.extensions.keys() == bare.http_response.extensions.keys()
        expect(attributes_of(spans.one()), WHOLE)


PAST: dict[str, Callable[[httpx2.Response], object]] = {
    "bytes": lambda response: list(response.iter_bytes()),
    "lines": lambda response: list(response.iter_lines()),
    "at once": lambda response: response.read(),
    "events": lambda response: list(anthropic.Stream.raw_events(response)),
}


class TestTheResponseOfAStream:
    @pytest.mark.parametrize("way", PAST)
    def test_of_a_chat(self, way: str) -> None:
        with watched() as spans, openai_client(answer_chat) as client:
            stream = client.chat.completions.create(**CHAT_STREAM)
            PAST[way](stream.response)
            expect(attributes_of(spans.one()), {**WHOLE, OUTCOME: None})

    @pytest.mark.parametrize("way", PAST)
    def test_of_a_message(self, way: str) -> None:
        with watched() as spans, anthropic_client(answer_message) as client:
            response = client.messages.create(**CLAUDE_STREAM).response  # the stream is dropped
            PAST[way](response)
            expect(attributes_of(spans.one()), {**CLAUDE_WHOLE, OUTCOME: None})

    async def test_async(self) -> None:
        with watched() as spans:
            async with async_openai_client(answer_chat) as client:
                stream = await client.chat.completions.create(**CHAT_STREAM)
                assert [chunk async for chunk in stream.response.aiter_bytes()]
            expect(attributes_of(spans.one()), {**WHOLE, OUTCOME: None})

    def test_and_the_stream_after_it(self) -> None:
        """What was read at once still comes in chunks, and is counted once."""
        with watched() as spans, anthropic_client(answer_message) as client:
            stream = client.messages.create(**CLAUDE_STREAM)
            stream.response.read()
            assert len(list(stream)) == 7
            expect(attributes_of(spans.one()), {**CLAUDE_WHOLE, OUTCOME: None})

    def test_a_part_of_it(self) -> None:
        with watched() as spans, anthropic_client(answer_message) as client:
            stream = client.messages.create(**CLAUDE_STREAM)
            next(stream.response.iter_lines())
            stream.close()
            assert attributes_of(spans.one())[OUTCOME] == "abandoned"


@pytest.mark.parametrize("wrapper", ["with_raw_response", "with_streaming_response"])
def test_a_stream_that_a_hook_read_before_its_caller(wrapper: str) -> None:
    transport = httpx2.MockTransport(answer_chat)
    hooks: Any = {"response": [lambda response: response.read()]}
    http = httpx2.Client(transport=transport, event_hooks=hooks)
    with watched() as spans, openai.OpenAI(api_key="sk-test", http_client=http) as client:
        raw: Any = getattr(client.chat.completions, wrapper).create(**CHAT_STREAM)
        if wrapper == "with_raw_response":
            assert len(list(raw.parse())) == 4
        else:
            with raw as answer:
                assert len(list(answer.parse())) == 4
        expect(attributes_of(spans.one()), {**WHOLE, OUTCOME: None})


def counting(stream: Any, chunks: Iterator[T]) -> Iterator[T]:
    for chunk in chunks:
        stream.seen += 1
        yield chunk


class Chats(openai.Stream[T]):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.seen = 0

    def __stream__(self) -> Iterator[T]:
        return counting(self, super().__stream__())


class Messages(anthropic.Stream[T]):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.seen = 0

    def __stream__(self) -> Iterator[T]:
        return counting(self, super().__stream__())


class AsyncMessages(anthropic.AsyncStream[T]):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.seen = 0

    async def __stream__(self) -> AsyncIterator[T]:
        async for chunk in super().__stream__():
            self.seen += 1
            yield chunk


class TestStreamsOfTheAppsOwn:
    """What its `__init__` sets after the SDK's is there when it is read."""

    def test_of_chats(self) -> None:
        kind: Any = {"cast_to": ChatCompletionChunk, "stream_cls": Chats[ChatCompletionChunk]}
        with watched() as spans, openai_client(answer_chat) as client:
            stream = client.post("/chat/completions", body=CHAT_STREAM, stream=True, **kind)
            assert len(list(stream)) == 4
            expect(attributes_of(spans.one()), WHOLE)

    def test_of_messages(self) -> None:
        kind: Any = {"cast_to": Message, "stream_cls": Messages[RawMessageStreamEvent]}
        with watched() as spans, anthropic_client(answer_message) as client:
            stream = client.post("/v1/messages", body=CLAUDE_STREAM, stream=True, **kind)
            assert len(list(stream)) == 7
            expect(attributes_of(spans.one()), CLAUDE_WHOLE)

    async def test_of_async_messages(self) -> None:
        kind: Any = {"cast_to": Message, "stream_cls": AsyncMessages[RawMessageStreamEvent]}
        with watched() as spans:
            async with async_anthropic_client(answer_message) as client:
                stream = await client.post("/v1/messages", body=CLAUDE_STREAM, stream=True, **kind)
                assert len([chunk async for chunk in stream]) == 7
            expect(attributes_of(spans.one()), CLAUDE_WHOLE)

    @pytest.mark.parametrize("read", [0, 2])
    def test_one_that_is_dropped(self, read: int) -> None:
        """It ends at once, without a collection of cycles."""
        kind: Any = {"cast_to": Message, "stream_cls": Messages[RawMessageStreamEvent]}
        gc.disable()
        try:
            with watched() as spans, anthropic_client(answer_message) as client:
                stream = client.post("/v1/messages", body=CLAUDE_STREAM, stream=True, **kind)
                for _ in range(read):
                    next(stream)
                del stream
                assert attributes_of(spans.one())[OUTCOME] == "abandoned"
        finally:
            gc.enable()
