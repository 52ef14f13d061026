"""The byte stream beneath a response, watched for its end.

Whatever way a body is read or dropped, it goes through `response.stream`. Ours stands in its place
and passes everything on; it belongs to the HTTP client's own base class, which is not imported but
found on the stream that was there. It is reached from the response, so it does not hold it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

from costspan.guard import quietly
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.settlement import settlement

Note = Callable[[Exchange, bytes], None]

_NOTING_BYTES = quietly("noting a body")
_NOTING_CLOSE = quietly("noting a closed response")


class _Watched:
    """What all of them share: the stream, the exchange, and who notes the bytes, if anyone."""

    __slots__ = ("_exchange", "_note", "_stream", "stream_observer")

    def __init__(self, stream: Any, exchange: Exchange, note: Note | None) -> None:
        self._stream = stream
        self._exchange = exchange
        self._note = note
        # The Anthropic SDK asks for this at every chunk: it must not go through `__getattr__`.
        self.stream_observer = getattr(stream, "stream_observer", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _WatchedSync(_Watched):
    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream) if self._note is None else self._noted(self._note)

    def _noted(self, note: Note) -> Iterator[bytes]:
        exchange = self._exchange
        try:
            for chunk in self._stream:
                with _NOTING_BYTES:
                    note(exchange, chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as exc:
            exchange.end("failed", exc)
            raise
        exchange.end("complete")

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            with _NOTING_CLOSE:
                self._exchange.closed()


class _WatchedAsync(_Watched):
    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream) if self._note is None else self._noted(self._note)

    async def _noted(self, note: Note) -> AsyncIterator[bytes]:
        exchange = self._exchange
        try:
            async for chunk in self._stream:
                with _NOTING_BYTES:
                    note(exchange, chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as exc:
            exchange.end("failed", exc)
            raise
        exchange.end("complete")

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            with _NOTING_CLOSE:
                self._exchange.closed()


_BASES = {False: ("SyncByteStream", _WatchedSync), True: ("AsyncByteStream", _WatchedAsync)}


@cache
def _watched_class(kind: Any, is_async: bool) -> type:
    name, mixin = _BASES[is_async]
    base = next(one for one in kind.__mro__ if one.__name__ == name)
    return type(mixin.__name__, (mixin, base), {"__slots__": ()})


def watch(response: Any, exchange: Exchange, *, is_async: bool, note: Note | None = None) -> None:
    """See how the body of `response` ends.

    Args:
        note: is given each piece of the body as it passes, still in its transport encoding; with
            it, the end of the bytes is the end of the exchange. Without, only closing is seen.
    """
    settlement.expect(exchange)
    if isinstance(response.stream, _Watched):
        response.stream._note = note
        return
    kind: Any = type(response.stream)
    made = _watched_class(kind, is_async)
    response.stream = made(response.stream, exchange, note)
