"""What the providers answer: 1,000 tokens in, 200 out, of whatever model; streamed if asked to."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from tests.instrumentation.rig import CHAT, CHAT_CHUNKS, MESSAGE, MESSAGE_EVENTS
from tests.instrumentation.wire import Answer

AnswerTo = Callable[[Any], Answer]

_EVENT_STREAM = {"content-type": "text/event-stream"}


def chat(model: str) -> AnswerTo:
    """An OpenAI-compatible server: a stream says its usage only where it is asked to."""

    def answer(request: Any) -> Answer:
        asked = json.loads(request.content)
        if not asked.get("stream"):
            return Answer(body={**CHAT, "model": model})
        chunks = [{**chunk, "model": model} for chunk in CHAT_CHUNKS]
        if not (asked.get("stream_options") or {}).get("include_usage"):
            chunks = [{k: v for k, v in chunk.items() if k != "usage"} for chunk in chunks[:-1]]
        return sse(chunks)

    return answer


def message(model: str) -> AnswerTo:
    """Anthropic's own API, and the platforms that speak it unchanged."""
    start = {**MESSAGE_EVENTS[0], "message": {**MESSAGE_EVENTS[0]["message"], "model": model}}

    def answer(request: Any) -> Answer:
        if json.loads(request.content).get("stream"):
            return sse([start, *MESSAGE_EVENTS[1:]], named=True)
        return Answer(body={**MESSAGE, "model": model})

    return answer


def bedrock_message(model: str) -> AnswerTo:
    """Bedrock's `InvokeModel`: the path says whether to stream, and the stream is AWS's own."""
    start = {**MESSAGE_EVENTS[0], "message": {**MESSAGE_EVENTS[0]["message"], "model": model}}

    def answer(request: Any) -> Answer:
        if request.url.path.endswith("/invoke-with-response-stream"):
            frames = [aws_frame(event) for event in [start, *MESSAGE_EVENTS[1:]]]
            kind = "application/vnd.amazon.eventstream"
            return Answer(chunks=frames, headers={"content-type": kind})
        return Answer(body={**MESSAGE, "model": model})

    return answer


def throttled(request: Any) -> Answer:
    """A 429 in the shape that both SDKs read."""
    error = {"type": "rate_limit_error", "message": "slow down"}
    return Answer(429, {"type": "error", "error": error})


def sse(payloads: Sequence[Any], *, named: bool = False) -> Answer:
    """An event stream: OpenAI's, or with `named` Anthropic's, whose events bear their type."""
    lines = [
        (f"event: {payload['type']}\n" if named else "") + f"data: {json.dumps(payload)}\n\n"
        for payload in payloads
    ]
    if not named:
        lines.append("data: [DONE]\n\n")
    return Answer(chunks=[line.encode() for line in lines], headers=_EVENT_STREAM)


def aws_frame(event: Any) -> bytes:
    """One message of AWS's event stream encoding, which botocore can only decode.

    Source: Smithy specification, "Amazon Event Stream"; type 7 of a header value is a string.
    """
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value
        for name, value in ((name, value.encode()) for name, value in named.items())
    )
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    payload = json.dumps({"bytes": inner}).encode()
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    content = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return content + struct.pack("!I", crc32(content))
