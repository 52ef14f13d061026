"""The store of one process: its memory."""

from __future__ import annotations

from collections.abc import Collection

from costspan.call import Call, Cost
from costspan.cost.ledger import Ledger
from costspan.totals import Summary, Totals


class MemoryStore:
    """Sums of this process; a forked child starts with its own, at zero."""

    def __init__(self) -> None:
        self._ledger = Ledger()

    def settle(self, call: Call, cost: Cost, spent: Collection[Totals] = ()) -> None:
        """Count one finished call."""
        self._ledger.add(call, cost, spent)

    def superseded(self, call: Call, spent: Collection[Totals] = ()) -> None:
        """Count `call` as unpriced no more."""
        self._ledger.supersede(call, spent)

    def alerted(self, call: Call) -> None:
        """Count one alert that `call` raised."""
        self._ledger.add_alert(call)

    def summary(self) -> Summary:
        """The sums of everything in this process."""
        return self._ledger.summary()

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension."""
        return self._ledger.summaries(dimension)
