"""Bodies that the caller reads itself: `with_streaming_response`, or a raw streamed response.

Of an event stream the head and the tail are kept, of a plain body all up to a limit; what is
longer is reported as unknown rather than guessed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from costspan.call import Response
from costspan.instrumentation.byte_streams import Note, watch
from costspan.instrumentation.captured import stitched
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.observation import Observation
from costspan.providers.operation import Body, fields

HEAD_BYTES = 16 * 1024
TAIL_BYTES = 64 * 1024
PLAIN_BYTES = 4 * 1024 * 1024


def read_json(content: bytes) -> Body:
    """A JSON body as its fields; nothing where it is no JSON object."""
    try:
        return fields(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def is_event_stream(headers: Any) -> bool:
    """Whether the body under these headers is one of events."""
    return "event-stream" in headers.get("content-type", "")


class BodyBuffer:
    """What is kept of one body, and what it said. It knows no exchange, so that none is kept."""

    __slots__ = ("_encoding", "_head", "_kind", "_limit", "_line", "_size", "_tail", "is_events")

    def __init__(self, kind: Any, headers: Any) -> None:
        self._kind = kind
        self._encoding = headers.get("content-encoding")
        self.is_events = is_event_stream(headers)
        self._limit = TAIL_BYTES if self.is_events and not self._encoding else PLAIN_BYTES
        self._head = b""
        self._tail = bytearray()
        self._line = b""
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Keep some more bytes, as far as the limits go."""
        if self._size < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - self._size]
        self._size += len(chunk)
        self._tail += chunk
        if len(self._tail) > 2 * self._limit:
            del self._tail[: -self._limit]

    def events(self, chunk: bytes) -> Iterator[Body]:
        """The events that end in these bytes, each read when it is asked for."""
        if self._encoding:
            return iter(())
        *lines, self._line = (self._line + chunk).splitlines(keepends=True) or [b""]
        if self._line.endswith(b"\n"):
            lines, self._line = [*lines, self._line], b""
        return (read_json(line[5:]) for line in lines if line.startswith(b"data:"))

    def said(self, observation: Observation) -> Response | None:
        """What the body said of the call."""
        operation = observation.operation
        complete = self._size == len(self._tail)
        if operation is None or not (complete or self.is_events):
            return None
        content = self._decoded() if complete else self._head + b"\n" + bytes(self._tail)
        if self.is_events:
            return read_events(observation, content)
        body = read_json(content)
        if observation.wiring.keeps_content:
            observation.answer = body
        return operation.read(body)

    def _decoded(self) -> bytes:
        """The body without its transport encoding, decoded by the HTTP client's own class."""
        content = bytes(self._tail)
        if not self._encoding:
            return content
        again = self._kind(200, headers={"content-encoding": self._encoding}, content=content)
        return bytes(again.content)


def _fold(exchange: Exchange) -> Response | None:
    buffer: BodyBuffer = exchange.kept
    return buffer.said(exchange.observation)


def read_events(observation: Observation, text: bytes) -> Response | None:
    """What the events of a body said of the call."""
    operation = observation.operation
    if operation is None or operation.fold is None or operation.keeps is None:
        return None
    events = [read_json(line[5:]) for line in text.splitlines() if line.startswith(b"data:")]
    if observation.wiring.keeps_content:
        observation.answer = stitched(operation, events)
    return operation.fold([event for event in events if event and operation.keeps(event)])


def _look(observation: Observation, buffer: BodyBuffer, chunk: bytes, elapsed: float) -> None:
    """Look into the events for the first content, and for text where tokens are estimated."""
    operation, estimate = observation.operation, observation.estimate
    if operation is None or (observation.first_token is not None and estimate is None):
        return
    for event in buffer.events(chunk):
        has_content = operation.has_content
        if observation.first_token is None and has_content is not None and has_content(event):
            observation.first_token = elapsed
        if estimate is not None and operation.chunk_texts is not None:
            estimate.add(operation.chunk_texts(event))


def _note(exchange: Exchange, chunk: bytes) -> None:
    observation = exchange.observation
    buffer: BodyBuffer = exchange.kept
    buffer.add(chunk)
    if buffer.is_events:
        elapsed = time.perf_counter() - observation.started
        if observation.first_chunk is None:
            observation.first_chunk = elapsed
        _look(observation, buffer, chunk, elapsed)


def watch_body(response: Any, exchange: Exchange, *, is_async: bool) -> None:
    """See a body that the SDK leaves to its caller to read."""
    note = noted(exchange, type(response), response.headers)
    watch(response, exchange, is_async=is_async, note=note)


def noted(exchange: Exchange, kind: Any, headers: Any) -> Note:
    """Begin to note a body, of a response of class `kind`."""
    exchange.kept = BodyBuffer(kind, headers)
    exchange.fold = _fold
    return _note
