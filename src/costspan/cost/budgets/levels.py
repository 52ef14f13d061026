"""How full budgets are and how many calls they stopped, as this process has seen it.

For gauges, which may not wait for a store: of each budget the scope that was fullest when this
process last heard of it.
"""

from __future__ import annotations

from costspan import totals
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.windows import Sliding
from costspan.cost.stores.contract import Counter

_Level = tuple[str, int, int]
"""A scope, what is spent in it, and until when that counts; 0 for ever."""


class Levels:
    """What was seen of the budgets of one tracker. Moments are milliseconds since the epoch."""

    def __init__(self) -> None:
        self._fullest: dict[str, _Level] = {}
        self._stopped: dict[str, int] = {}

    def seen(self, budget: Budget, counter: Counter, spent: int, now: int) -> None:
        """So much is spent in a scope, by all who share the store."""
        scope, window = counter.scope, budget.window
        known = self._fullest.get(budget.name)
        if known is not None and scope != known[0] and spent <= known[1] and _counts(known, now):
            return
        until = 0
        if isinstance(window, Sliding):
            until = now + window.length
        elif window.text is not None:
            current = window.at(now)
            if counter.bucket < current.start:
                return  # it was admitted in the window before, and counts there
            until = current.end or 0
        self._fullest[budget.name] = (scope, spent, until)

    def stopped(self, name: str) -> None:
        """A call was refused, or a stream cut off."""
        with totals.lock():
            self._stopped[name] = self._stopped.get(name, 0) + 1

    def share(self, budget: Budget, now: int) -> float | None:
        """The share of the limit that the fullest scope used, 1 = used up; of single calls None."""
        if budget.is_per_call:
            return None
        known = self._fullest.get(budget.name)
        if known is None or not _counts(known, now):
            return 0.0
        return known[1] / budget.limit

    def refusals(self, name: str) -> int:
        """How many calls a budget stopped here."""
        return self._stopped.get(name, 0)


def _counts(level: _Level, now: int) -> bool:
    return level[2] == 0 or now < level[2]
