"""Whose a call is: an account for each test, and for each fixture that many tests share."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from costspan import totals
from costspan.alerts.alert import Alert, amount
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Request, Reservation
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.watch import Watch
from costspan.cost.pricing.prices import Prices
from costspan.cost.stores.contract import Store
from costspan.cost.stores.memory import MemoryStore
from costspan.cost.tracker import KEPT_RECORDS
from costspan.errors import BudgetExceeded
from costspan.export.schema import Line, line_of
from costspan.instrumentation.settlement import settlement
from costspan.testing.metering.limits import Limits
from costspan.totals import Summary, Totals

Row = dict[str, Any]
"""The sums of one account as plain values, so that they can go from a worker to its controller."""


def _nobody(alert: Alert) -> None:
    """What a test took is told at its end."""


class Purse:
    """Some budgets, with where their amounts are kept.

    Args:
        budgets: all of the one store.
        store: of this process, or of all workers of a run.
    """

    def __init__(self, budgets: Sequence[Budget], store: Store) -> None:
        self.budgets = tuple(budgets)
        self.store = store
        self._prices: Prices | None = None
        self._watch: Watch | None = None

    def watch(self, prices: Prices) -> Watch:
        """Who asks the budgets, with the prices in force: the code under test may set its own."""
        if self._watch is None or prices is not self._prices:
            self.close()
            self._prices = prices
            self._watch = Watch(self.budgets, self.store, prices, (_nobody,), tuple)
        return self._watch

    def close(self) -> None:
        """Go no more rounds."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def spent(self, budget: Budget) -> int:
        """What a budget has spent, in its whole numbers."""
        now = time.time_ns() // 10**6
        counter = budget.window.counter(budget.name, "", now)
        return self.store.standings([counter], now)[0].spent


class Account:
    """What was called in one test, or in setting up and tearing down one fixture.

    Args:
        name: the test's id, or what the fixture is called in the summary.
        limits: what its calls may take.
        shared: the budgets of the whole run.
    """

    def __init__(self, name: str, limits: Limits, shared: Purse | None) -> None:
        self.name = name
        self.totals = Totals()
        self.settled: deque[tuple[Call, Cost]] = deque(maxlen=KEPT_RECORDS)
        self.raised: list[BudgetExceeded] = []
        self._limits = limits
        self._own = Purse(limits.budgets, MemoryStore()) if limits.budgets else None
        self._purses = [purse for purse in (self._own, shared) if purse is not None]
        self._run_wide = () if shared is None else [one.name for one in shared.budgets]
        self._said = self._refused = self._stopped = 0
        self._told: set[str] = set()

    def admit(
        self, request: Request, who: Attribution, trace_id: int, prices: Prices
    ) -> list[tuple[Watch, Reservation]]:
        """Leave of all budgets for one call.

        Raises:
            BudgetExceeded: one of them has no room for it.
        """
        held: list[tuple[Watch, Reservation]] = []
        try:
            if request.billable:
                self._limits.check()
            for purse in self._purses:
                watch = purse.watch(prices)
                held.append((watch, watch.admit(request, who, trace_id)))
        except BudgetExceeded as refusal:
            give_back(held)
            self.raised.append(refusal)
            self._refused += 1
            self._stopped += refusal.budget in self._run_wide
            raise
        return held

    def count(
        self, call: Call, cost: Cost, held: Sequence[tuple[Watch, Reservation]]
    ) -> BudgetExceeded | None:
        """Count a call against the budgets; gives what is to be raised in place of its answer."""
        self.settled.append((call, cost))
        exceeded = None
        for watch, reservation in held:
            exceeded = watch.settle(call, cost, (), reservation).exceeded or exceeded
        if exceeded is not None:
            self.raised.append(exceeded)
        return exceeded

    def faults(self) -> list[str]:
        """Why the test must fail, though its code went on: each reason is given once."""
        settlement.finish()
        new, self._said = self.raised[self._said :], len(self.raised)
        refused = [f"{refusal} (and the code under test went on)" for refusal in new]
        return refused + self._crossed({one.budget for one in self.raised}, warn=False)

    def warnings(self) -> list[str]:
        """Limits that were crossed and are merely to be said: each is given once."""
        return self._crossed(set(), warn=True)

    def row(self) -> Row | None:
        """The sums; None where nothing was called."""
        settlement.finish()
        sums = self.totals.summary()
        if not sums.calls and not self._refused:
            return None
        return {
            "name": self.name,
            "calls": sums.calls,
            "tokens": sums.total_tokens,
            "usd": str(sums.cost_usd),
            "unpriced": sums.unpriced_calls,
            "refused": self._refused,
            "stopped": self._stopped,
        }

    def close(self) -> None:
        """The test is over."""
        if self._own is not None:
            self._own.close()

    def _crossed(self, known: set[str | None], *, warn: bool) -> list[str]:
        """The budgets that spent more than their limits, those that were told left out."""
        if self._own is None:
            return []
        said = []
        for budget in self._own.budgets:
            spent = self._own.spent(budget)
            new = spent > budget.limit and budget.name not in {*self._told, *known}
            if new and (budget.action == "warn") is warn:
                self._told.add(budget.name)
                text = amount(budget.amount(spent), budget.unit)
                said.append(f"budget {budget.name!r} is crossed: {text} were spent")
        return said


def give_back(held: Sequence[tuple[Watch, Reservation]]) -> None:
    """Let go of what was reserved for a call that is not made, or is counted elsewhere."""
    for watch, reservation in held:
        watch.release(reservation)


class LLMCalls:
    """The calls of one test so far, those in its own fixtures included."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def calls(self) -> list[Line]:
        """The last 1,000 calls, oldest first, each with the fields of a line of the calls file."""
        settlement.finish()
        return [line_of(call, cost) for call, cost in list(self._account.settled)]

    @property
    def summary(self) -> Summary:
        """The sums of all calls that were made."""
        settlement.finish()
        return self._account.totals.summary()

    @property
    def raised(self) -> list[BudgetExceeded]:
        """What the budgets of the test and of the run raised."""
        return list(self._account.raised)

    def __repr__(self) -> str:
        """The sums."""
        with totals.lock():
            return f"<LLMCalls {self._account.totals!r}>"
