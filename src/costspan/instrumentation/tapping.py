"""Putting a tap in place of a stream's iterator."""

from __future__ import annotations

import copy
import weakref
from typing import Any

from costspan.instrumentation.bodies import noted
from costspan.instrumentation.byte_streams import watch
from costspan.instrumentation.cuts import AsyncCutTap, CutTap
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.taps import AsyncTap, StreamTap, Tap
from costspan.providers.operation import Operation


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
    is_async = hasattr(inner, "__anext__")
    stream._iterator = _tap(stream.response, exchange, operation, inner, is_async=is_async)
    watch(stream.response, exchange, is_async=is_async, past=noted)


def _tap(
    response: Any, exchange: Exchange, operation: Operation, inner: Any, *, is_async: bool
) -> StreamTap:
    keeps_all = exchange.observation.wiring.keeps_content
    reservation = exchange.observation.reservation
    if reservation is None or reservation.allowance is None:
        return (AsyncTap if is_async else Tap)(exchange, operation, inner, all_=keeps_all)
    kind = AsyncCutTap if is_async else CutTap
    return kind(exchange, operation, inner, all_=keeps_all).measured_by(operation, response)


def _inner_iterator(stream: Any, package: str) -> Any:
    """The SDK's own chunks; of its own classes read by a copy, so that no cycle delays the end."""
    kind = type(stream)
    if kind.__module__.partition(".")[0] != package:
        if "_iterator" in stream.__dict__:
            return stream._iterator
        return (_AsyncLater if hasattr(kind, "__anext__") else _Later)(stream)
    shallow = object.__new__(kind)
    shallow.__dict__.update(stream.__dict__)
    shallow.__dict__.pop("_iterator", None)
    return shallow.__stream__()


class _Later:
    """The chunks of a class of the app's own, which reads a copy of itself made at its first use.

    A copy that is made any earlier lacks what its `__init__` sets after the SDK's.
    """

    __slots__ = ("_iterator", "_stream")

    def __init__(self, stream: Any) -> None:
        self._stream = weakref.ref(stream)
        self._iterator: Any = None

    def _begun(self) -> Any:
        if self._iterator is None:
            shallow: Any = copy.copy(self._stream())
            shallow.__dict__.pop("_iterator", None)
            self._iterator = shallow.__stream__()
        return self._iterator

    def __next__(self) -> Any:
        return self._begun().__next__()

    def close(self) -> None:
        if self._iterator is not None:
            self._iterator.close()


class _AsyncLater(_Later):
    __slots__ = ()

    def __anext__(self) -> Any:
        return self._begun().__anext__()

    async def aclose(self) -> None:
        if self._iterator is not None:
            await self._iterator.aclose()
