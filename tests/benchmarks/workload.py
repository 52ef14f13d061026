"""What is measured: calls of the real SDKs, their whole path, over an in-memory transport.

Answers are ready-made bytes, so that next to nothing is spent outside the SDK.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anthropic
import openai

try:
    import httpx2 as httpx
except ImportError:
    import httpx

SHORT = 10
LONG = 410
"""Content chunks of a short and of a long stream."""

CHAT_MODEL = "gpt-4o-mini"
CLAUDE_MODEL = "claude-opus-4-5"
_SYSTEM = {"role": "system", "content": "You are helpful."}
_QUESTION = {"role": "user", "content": "Say hello. " * 20}

_CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 80,
    "total_tokens": 1280,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
_CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1760000000,
    "model": "gpt-4o-mini-2024-07-18",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there, how can I help?"},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": _CHAT_USAGE,
}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5-20251101",
    "content": [{"type": "text", "text": "Hello there, how can I help?"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 176,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 1024,
        "output_tokens": 80,
        "service_tier": "standard",
    },
}


def _chat_events(chunks: int) -> Iterable[dict[str, Any]]:
    head = {key: _CHAT[key] for key in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": " word"}, None)] * chunks
    for delta, reason in [*deltas, ({}, "stop")]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        yield {**head, "choices": [choice], "usage": None}
    yield {**head, "choices": [], "usage": _CHAT_USAGE}


def _message_events(chunks: int) -> Iterable[dict[str, Any]]:
    yield {"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}}
    block = {"type": "text", "text": ""}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    delta = {"type": "text_delta", "text": " word"}
    for _ in range(chunks):
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 80}}
    yield {"type": "message_stop"}


def _event_stream(events: Iterable[dict[str, Any]], *, named: bool, last: str = "") -> bytes:
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        lines.append(f"{name}data: {json.dumps(event)}\n\n")
    return "".join([*lines, last]).encode()


class _Answer:
    """Answers every request of one client with the same bytes."""

    def __init__(self, body: bytes, kind: str, request_id_header: str) -> None:
        self._body = body
        self._headers = {"content-type": kind, request_id_header: "req_1"}

    def __call__(self, request: Any) -> Any:
        return httpx.Response(200, headers=self._headers, content=self._body)


def _openai_answer(chunks: int | None) -> _Answer:
    if chunks is None:
        return _Answer(json.dumps(_CHAT).encode(), "application/json", "x-request-id")
    body = _event_stream(_chat_events(chunks), named=False, last="data: [DONE]\n\n")
    return _Answer(body, "text/event-stream", "x-request-id")


def _anthropic_answer(chunks: int | None) -> _Answer:
    if chunks is None:
        return _Answer(json.dumps(_MESSAGE).encode(), "application/json", "request-id")
    body = _event_stream(_message_events(chunks), named=True)
    return _Answer(body, "text/event-stream", "request-id")


_CHAT_REQUEST: dict[str, Any] = {
    "model": CHAT_MODEL,
    "messages": [_SYSTEM, _QUESTION],
    "temperature": 0.3,
}
# Every row asks for the usage itself, so that none of them has to do it on the app's behalf.
_CHAT_STREAM = {**_CHAT_REQUEST, "stream": True, "stream_options": {"include_usage": True}}
_MESSAGE_REQUEST: dict[str, Any] = {
    "model": CLAUDE_MODEL,
    "max_tokens": 100,
    "messages": [_QUESTION],
}

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]


def openai_call(chunks: int | None) -> Call:
    """A function that makes one call; one that reads a stream where `chunks` is given."""
    create = _openai(chunks).chat.completions.create
    if chunks is None:
        return lambda: create(**_CHAT_REQUEST)
    return _reading(lambda: create(**_CHAT_STREAM))


def _openai(chunks: int | None) -> openai.OpenAI:
    http = httpx.Client(transport=httpx.MockTransport(_openai_answer(chunks)))
    return openai.OpenAI(api_key="none", http_client=http)


def openai_async_call(chunks: int | None) -> AsyncCall:
    """As `openai_call`, of the async client."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(_openai_answer(chunks)))
    create = openai.AsyncOpenAI(api_key="none", http_client=http).chat.completions.create
    if chunks is None:
        return lambda: create(**_CHAT_REQUEST)
    return _reading_async(lambda: create(**_CHAT_STREAM))


def anthropic_call(chunks: int | None) -> Call:
    """As `openai_call`, of the Anthropic SDK."""
    create = _anthropic(chunks).messages.create
    if chunks is None:
        return lambda: create(**_MESSAGE_REQUEST)
    return _reading(lambda: create(**_MESSAGE_REQUEST, stream=True))


def _anthropic(chunks: int | None) -> anthropic.Anthropic:
    http = httpx.Client(transport=httpx.MockTransport(_anthropic_answer(chunks)))
    return anthropic.Anthropic(api_key="none", http_client=http)


def anthropic_async_call(chunks: int | None) -> AsyncCall:
    """As `openai_call`, of the Anthropic SDK's async client."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(_anthropic_answer(chunks)))
    create = anthropic.AsyncAnthropic(api_key="none", http_client=http).messages.create
    if chunks is None:
        return lambda: create(**_MESSAGE_REQUEST)
    return _reading_async(lambda: create(**_MESSAGE_REQUEST, stream=True))


def _reading(make: Call) -> Call:
    def run() -> None:
        for _ in make():
            pass

    return run


def _reading_async(make: AsyncCall) -> AsyncCall:
    async def run() -> None:
        async for _ in await make():
            pass

    return run


CALLS: dict[str, Callable[[int | None], Any]] = {
    "openai": openai_call,
    "openai async": openai_async_call,
    "anthropic": anthropic_call,
    "anthropic async": anthropic_async_call,
}
ASYNC = frozenset({"openai async", "anthropic async"})


def _openai_stream(chunks: int) -> Call:
    create = _openai(chunks).chat.completions.create
    return _opening(lambda: create(**_CHAT_STREAM))


def _anthropic_stream(chunks: int) -> Call:
    create = _anthropic(chunks).messages.create
    return _opening(lambda: create(**_MESSAGE_REQUEST, stream=True))


def _opening(make: Call) -> Call:
    def run() -> Any:
        stream = make()
        next(stream)
        return stream

    return run


STREAMS: dict[str, Callable[[int], Call]] = {
    "openai": _openai_stream,
    "anthropic": _anthropic_stream,
}
"""Functions that open a stream and read its first chunk."""
