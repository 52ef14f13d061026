"""Taps that may end a stream before its end: when it used up what a budget reserved for it.

The chunks that came are the caller's; the cut is made before the next one is asked for.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from costspan.elsewhere import elsewhere
from costspan.guard import quietly
from costspan.instrumentation.taps import AsyncTap, StreamTap, Tap
from costspan.providers.operation import Operation, fields

_CHARACTERS_PER_TOKEN = 4
_MEASURING = quietly("measuring a stream")
_CLOSING = quietly("closing a stream that was cut off")


class _Meter:
    """About how many tokens passed: one a chunk, and more where its text is long."""

    __slots__ = ("_texts", "response", "tokens")

    def __init__(self, operation: Operation, response: Any) -> None:
        self._texts: Callable[[Any], Sequence[str]] | None = operation.chunk_texts
        self.response = weakref.ref(response)  # a tap that held it would keep a dropped one alive
        self.tokens = 0.0

    def add(self, chunk: Any) -> None:
        with _MEASURING:
            texts = () if self._texts is None else self._texts(fields(chunk))
            self.tokens += max(1.0, sum(map(len, texts)) / _CHARACTERS_PER_TOKEN)


class CutTap(Tap):
    """The tap of a sync stream that may be cut off."""

    __slots__ = ("_meter",)

    def measured_by(self, operation: Operation, response: Any) -> CutTap:
        """Measure what passes."""
        self._meter = _Meter(operation, response)
        return self

    def __next__(self) -> Any:
        refusal = _refusal(self, self._meter)
        if refusal is not None:
            self._exchange.end("failed", refusal)
            with _CLOSING:
                self._inner.close()
                response = self._meter.response()
                if response is not None:
                    response.close()
            raise refusal
        chunk = super().__next__()
        self._meter.add(chunk)
        return chunk


class AsyncCutTap(AsyncTap):
    """The tap of an async stream that may be cut off."""

    __slots__ = ("_meter",)

    def measured_by(self, operation: Operation, response: Any) -> AsyncCutTap:
        """Measure what passes."""
        self._meter = _Meter(operation, response)
        return self

    async def __anext__(self) -> Any:
        meter = self._meter
        if self._exchange.observation.waits and _is_over(self, meter):
            refusal = await elsewhere(lambda: _refusal(self, meter))
        else:
            refusal = _refusal(self, meter)
        if refusal is not None:
            self._exchange.end("failed", refusal)
            with _CLOSING:
                await self._inner.aclose()
                response = meter.response()
                if response is not None:
                    await response.aclose()
            raise refusal
        chunk = await super().__anext__()
        meter.add(chunk)
        return chunk


def _is_over(tap: StreamTap, meter: _Meter) -> bool:
    held = tap._exchange.observation.reservation
    return held is not None and held.allowance is not None and meter.tokens >= held.allowance


def _refusal(tap: StreamTap, meter: _Meter) -> Exception | None:
    """What to raise in place of the next chunk; None where the stream may go on."""
    held = tap._exchange.observation.reservation
    # Whether it has ended, and not whether it was refused: nobody may have waited for the refusal.
    if held is None or tap._exchange.ended or not _is_over(tap, meter):
        return None
    with _MEASURING:
        if not held.allows(int(meter.tokens) + 1):
            return held.refusal
    return None
