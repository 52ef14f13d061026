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
Past = Callable[[Exchange, Any, Any], Note]

_NOTING_BYTES = quietly("noting a body")
_NOTING_CLOSE = quietly("noting a closed response")


class _Watched:
    """What all of them share: the stream, the exchange, and who notes the bytes, if anyone."""

    __slots__ = ("_exchange", "_headers", "_note", "_past", "_stream", "stream_observer")
    _response: Any

    def __init__(self, stream: Any, exchange: Exchange, headers: Any) -> None:
        self._stream = stream
        self._exchange = exchange
        self._headers = headers
        self._note: Note | None = None
        self._past: Past | None = None
        # The Anthropic SDK asks for this at every chunk: it must not go through `__getattr__`.
        self.stream_observer = getattr(stream, "stream_observer", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _noting(self) -> Note | None:
        if self._past is not None and not self._exchange.reading:
            with _NOTING_BYTES:
                return self._past(self._exchange, self._response, self._headers)
        return self._note


class _WatchedSync(_Watched):
    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        note = self._noting()
        return iter(self._stream) if note is None else self._noted(note)

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
        note = self._noting()
        return aiter(self._stream) if note is None else self._noted(note)

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
def _watched_class(kind: Any, response: Any, is_async: bool) -> type:
    name, mixin = _BASES[is_async]
    base = next(one for one in kind.__mro__ if one.__name__ == name)
    return type(mixin.__name__, (mixin, base), {"__slots__": (), "_response": response})


def watch(
    response: Any,
    exchange: Exchange,
    *,
    is_async: bool,
    note: Note | None = None,
    past: Past | None = None,
) -> None:
    """See how the body of `response` ends.

    Args:
        note: is given each piece of the body as it passes, still in its transport encoding; with
            it, the end of the bytes is the end of the exchange. Without, only closing is seen.
        past: gives such a one, for the exchange, the response's class and its headers, where the
            bytes are read by somebody else than the stream's tap.
    """
    settlement.expect(exchange)
    if not isinstance(response.stream, _Watched):
        kinds: Any = (type(response.stream), type(response))
        made = _watched_class(*kinds, is_async)
        response.stream = made(response.stream, exchange, response.headers)
    response.stream._note, response.stream._past = note, past
