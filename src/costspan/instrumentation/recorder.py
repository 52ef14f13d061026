"""record_call: the record of a call that no patch sees.

with record_call(model="llama3.2", provider="ollama") as call:
    call.set_usage(input_tokens=12, output_tokens=80)
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from opentelemetry.context import get_current

from costspan.call import FRACTIONAL, Request, Response, Usage
from costspan.elsewhere import over
from costspan.errors import ConfigurationError
from costspan.guard import quietly
from costspan.instrumentation.estimates import begun
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.leave import admit, admit_waiting
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.settlement import settlement
from costspan.instrumentation.taps import settled
from costspan.instrumentation.wiring import Wiring
from costspan.providers import shapes
from costspan.providers.operation import fields, text


def asked(model: str | None, provider: str, operation: str) -> Request:
    """What a recorded call is told of itself, in plain words.

    Raises:
        ConfigurationError: a name is no text.
    """
    for name, value in {"model": model, "provider": provider, "operation": operation}.items():
        if not isinstance(value, str) and not (name == "model" and value is None):
            raise ConfigurationError(f"record_call({name}={value!r}): give its name, as a text")
    return Request(
        operation=text(operation) or "chat",
        provider=text(provider) or "openai",
        model=text(model),
    )


class RecordedCall:
    """A call that the app describes itself; made by `record_call`, used as `with` or `async with`.

    The span is current inside the block. An exception through the block makes the call a failed
    one. A stream that is read after the block ends the call when it ends.
    """

    def __init__(self, wiring: Wiring | None, request: Request) -> None:
        self._wiring = wiring
        self._request = request
        self._observation: Observation | None = None
        self._response: Response | None = None
        self._answer: Any = None

    def __enter__(self) -> RecordedCall:
        """Open the span.

        Raises:
            BudgetExceeded: the call is not allowed.
        """
        self._open()
        if self._observation is not None:
            admit(self._observation)
            self._observation.__enter__()
        return self

    def _open(self) -> None:
        settlement.drain()
        if self._wiring is not None:
            with quietly("opening a recorded call"):
                self._observation = Observation(self._wiring, self._request, get_current())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Settle the call and end the span, unless a stream is still being read."""
        observation = self._observation
        if observation is None:
            return
        if self._response is not None:
            observation.responses = (*observation.responses, self._response)
        if self._response is not None or not observation.seen:  # a stream is seen by its exchange
            observation.seen += 1
        observation.__exit__(kind, exc, tb)
        if exc is None:
            self._raise_exceeded(observation)

    def _raise_exceeded(self, observation: Observation) -> None:
        if observation.exceeded is not None:
            observation.exceeded.response = self._answer
            raise observation.exceeded

    async def __aenter__(self) -> RecordedCall:
        """As `with`; a store that may wait is awaited.

        Raises:
            BudgetExceeded: the call is not allowed.
        """
        self._open()
        if self._observation is not None:
            await admit_waiting(self._observation)
            self._observation.__enter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """As `with`; a store that may wait is awaited."""
        self.__exit__(kind, exc, tb)
        if self._observation is not None and self._observation.finished is not None:
            await over(self._observation.finished)
            if exc is None:
                self._raise_exceeded(self._observation)

    def set_response(self, response: Any) -> None:
        """Take model, id, counts and the rest from an answer.

        Args:
            response: an OpenAI-, Anthropic- or Gemini-shaped object or dict.

        Raises:
            ConfigurationError: the shape is not known; `set_usage` takes counts by name.
        """
        _, self._response = shapes.read(response)
        self._answer = response

    def set_usage(
        self,
        *,
        model: str | None = None,
        service_tier: str | None = None,
        **counts: Any,
    ) -> None:
        """Take the counts by name: `input_tokens`, `output_tokens` and the others of `Usage`.

        `input_tokens` includes cache reads and writes, `output_tokens` includes reasoning. Seconds
        of audio may have a fraction. `service_tier` is how the call was served, such as `batch`.

        Raises:
            TypeError: a name is unknown.
            ConfigurationError: a count is negative or no whole number.
        """
        for name, value in counts.items():
            if value is not None and not _is_count(name, value):
                kind = "number of seconds" if name in FRACTIONAL else "whole number"
                raise ConfigurationError(
                    f"set_usage({name}={value!r}): a count is a {kind} from 0 on, or None"
                )
        self._response = Response(
            model=text(model), service_tier=text(service_tier), usage=Usage(**counts)
        )

    def stream(self, chunks: Any) -> Any:
        """The same chunks, noted as they pass; sync or async as `chunks` is."""
        if self._observation is None:
            return chunks
        observation = self._observation
        observation.is_streamed()
        observation.estimate = begun(observation.wiring, observation.request, None, {})
        observation.seen += 1
        exchange = Exchange(observation)
        settlement.expect(exchange)
        reading = _Reading(exchange)
        if isinstance(chunks, AsyncIterable):
            return _AsyncPassing(reading, chunks)
        return _Passing(reading, chunks)


def _is_count(name: str, value: Any) -> bool:
    if type(value) is float and name in FRACTIONAL:
        return 0 <= value < math.inf
    return type(value) is int and value >= 0


class _Reading:
    """What was seen of a stream. Dropped with the stream, so that a dropped one ends."""

    __slots__ = ("exchange", "kept", "shape", "timer")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.kept: list[Any] = []
        self.shape: shapes.Shape | None = None
        self.timer = exchange.observation.chunk_timer()
        exchange.kept = self.kept
        exchange.fold = _fold

    def note(self, chunk: Any) -> None:
        """Keep a chunk, and the time of the first one; of a shape nobody knows, the time alone."""
        observation = self.exchange.observation
        if self.timer is not None:
            self.timer()
        said = fields(chunk)
        if observation.first_chunk is None:
            observation.first_chunk = time.perf_counter() - observation.started
            with suppress(ConfigurationError):
                self.shape = shapes.shape_of(chunk)
        if self.shape is None:
            return
        if observation.first_token is None and self.shape.has_content(said):
            observation.first_token = time.perf_counter() - observation.started
        self.kept.append(said)
        if observation.estimate is not None:
            observation.estimate.add(self.shape.chunk_texts(said))


def _fold(exchange: Exchange) -> Response | None:
    if not exchange.kept:
        return None
    return shapes.shape_of(exchange.kept[0]).fold(exchange.kept)


class _Passing:
    """A sync stream, as it is noted."""

    def __init__(self, reading: _Reading, chunks: Iterable[Any]) -> None:
        self._reading = reading
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._reading.exchange.end("complete")
            exceeded = self._reading.exchange.observation.exceeded
            if exceeded is not None:
                raise exceeded from None
            raise
        except BaseException as exc:
            self._reading.exchange.end("failed", exc)
            raise
        with quietly("noting a recorded chunk"):
            self._reading.note(chunk)
        return chunk


class _AsyncPassing:
    """An async stream, as it is noted."""

    def __init__(self, reading: _Reading, chunks: AsyncIterable[Any]) -> None:
        self._reading = reading
        self._chunks = aiter(chunks)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._reading.exchange.end("complete")
            await settled(self._reading.exchange.observation)
            raise
        except BaseException as exc:
            self._reading.exchange.end("failed", exc)
            raise
        with quietly("noting a recorded chunk"):
            self._reading.note(chunk)
        return chunk
