"""Taps: what stands in a stream's or an unread body's way and notes what passes.

A stream's tap takes the place of its iterator. It is a slotted class, not a generator (an
unstarted generator never runs its `finally`), and neither it nor its exchange holds the stream or
the response, so that a dropped stream ends at once.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from costspan.guard import quieted, quietly
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.settlement import settlement
from costspan.providers.operation import Body, Operation, fields

Note = Callable[["StreamTap", Any], bool | None]


class StreamTap:
    """What the sync and the async tap share: what was noted of the chunks that passed.

    `_note` returns true for a chunk that the caller did not ask for and must not see.
    """

    __slots__ = (
        "__weakref__",
        "_exchange",
        "_has_content",
        "_inner",
        "_keeps",
        "_note",
        "_reading",
        "_step",
        "kept",
        "started",
    )

    def __init__(self, exchange: Exchange, operation: Operation, inner: Any, *, all_: bool) -> None:
        assert operation.keeps is not None
        self._exchange = exchange
        self._inner = inner
        self._step = inner.__anext__ if hasattr(inner, "__anext__") else inner.__next__
        self._keeps: Callable[[Body], bool] = _everything if all_ else operation.keeps
        self._has_content = operation.has_content
        self._note: Note = _note_first
        self._reading = False
        self.kept: list[Any] = []
        self.started = exchange.observation.started
        exchange.fold = _Fold(operation, self.kept, whole=all_)
        exchange.reader = weakref.ref(self)

    def running(self) -> bool:
        """Whether the SDK's own generator is being run, or taken down, at this moment."""
        return self._reading

    def close(self) -> None:
        """Close the SDK's generator, as a caller could before."""
        self._inner.close()


class Tap(StreamTap):
    """The tap of a sync stream."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while True:
            self._reading = True
            try:
                chunk = self._step()
            except StopIteration:
                self._exchange.end("complete")
                raise
            except BaseException as exc:
                self._exchange.end(_outcome(exc), exc)
                raise
            self._reading = False
            if not self._note(self, chunk):
                return chunk


class AsyncTap(StreamTap):
    """The tap of an async stream."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        while True:
            self._reading = True
            try:
                chunk = await self._step()
            except StopAsyncIteration:
                self._exchange.end("complete")
                raise
            except BaseException as exc:
                self._exchange.end(_outcome(exc), exc)
                raise
            self._reading = False
            if not self._note(self, chunk):
                return chunk

    async def aclose(self) -> None:
        """Close the SDK's generator, as a caller could before."""
        await self._inner.aclose()


def _outcome(exc: BaseException) -> str:
    return "abandoned" if isinstance(exc, GeneratorExit) else "failed"


def _everything(chunk: Body) -> bool:
    return True


def _keep(tap: StreamTap, chunk: Any) -> bool:
    if tap._keeps(chunk if type(chunk) is dict else chunk.__dict__):
        tap.kept.append(chunk)
    return False


def _search(tap: StreamTap, chunk: Any) -> bool:
    """Until the first content has come, look for it."""
    observation = tap._exchange.observation
    note = _hide if observation.injected else _keep
    if tap._has_content is None or tap._has_content(fields(chunk)):
        if observation.first_token is None:
            observation.first_token = time.perf_counter() - tap.started
        tap._note = _note_injected if observation.injected else _note_plain
    return note(tap, chunk)


def _first(tap: StreamTap, chunk: Any) -> bool:
    """The first chunk names the answer, and its time is the time to first chunk."""
    observation = tap._exchange.observation
    if observation.first_chunk is None:
        observation.first_chunk = time.perf_counter() - tap.started
    tap._note = _note_search
    tap.kept.append(chunk)
    return _search(tap, chunk)


def _hide(tap: StreamTap, chunk: Any) -> bool:
    """Take out of the caller's view what only our asking for usage brought."""
    _keep(tap, chunk)
    said = fields(chunk)
    if not said.get("choices") and said.get("usage") is not None:
        return True
    fields_set = getattr(chunk, "__pydantic_fields_set__", None)
    if fields_set is not None and said.get("usage") is None:
        fields_set.discard("usage")
    return False


_note_first = quieted("noting a stream's first chunk", _first)
_note_search = quieted("noting a stream's chunk", _search)
_note_plain = quieted("noting a stream's chunk", _keep)
_note_injected = quieted("noting a stream's chunk", _hide)


class _Fold:
    """Works out what a stream said, once, at its end."""

    __slots__ = ("_kept", "_operation", "_whole")

    def __init__(self, operation: Operation, kept: list[Any], *, whole: bool) -> None:
        self._operation = operation
        self._kept = kept
        self._whole = whole

    def __call__(self, observation: Observation) -> Any:
        chunks = [fields(chunk) for chunk in self._kept]
        if self._whole and self._operation.stitch is not None:
            observation.answer = self._operation.stitch(chunks)
        assert self._operation.fold is not None
        return self._operation.fold(chunks)


class Closing:
    """Stands in for a response's `close`, to see the end of a body that was not read out."""

    __slots__ = ("_exchange", "_response")

    def __init__(self, response: Any, exchange: Exchange) -> None:
        self._response = weakref.ref(response)
        self._exchange = exchange

    def __call__(self) -> None:
        response = self._response()
        if response is None:
            return
        try:
            type(response).close(response)
        finally:
            with quietly("noting a closed response"):
                self._exchange.closed()


class AsyncClosing(Closing):
    """Stands in for an async response's `aclose`."""

    __slots__ = ()

    async def __call__(self) -> None:  # type: ignore[override]
        response = self._response()
        if response is None:
            return
        try:
            await type(response).aclose(response)
        finally:
            with quietly("noting a closed response"):
                self._exchange.closed()


def watch_close(response: Any, exchange: Exchange) -> None:
    """See the closing of a response whose body is still to come."""
    settlement.start()
    response.close = Closing(response, exchange)
    response.aclose = AsyncClosing(response, exchange)


def tap_stream(stream: Any, package: str) -> None:
    """Put a tap in place of a new stream's iterator, if its call is observed."""
    exchange = stream.response.extensions.get("costspan")
    if not isinstance(exchange, Exchange) or exchange.tapped:
        return
    operation = exchange.observation.operation
    if operation is None or operation.keeps is None:
        return
    inner = _inner_iterator(stream, package)
    exchange.tapped = True
    stream.response.__dict__.pop("iter_raw", None)
    stream.response.__dict__.pop("aiter_raw", None)
    kind = AsyncTap if hasattr(inner, "__anext__") else Tap
    keeps_all = exchange.observation.wiring.keeps_content
    stream._iterator = kind(exchange, operation, inner, all_=keeps_all)
    watch_close(stream.response, exchange)


def _inner_iterator(stream: Any, package: str) -> Any:
    """The SDK's own chunks; of its own classes read by a copy, so that no cycle delays the end."""
    kind = type(stream)
    if kind.__module__.partition(".")[0] != package:
        return stream._iterator
    shallow = object.__new__(kind)
    shallow.__dict__.update(stream.__dict__)
    shallow.__dict__.pop("_iterator", None)
    return shallow.__stream__()
