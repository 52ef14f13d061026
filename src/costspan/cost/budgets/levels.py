"""How full budgets are and how many calls they stopped, as this process has seen it.

For gauges, which may not wait for a store: of each budget the scope that was fullest when this
process last heard of it.
"""

from __future__ import annotations

from msgspec import Struct

from costspan import totals
from costspan.cost.budgets.budget import Budget
from costspan.cost.stores.contract import Counter


class _Level(Struct, frozen=True, gc=False):
    """A scope, what is spent in it, and until when that counts; 0 for ever."""

    scope: str
    spent: int
    until: int

    def counts(self, now: int) -> bool:
        return self.until == 0 or now < self.until


_EMPTY = _Level("", 0, 0)


class Levels:
    """What was seen of the budgets of one tracker. Moments are milliseconds since the epoch."""

    def __init__(self) -> None:
        self._fullest: dict[str, _Level] = {}
        self._stopped: dict[str, int] = {}

    def seen(self, budget: Budget, counter: Counter, spent: int, now: int) -> None:
        """So much is spent in a scope, by all who share the store."""
        scope, window = counter.scope, budget.window.at(now)
        if not budget.window.is_sliding and counter.bucket < window.start:
            return  # it was admitted in the window before, and counts there
        known = self._fullest.get(budget.name, _EMPTY)
        if scope == known.scope or spent > known.spent or not known.counts(now):
            length = getattr(budget.window, "length", 0)
            until = now + length if length else window.end or 0
            self._fullest[budget.name] = _Level(scope, spent, until)

    def stopped(self, name: str) -> None:
        """A call was refused, or a stream cut off."""
        with totals.lock():
            self._stopped[name] = self._stopped.get(name, 0) + 1

    def share(self, budget: Budget, now: int) -> float | None:
        """The share of the limit that the fullest scope used, 1 = used up; of single calls None."""
        if budget.is_per_call:
            return None
        known = self._fullest.get(budget.name, _EMPTY)
        return known.spent / budget.limit if known.counts(now) else 0.0

    def refusals(self, name: str) -> int:
        """How many calls a budget stopped here."""
        return self._stopped.get(name, 0)
