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

CHUNKS = 500
"""How many content chunks a long stream has more than a short one."""
SHORT_CHUNKS = 10

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

Make = Callable[[], Any]
AsyncMake = Callable[[], Awaitable[Any]]


def openai_call(chunks: int | None = None) -> Make:
    """A function that makes one call; one that streams where `chunks` is given."""
    http = httpx.Client(transport=httpx.MockTransport(_openai_answer(chunks)))
    create = openai.OpenAI(api_key="none", http_client=http).chat.completions.create
    request = _CHAT_REQUEST if chunks is None else _CHAT_STREAM
    return lambda: create(**request)


def openai_async_call(chunks: int | None = None) -> AsyncMake:
    """As `openai_call`, of the async client."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(_openai_answer(chunks)))
    create = openai.AsyncOpenAI(api_key="none", http_client=http).chat.completions.create
    request = _CHAT_REQUEST if chunks is None else _CHAT_STREAM
    return lambda: create(**request)


def anthropic_call(chunks: int | None = None) -> Make:
    """A function that makes one call; one that streams where `chunks` is given."""
    http = httpx.Client(transport=httpx.MockTransport(_anthropic_answer(chunks)))
    create = anthropic.Anthropic(api_key="none", http_client=http).messages.create
    return lambda: create(**_MESSAGE_REQUEST, stream=chunks is not None)


def anthropic_async_call(chunks: int | None = None) -> AsyncMake:
    """As `anthropic_call`, of the async client."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(_anthropic_answer(chunks)))
    create = anthropic.AsyncAnthropic(api_key="none", http_client=http).messages.create
    return lambda: create(**_MESSAGE_REQUEST, stream=chunks is not None)
