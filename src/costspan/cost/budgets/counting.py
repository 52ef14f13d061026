"""What a finished call takes of each budget, and what that sets off."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import inf

from msgspec import structs

from costspan.alerts.alert import Alert
from costspan.call import Call, Cost
from costspan.cost.budgets import refusals
from costspan.cost.budgets.allowances import Allowances
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.guesses import Charged, Guesses
from costspan.cost.budgets.held import Held, Part
from costspan.cost.budgets.scopes import settled
from costspan.cost.budgets.teller import Teller, facts_of
from costspan.cost.outcome import NOTHING, Outcome
from costspan.cost.stores.contract import SKIPPED, UNSCOPED, Charge, Store, StoreDown
from costspan.errors import BudgetExceeded
from costspan.totals import Totals

logger = logging.getLogger("costspan")


_MOST_TAKEN = 2**56
"""No call comes near that, and what a server made up may be far more: no store could sum it up."""

_REMEDIES: dict[tuple[str, ...], str] = {
    ("trace",): "make it under a span of the app's",
    ("request",): "send a body of plain values, which can be read twice",
}


class Counting:
    """Counts finished calls in the store and against the budgets.

    Args:
        budgets: all of the tracker's.
        store: where amounts are kept.
        allowances: who learns from each call what is usual.
        teller: who makes alerts.
    """

    def __init__(
        self, budgets: Sequence[Budget], store: Store, allowances: Allowances, teller: Teller
    ) -> None:
        self._store = store
        self._allowances = allowances
        self._teller = teller
        self._single = tuple(one for one in budgets if one.is_per_call)
        self._summed = tuple(one for one in budgets if not one.is_per_call)
        self._learning = frozenset(one for one in budgets if one.blocks and one.unit != "calls")
        # Up to so many picodollars no budget for single calls has anything to tell or to learn.
        self._unremarkable: float = min((one.limit for one in self._single), default=inf)
        if any(one.unit != "usd" or one in self._learning for one in self._single):
            self._unremarkable = -inf
        self._guesses = Guesses()
        self._said: set[str] = set()

    def settle(
        self, call: Call, cost: Cost, spent: tuple[Totals, ...], held: Held | None
    ) -> Outcome:
        """Count a finished call."""
        charged = self._charges(call, cost, held) if self._summed else []
        token = "" if held is None else held.token
        charges = [charge for _, charge in charged] if charged else ()
        try:
            sums = self._store.settle(call, cost, spent, charges, token)
        except StoreDown:
            sums = ()  # kept by the store, and counted when it is there again
        if not sums and (cost.total or 0) <= self._unremarkable:
            return NOTHING
        return self._outcome(call, cost, charged, sums)

    def _charges(self, call: Call, cost: Cost, held: Held | None) -> list[Charged]:
        subject, now = settled(call), call.ended_at // 10**6
        charged: list[Charged] = []
        for budget in self._summed:
            part = None if held is None else held.part_of(budget)
            if part is not None:
                charged.append(self._admitted(budget, part, call, cost, now))
                continue
            if not budget.covers(subject):
                continue
            scope = budget.key(subject)
            if scope is None:
                if budget.unscoped == "skip":
                    self._skip(budget, call, charged, now)
                    continue
                scope = UNSCOPED
            if budget in self._learning:
                self._allowances.learn(budget, scope, call)
            amount = taken(budget, call, cost)[0]
            if amount:
                counter = budget.window.counter(budget.name, scope, now)
                charged.append((budget, Charge(counter, amount)))
        return charged + self._guesses.taken_back(call)

    def _admitted(self, budget: Budget, part: Part, call: Call, cost: Cost, now: int) -> Charged:
        """The charge of a call in the scope and the window that admitted it."""
        counter = part.counter
        if budget in self._learning:
            self._allowances.learn(budget, counter.scope, call)
        current = budget.window.counter(budget.name, counter.scope, now)
        if current.since != counter.since:  # what is summed up after it is the present window
            counter = structs.replace(counter, since=current.since)
        known, is_all = taken(budget, call, cost)
        if is_all or known >= part.amount:
            return budget, Charge(counter, known)
        # What may have been spent must not look free: no less than what was reserved.
        self._guesses.note(call, budget, Charge(counter, part.amount - known))
        return budget, Charge(counter, part.amount)

    def _skip(self, budget: Budget, call: Call, charged: list[Charged], now: int) -> None:
        """Count a call that has no key, so that it shows that the budget does not see it."""
        if not call.request.billable:
            return
        counter = budget.window.counter(budget.name, SKIPPED, now)
        charged.append((budget, Charge(counter, 1)))
        if budget.name not in self._said:
            self._said.add(budget.name)
            logger.warning(
                "costspan: a call without %s is not counted by budget %r: %s, or give the budget "
                "unscoped='count'",
                " and ".join(budget.scope),
                budget.name,
                _REMEDIES.get(budget.scope, "set it by attribution(...)"),
            )

    def _outcome(
        self,
        call: Call,
        cost: Cost,
        charged: Sequence[Charged],
        sums: Sequence[int],
    ) -> Outcome:
        now = call.ended_at // 10**6
        alerts: list[Alert] = []
        exceeded: BudgetExceeded | None = None
        for (budget, charge), spent in zip(charged, sums, strict=False):
            counter = charge.counter
            if counter.scope == SKIPPED or counter.bucket < counter.since or charge.amount < 0:
                continue  # nobody is told of a window that is over, nor of what is given back
            alert = self._teller.reached(budget, counter, spent, now, call, cost)
            if alert is not None:
                alerts.append(alert)
            if budget.action == "raise" and spent > budget.limit and charge.amount > 0:
                exceeded = exceeded or refusals.crossed(budget, counter.scope, spent, now)
        for budget in self._single:
            if budget in self._learning:
                self._allowances.learn(budget, "", call)
            amount = taken(budget, call, cost)[0]
            if amount > budget.limit and budget.covers(settled(call)):
                alerts.append(self._teller.one_call(budget, amount, now, facts_of(call, cost)))
                if budget.action == "raise":
                    exceeded = exceeded or refusals.crossed(budget, "", amount, now)
        if exceeded is None and not alerts:
            return NOTHING
        return Outcome(tuple(alerts), exceeded)


def taken(budget: Budget, call: Call, cost: Cost) -> tuple[int, bool]:
    """What is known of what a call took, and whether that is all."""
    told, is_all = _told(budget, call, cost)
    return max(-_MOST_TAKEN, min(told, _MOST_TAKEN)), is_all


def _told(budget: Budget, call: Call, cost: Cost) -> tuple[int, bool]:
    if budget.unit == "calls":
        return int(call.request.billable and not call.corrects), True
    if budget.unit == "usd":
        return cost.total or 0, cost.status in ("priced", "estimated", "not_billed")
    usage = call.usage
    if not call.request.billable and not call.settles_response:
        return 0, True
    if usage is None:
        return 0, cost.status == "not_billed"
    if usage.total is None:
        return max(usage.input_tokens or 0, usage.output_tokens or 0), False
    return usage.total, True
