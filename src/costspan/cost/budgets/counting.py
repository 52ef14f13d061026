"""What a finished call takes of each budget, and what that sets off."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from costspan.alerts.alert import Alert
from costspan.call import Call, Cost
from costspan.cost.budgets import refusals
from costspan.cost.budgets.allowances import Allowances
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.held import Held, Part
from costspan.cost.budgets.scopes import settled
from costspan.cost.budgets.teller import Teller, facts_of
from costspan.cost.outcome import NOTHING, Outcome
from costspan.cost.stores.contract import SKIPPED, UNSCOPED, Charge, Store, StoreDown
from costspan.errors import BudgetExceeded
from costspan.totals import Totals

logger = logging.getLogger("costspan")


_REMEDIES: dict[tuple[str, ...], str] = {
    ("trace",): "make it under a span of the app's",
    ("request",): "send a body of plain values, which can be read twice",
}

Charged = tuple[Budget, Charge]


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
        self._said: set[str] = set()

    def settle(
        self, call: Call, cost: Cost, spent: tuple[Totals, ...], held: Held | None
    ) -> Outcome:
        """Count a finished call."""
        charged = self._charges(call, cost, held) if self._summed else []
        token = "" if held is None else held.token
        charges = [charge for _, charge in charged]
        try:
            sums = self._store.settle(call, cost, spent, charges, token)
        except StoreDown:
            sums = ()  # kept by the store, and counted when it is there again
        if not self._single and not sums:
            return NOTHING
        return self._outcome(call, cost, charged, sums)

    def _charges(self, call: Call, cost: Cost, held: Held | None) -> list[Charged]:
        subject, now = settled(call), call.ended_at // 10**6
        charged: list[Charged] = []
        for budget in self._summed:
            part = None if held is None else held.part_of(budget)
            amount = charge_of(budget, call, cost, part)
            if part is not None:  # counted in the scope and the window that it was admitted in
                if budget in self._learning:
                    self._allowances.learn(budget, part.counter.scope, call)
                charged.append((budget, Charge(part.counter, amount)))
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
            if amount:
                counter = budget.window.counter(budget.name, scope, now)
                charged.append((budget, Charge(counter, amount)))
        return charged

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
            if counter.scope == SKIPPED:
                continue
            alert = self._teller.reached(budget, counter, spent, now, call, cost)
            if alert is not None:
                alerts.append(alert)
            if budget.action == "raise" and spent > budget.limit and charge.amount > 0:
                exceeded = exceeded or refusals.crossed(budget, counter.scope, spent, now)
        for budget in self._single:
            if budget in self._learning:
                self._allowances.learn(budget, "", call)
            taken = charge_of(budget, call, cost, None)
            if taken > budget.limit and budget.covers(settled(call)):
                alerts.append(self._teller.one_call(budget, taken, now, facts_of(call, cost)))
                if budget.action == "raise":
                    exceeded = exceeded or refusals.crossed(budget, "", taken, now)
        if exceeded is None and not alerts:
            return NOTHING
        return Outcome(tuple(alerts), exceeded)


def charge_of(budget: Budget, call: Call, cost: Cost, part: Part | None) -> int:
    """What a call takes of a budget, in its whole numbers.

    Where a part of its cost is not known, no less than what was reserved for it: what may have been
    spent must not look free.
    """
    if budget.unit == "calls":
        return int(call.request.billable and not call.corrects)
    reserved = part.amount if part is not None else 0
    if budget.unit == "usd":
        known = cost.total or 0
        return known if is_known(cost) else max(known, reserved)
    usage = call.usage
    total = None if usage is None else usage.total
    if total is None and usage is not None:
        total = max(usage.input_tokens or 0, usage.output_tokens or 0)
        return max(total, reserved)
    if total is None:
        return 0 if cost.status == "not_billed" else reserved
    return total


def is_known(cost: Cost) -> bool:
    """Whether nothing is missing of a cost but what has no price at all."""
    return cost.status in ("priced", "estimated", "not_billed")
