"""One HTTP response of a call, from its headers to the end of its body."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from costspan.call import Response
from costspan.guard import quietly
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.settlement import settlement

_READING = quietly("reading an answer")
_ENDING = quietly("ending a response")


class Exchange:
    """The response's part in its call's observation.

    It stands in the response's `extensions`, so that it goes when the response goes, and holds
    neither the response nor the stream. `reading` is true while the body's own reader runs, or is
    being taken down; `fold` works out of `kept`, which a tap fills, what the body said.
    """

    _open: bool
    tapped = False
    kept: Any = None
    fold: Callable[[Exchange], Response | None] | None = None
    reading = False
    ended = False
    """Tells the finaliser, to which an absent `_open` would be dear to find."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self._generation = settlement.generation
        self._open = True
        observation.pending += 1

    def end(
        self,
        outcome: str,
        exc: BaseException | None = None,
        at: float | None = None,
        response: Response | None = None,
    ) -> None:
        """The body ended: `complete`, `failed` or `abandoned`. Only the first end counts.

        A forked child has the parent's open exchanges too; they are the parent's to settle.
        """
        if self._generation != settlement.generation:
            return
        try:
            del self._open  # one step, so that two threads cannot both do it
        except AttributeError:
            return
        self.ended = True
        observation = self.observation
        moment = time.perf_counter() if at is None else at
        if response is None and self.fold is not None:
            with _READING:
                response = self.fold(self)
            self.kept = None
        with _ENDING:
            observation.ended_one(response, outcome, exc, moment)

    def closed(self) -> None:
        """The response was closed; by its own reader at the end of the body, that says nothing."""
        if not self.reading:
            self.end("abandoned")

    def abandoned(self, at: float) -> None:
        """It was dropped; `at` is when. Whoever settles it may be on an event loop."""
        self.observation.waits = self.observation.wiring.waits
        self.end("abandoned", at=at)

    def __del__(self) -> None:
        """Runs in a finaliser: takes no lock, notes the time and leaves the rest to the queue."""
        if not self.ended and self._generation == settlement.generation:
            settlement.queue.put((self, time.perf_counter()))
