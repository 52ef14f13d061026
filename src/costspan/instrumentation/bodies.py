"""Bodies that the caller reads itself: `with_streaming_response`, or a raw streamed response.

The response's `iter_raw` is watched, through which every way of reading it goes. Of an event
stream the head and the tail are kept, of a plain body all up to a limit; what is longer is
reported as unknown rather than guessed.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from costspan.call import Response
from costspan.guard import quietly
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.taps import watch_close
from costspan.providers.operation import Body, Operation, fields

HEAD_BYTES = 16 * 1024
TAIL_BYTES = 64 * 1024
PLAIN_BYTES = 4 * 1024 * 1024


def read_json(content: bytes) -> Body:
    """A JSON body as its fields; nothing where it is no JSON object."""
    try:
        return fields(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


class BodyBuffer:
    """What is kept of one body, and what it said. It knows no exchange, so that none is kept."""

    __slots__ = ("_encoding", "_head", "_kind", "_limit", "_size", "_tail", "is_events")

    def __init__(self, response: Any) -> None:
        headers = response.headers
        self._kind = type(response)
        self._encoding = headers.get("content-encoding")
        self.is_events = "event-stream" in headers.get("content-type", "")
        self._limit = TAIL_BYTES if self.is_events and not self._encoding else PLAIN_BYTES
        self._head = b""
        self._tail = bytearray()
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Keep some more bytes, as far as the limits go."""
        if self._size < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - self._size]
        self._size += len(chunk)
        self._tail += chunk
        if len(self._tail) > 2 * self._limit:
            del self._tail[: -self._limit]

    def fold(self, observation: Observation) -> Response | None:
        """What the body said of the call."""
        operation = observation.operation
        complete = self._size == len(self._tail)
        if operation is None or not (complete or self.is_events):
            return None
        content = self._decoded() if complete else self._head + b"\n" + bytes(self._tail)
        if self.is_events:
            return _folded(observation, operation, content)
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


class BodyTap:
    """Watches the bytes of one body as the caller reads them.

    It is reached from the response itself, so it holds the response by a weak reference only.
    """

    __slots__ = ("__weakref__", "_buffer", "_exchange", "_reading", "_response")

    def __init__(self, response: Any, exchange: Exchange) -> None:
        self._response = weakref.ref(response)
        self._exchange = exchange
        self._buffer = BodyBuffer(response)
        self._reading = False
        exchange.fold = self._buffer.fold
        exchange.reader = weakref.ref(self)

    def running(self) -> bool:
        """Whether the body is being read at this moment."""
        return self._reading

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The bytes as the caller would get them, noted as they pass."""
        response: Any = self._response()
        chunks = type(response).iter_raw(response, chunk_size)
        try:
            while True:
                self._reading = True
                try:
                    chunk = next(chunks)
                except StopIteration:
                    self._exchange.end("complete")
                    return
                except BaseException as exc:
                    self._exchange.end("failed", exc)
                    raise
                finally:
                    self._reading = False
                self._note(chunk)
                yield chunk
        finally:
            chunks.close()

    async def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """The bytes as the caller would get them, noted as they pass."""
        response: Any = self._response()
        chunks = type(response).aiter_raw(response, chunk_size)
        try:
            while True:
                self._reading = True
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    self._exchange.end("complete")
                    return
                except BaseException as exc:
                    self._exchange.end("failed", exc)
                    raise
                finally:
                    self._reading = False
                self._note(chunk)
                yield chunk
        finally:
            await chunks.aclose()

    def _note(self, chunk: bytes) -> None:
        with quietly("noting a body"):
            observation = self._exchange.observation
            if self._buffer.is_events and observation.first_chunk is None:
                observation.first_chunk = time.perf_counter() - observation.started
            self._buffer.add(chunk)


def _folded(observation: Observation, operation: Operation, text: bytes) -> Response | None:
    if operation.fold is None or operation.keeps is None:
        return None
    events = [read_json(line[5:]) for line in text.splitlines() if line.startswith(b"data:")]
    if observation.wiring.keeps_content and operation.stitch is not None:
        observation.answer = operation.stitch(events)
    return operation.fold([event for event in events if event and operation.keeps(event)])


def watch_body(response: Any, exchange: Exchange) -> None:
    """See a body that the SDK leaves to its caller to read."""
    tap = BodyTap(response, exchange)
    response.iter_raw = tap.iter_raw
    response.aiter_raw = tap.aiter_raw
    watch_close(response, exchange)
