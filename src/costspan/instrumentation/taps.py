"""Taps: what stands in a stream's or an unread body's way and notes what passes.

A stream's tap takes the place of its iterator. It is a slotted class, not a generator (an
unstarted generator never runs its `finally`), and neither it nor its exchange holds the stream or
the response, so that a dropped stream ends at once.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from costspan.call import Response
from costspan.elsewhere import over
from costspan.guard import quieted
from costspan.instrumentation.captured import stitched
from costspan.instrumentation.estimates import Look, counted
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.metrics import ChunkTimer
from costspan.instrumentation.observation import Observation
from costspan.providers.operation import Body, Operation, fields

Note = Callable[["StreamTap", Any], bool | None]


class StreamTap:
    """What the sync and the async tap share: what was noted of the chunks that passed.

    `_note` returns true for a chunk that the caller did not ask for and must not see.
    """

    __slots__ = (
        "_exchange",
        "_has_content",
        "_inner",
        "_keeps",
        "_note",
        "_opening",
        "_step",
        "kept",
        "started",
    )

    def __init__(self, exchange: Exchange, operation: Operation, inner: Any, *, all_: bool) -> None:
        assert operation.keeps is not None
        self._exchange = exchange
        self._inner = inner
        self._step = inner.__anext__ if hasattr(inner, "__anext__") else inner.__next__
        self._keeps: Callable[[Body], Any] = _everything if all_ else operation.keeps
        self._opening: Callable[[Body], Any] | None = None if all_ else operation.opening
        timer = exchange.observation.chunk_timer()
        if timer is not None:
            self._keeps = timed(timer, self._keeps)
            self._opening = timed(timer, self._opening or _whole)
        estimate, texts = exchange.observation.estimate, operation.chunk_texts
        if estimate is not None and texts is not None:
            self._keeps = counted(estimate, texts, self._keeps)
            self._opening = counted(estimate, texts, self._opening or _whole)
        self._has_content = operation.has_content
        self._note: Note = _note_first
        self.kept: list[Any] = []
        self.started = exchange.observation.started
        exchange.kept = self.kept
        exchange.fold = _fold

    def close(self) -> None:
        """Close the SDK's generator, as a caller could before."""
        self._inner.close()


class Tap(StreamTap):
    """The tap of a sync stream."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        exchange = self._exchange
        while True:
            exchange.reading = True
            try:
                chunk = self._step()
            except StopIteration:
                exchange.end("complete")
                if exchange.observation.exceeded is not None:
                    raise exchange.observation.exceeded from None
                raise
            except BaseException as exc:
                exchange.end(_outcome(exc), exc)
                raise
            exchange.reading = False
            if not self._note(self, chunk):
                return chunk


class AsyncTap(StreamTap):
    """The tap of an async stream."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        exchange = self._exchange
        while True:
            exchange.reading = True
            try:
                chunk = await self._step()
            except StopAsyncIteration:
                exchange.end("complete")
                await settled(exchange.observation)
                raise
            except BaseException as exc:
                exchange.end(_outcome(exc), exc)
                raise
            exchange.reading = False
            if not self._note(self, chunk):
                return chunk

    async def aclose(self) -> None:
        """Close the SDK's generator, as a caller could before."""
        await self._inner.aclose()


async def settled(observation: Observation) -> None:
    """Wait for the end of a call that another thread settles, and raise what a budget wants.

    Raises:
        BudgetExceeded: the call crossed a limit whose action is to raise.
    """
    if observation.finished is not None:
        await over(observation.finished)
    if observation.exceeded is not None:
        raise observation.exceeded from None


def _outcome(exc: BaseException) -> str:
    return "abandoned" if isinstance(exc, GeneratorExit) else "failed"


def timed(timer: ChunkTimer, then: Look) -> Look:
    """`then`, with the time of each chunk that it is given noted."""

    def look(chunk: Body) -> object:
        timer()
        return then(chunk)

    return look


def _everything(chunk: Body) -> bool:
    return True


def _whole(chunk: Body) -> Body:
    return chunk


def _keep(tap: StreamTap, chunk: Any) -> bool:
    if tap._keeps(chunk if type(chunk) is dict else chunk.__dict__):
        tap.kept.append(chunk)
    return False


def _look(tap: StreamTap, chunk: Any) -> None:
    """Note the time of the first content, and from then on look for it no more."""
    observation = tap._exchange.observation
    if tap._has_content is None or tap._has_content(fields(chunk)):
        if observation.first_token is None:
            observation.first_token = time.perf_counter() - tap.started
        tap._note = _note_asked if observation.injected else _note_plain


def _first(tap: StreamTap, chunk: Any) -> bool:
    """The first chunk names the answer, and its time is the time to first chunk."""
    observation = tap._exchange.observation
    if observation.first_chunk is None:
        observation.first_chunk = time.perf_counter() - tap.started
    tap.kept.append(chunk if tap._opening is None else tap._opening(fields(chunk)))
    tap._note = _note_search
    _look(tap, chunk)
    return observation.injected and _is_hidden(chunk)


def _search(tap: StreamTap, chunk: Any) -> bool:
    """Until the first content has come, look for it."""
    _look(tap, chunk)
    _keep(tap, chunk)
    return tap._exchange.observation.injected and _is_hidden(chunk)


def _asked(tap: StreamTap, chunk: Any) -> bool:
    """A chunk of a stream whose usage was asked for on the caller's behalf."""
    _keep(tap, chunk)
    return _is_hidden(chunk)


def _is_hidden(chunk: Any) -> bool:
    """Take out of the caller's view what only our asking for usage brought."""
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
_note_asked = quieted("noting a stream's chunk", _asked)


def _fold(exchange: Exchange) -> Response | None:
    """Work out what a stream said, once, at its end."""
    observation = exchange.observation
    operation = observation.operation
    if operation is None or operation.fold is None:
        return None
    chunks = [fields(chunk) for chunk in exchange.kept]
    if observation.wiring.keeps_content:
        observation.answer = stitched(operation, chunks)
    return operation.fold(chunks)
