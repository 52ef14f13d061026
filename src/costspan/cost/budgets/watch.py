"""The budgets of one tracker, put together: asked before a call, told of it after."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from costspan.alerts.alert import Sink
from costspan.alerts.courier import Courier
from costspan.alerts.log import LogAlerts
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Refused, Request, Reservation
from costspan.cost.budgets.admission import Admission
from costspan.cost.budgets.allowances import Allowances
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.counting import Counting
from costspan.cost.budgets.held import Held
from costspan.cost.budgets.patrol import Patrol
from costspan.cost.budgets.quotes import Quotes
from costspan.cost.budgets.scopes import Subject
from costspan.cost.budgets.teller import Recent, Teller
from costspan.cost.outcome import GRANTED, NOTHING, Outcome
from costspan.cost.pricing.prices import Prices
from costspan.cost.stores.contract import SKIPPED, UNSCOPED, Charge, Store, StoreDown
from costspan.errors import ConfigurationError
from costspan.totals import BudgetState, Totals

logger = logging.getLogger("costspan")

_OF_A_REQUEST = frozenset({"model", "provider", "request"})
"""Scopes that only a call has, and no place in the code."""


class Watch:
    """Holds calls against budgets.

    Args:
        budgets: those of the tracker.
        store: where amounts are kept.
        prices: what tokens cost.
        sinks: who is told by default; None for the log.
        recent: the last calls, for alerts.
        refuses_blindly: whether a call is refused while the store cannot be asked.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        store: Store,
        prices: Prices,
        sinks: tuple[Sink, ...] | None,
        recent: Recent,
        *,
        refuses_blindly: bool = False,
    ) -> None:
        self.budgets = checked_budgets(budgets)
        self._store = store
        self._courier = Courier()
        told = (LogAlerts(),) if sinks is None else sinks
        self._teller = Teller(store, self._courier, told, recent)
        quotes = Quotes(prices)
        allowances = Allowances(quotes)
        self._blocking = tuple(one for one in budgets if one.blocks)
        self._admission = Admission(
            self._blocking,
            store,
            quotes,
            allowances,
            self._teller,
            refuses_blindly=refuses_blindly,
        )
        self._counting = Counting(budgets, store, allowances, self._teller)
        self._patrol = Patrol(budgets, store, self._teller, self._admission)
        self.refuses = bool(self._blocking)
        """Whether a call may have no leave."""
        self.sizes = any(one.unit != "calls" for one in self._blocking)
        """Whether the size of a request must be known before its call."""
        self.fingerprints = any("request" in one.scope for one in budgets)
        """Whether requests must be told apart."""
        self._patrols = any(not one.is_per_call for one in budgets)
        if store.shared and budgets:
            store.settled_late = self._late
            self._patrol.start()
        _say_untold(self.budgets, told)

    def admit(self, request: Request, who: Attribution, trace_id: int) -> Reservation:
        """Leave for a call.

        Raises:
            BudgetExceeded: a budget has no room for it, or cannot be asked.
        """
        if not self._blocking:
            return GRANTED
        if self._patrols:
            self._patrol.start()
        return self._admission.admit(request, who, trace_id)

    def settle(
        self, call: Call, cost: Cost, spent: tuple[Totals, ...], reservation: Reservation | None
    ) -> Outcome:
        """Count a finished call in the store and against the budgets."""
        if isinstance(reservation, Refused):
            with suppress(StoreDown):  # kept by the store, and counted when it is there again
                self._store.settle(call, cost, spent)
            self._alerted(call, reservation.alerts)
            return NOTHING
        held = reservation if isinstance(reservation, Held) else None
        outcome = self._counting.settle(call, cost, spent, held)
        if held is not None:
            self._admission.settled(held)
        if outcome.alerts:
            self._alerted(call, len(outcome.alerts))
        if self._patrols and (outcome.alerts or self._teller.missed):
            self._patrol.start()
        return outcome

    def _alerted(self, call: Call, alerts: int) -> None:
        for _ in range(alerts):
            with suppress(StoreDown):
                self._store.alerted(call)

    def release(self, reservation: Reservation) -> None:
        """Give back what is reserved for a call that is not made, or is counted elsewhere."""
        if isinstance(reservation, Held):
            self._admission.release(reservation)

    def remaining(self, name: str, who: Attribution, trace_id: int) -> Decimal | None:
        """What is left of a budget where this code runs; None where it has no key of its scope.

        Raises:
            ConfigurationError: there is no such budget, or it has no remainder.
        """
        budget = self._summed(name)
        scope = budget.key(Subject(who, trace_id=trace_id))
        if scope is None:
            if budget.unscoped == "skip" or _OF_A_REQUEST & set(budget.scope):
                return None
            scope = UNSCOPED
        now = time.time_ns() // 10**6
        counter = budget.window.counter(budget.name, scope, now)
        standing = self._store.standings([counter], now)[0]
        return budget.amount(max(0, budget.limit - standing.spent - standing.held))

    def _summed(self, name: str) -> Budget:
        with_remainder = [one.name for one in self.budgets if not one.is_per_call]
        for budget in self.budgets:
            if budget.name == name and not budget.is_per_call:
                return budget
        known = any(one.name == name for one in self.budgets)
        why = "is for each call alone, so nothing remains of it" if known else "is not known"
        hint = (
            f"use one of {', '.join(map(repr, with_remainder))}"
            if with_remainder
            else ("this tracker has none that sums up calls")
        )
        raise ConfigurationError(f"budget {name!r} {why}: {hint}")

    def _late(self, charges: Sequence[Charge], sums: Sequence[int]) -> None:
        """Have the next round tell of crossings by calls that were counted after an outage.

        Nothing can be claimed yet: the store writes what it kept before it takes anything else.
        """
        names = {budget.name for budget in self.budgets}
        for charge in charges:
            counter = charge.counter
            if counter.budget in names and counter.scope != SKIPPED:
                self._teller.miss(counter.budget, counter.scope)
        self._patrol.start()

    def states(self) -> list[BudgetState]:
        """How each budget stands in this process; nothing is waited for."""
        now, levels = time.time_ns() // 10**6, self._teller.levels
        return [
            BudgetState(
                name=budget.name,
                per=budget.per,
                unit=budget.unit,
                limit=budget.amount(budget.limit),
                alerts=self._teller.told.get(budget.name, 0),
                used=levels.share(budget, now),
                refusals=levels.refusals(budget.name),
            )
            for budget in self.budgets
        ]

    @property
    def undelivered(self) -> int:
        """How many times a sink did not get an alert that was meant for it."""
        return self._courier.undelivered

    def flush(self, timeout: float) -> bool:
        """Wait until the alerts are delivered that are on their way; False where time ran out."""
        return self._courier.flush(timeout)

    def close(self) -> None:
        """Go no more rounds."""
        self._patrol.stop()


def checked_budgets(budgets: Sequence[Any]) -> tuple[Budget, ...]:
    """The budgets, if each is one and no two have the same name.

    Raises:
        ConfigurationError: they are not.
    """
    names: set[str] = set()
    for budget in budgets:
        if not isinstance(budget, Budget):
            raise ConfigurationError(
                f"CostTracker(budgets=[{budget!r}]): give a list of Budget(...)"
            )
        if budget.name in names:
            raise ConfigurationError(f"two budgets are named {budget.name!r}: names must differ")
        names.add(budget.name)
    return tuple(budgets)


def _say_untold(budgets: tuple[Budget, ...], sinks: tuple[Sink, ...]) -> None:
    for budget in budgets:
        if not (sinks if budget.alerts is None else budget.alerts):
            logger.warning(
                "costspan: budget %r has nobody to tell: give it or the tracker alerts=[...]",
                budget.name,
            )
