"""What a store of sums must do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from costspan.call import Call, Cost
from costspan.totals import Summary, Totals


class Store(Protocol):
    """Keeps the sums of settled calls, and answers for all who share it."""

    def settle(self, call: Call, cost: Cost, spent: Iterable[Totals] = ()) -> None:
        """Count one finished call, in the store and in this process's running sums `spent`.

        The counts and the cost of a correction are a signed difference, which may be negative.
        """

    def superseded(self, call: Call, spent: Iterable[Totals] = ()) -> None:
        """Count `call` as unpriced no more: a later one settles its response."""

    def alerted(self, call: Call) -> None:
        """Count one alert that `call` raised."""

    def summary(self) -> Summary:
        """The sums of everything."""

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension, in the vocabulary of `attribution`."""
