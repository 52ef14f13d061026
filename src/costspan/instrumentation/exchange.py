"""One HTTP response of a call, from its headers to the end of its body."""

from __future__ import annotations

import time
from typing import Any

from costspan.call import Response
from costspan.guard import quietly
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.settlement import settlement


class Exchange:
    """The response's part in its call's observation.

    It stands in the response's `extensions`, so that it goes when the response goes, and holds
    neither the response nor the stream. `reading` is true while the body's own reader runs.
    """

    __slots__ = ("_generation", "_open", "fold", "observation", "reader", "tapped")

    def __init__(self, observation: Observation) -> None:
        self.observation: Observation = observation
        self.tapped = False
        self.fold: Any = None
        self.reader: Any = None
        self._generation = settlement.generation
        self._open = [True]
        observation.pending += 1
        observation.seen += 1

    def end(
        self,
        outcome: str,
        exc: BaseException | None = None,
        at: float | None = None,
        response: Response | None = None,
    ) -> None:
        """The body ended: `complete`, `failed` or `abandoned`. Only the first end counts."""
        try:
            self._open.pop()
        except IndexError:
            return
        observation = self.observation
        moment = time.perf_counter() if at is None else at
        if response is None and self.fold is not None:
            with quietly("reading an answer"):
                response = self.fold(observation)
        with quietly("ending a response"):
            observation.answered(response, outcome, exc, moment)

    def closed(self) -> None:
        """The response was closed; by its own reader at the end of the body, that says nothing."""
        reader = None if self.reader is None else self.reader()
        if reader is not None and reader.running():
            return
        self.end("abandoned")

    def abandoned(self, at: float) -> None:
        """It was dropped; `at` is when."""
        self.end("abandoned", at=at)

    def __del__(self) -> None:
        """Runs in a finaliser: takes no lock, notes the time and leaves the rest to the queue."""
        if self._open and self._generation == settlement.generation:
            settlement.queue.put((self, time.perf_counter()))
