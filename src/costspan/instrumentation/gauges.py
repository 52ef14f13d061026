"""Budgets as metrics: read when a reader collects, so that calls pay nothing for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from opentelemetry.metrics import CallbackOptions, Observation

from costspan.guard import quietly
from costspan.semconv.measured import BUDGET_NAME, BUDGET_PER
from costspan.totals import BudgetState

_READING = quietly("reading the budgets")


class Budgeted(Protocol):
    """Who watches budgets."""

    def budget_states(self) -> list[BudgetState]:
        """How each budget stands, in this process's memory: nothing is waited for."""

    @property
    def undelivered_alerts(self) -> int:
        """How many times a sink did not get an alert that was meant for it, in this process."""


_in_force: tuple[Any, Budgeted] | None = None
"""The meter provider and the budgets that it is told of.

A callback cannot be taken back from the SDK, and a second one of the same name is ignored: so the
first stays, and looks here.
"""


def show(provider: Any, meter: Any, budgets: Budgeted) -> None:
    """Have the readers of `provider` see the budgets, in place of those shown before."""
    global _in_force
    _in_force = (provider, budgets)
    meter.create_observable_gauge(
        "costspan.budget.limit",
        [_reading(provider, lambda state: float(state.limit) if state.unit == "usd" else None)],
        unit="USD",
        description="Limit of a budget of dollars",
    )
    meter.create_observable_counter(
        "costspan.budget.alerts",
        [_reading(provider, lambda state: state.alerts)],
        unit="{alert}",
        description="Times that a budget was crossed",
    )
    meter.create_observable_gauge(
        "costspan.budget.used",
        [_reading(provider, lambda state: state.used)],
        unit="1",
        description="Share of a budget's limit that is used where it is fullest",
    )
    meter.create_observable_counter(
        "costspan.budget.refusals",
        [_reading(provider, lambda state: state.refusals)],
        unit="{call}",
        description="Calls that a budget stopped",
    )
    meter.create_observable_counter(
        "costspan.alerts.undelivered",
        [_undelivered(provider)],
        unit="{alert}",
        description="Alerts that a sink did not get",
    )


def hide(budgets: Budgeted | None) -> None:
    """Show these budgets no more."""
    global _in_force
    if _in_force is not None and _in_force[1] is budgets:
        _in_force = None


def _shown_to(provider: Any) -> Budgeted | None:
    shown = _in_force
    return None if shown is None or shown[0] is not provider else shown[1]


def _reading(
    provider: Any, value_of: Callable[[BudgetState], float | None]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(options: CallbackOptions) -> Iterable[Observation]:
        budgets = _shown_to(provider)
        if budgets is None:
            return ()
        with _READING:
            return [
                Observation(value, {BUDGET_NAME: state.name, BUDGET_PER: state.per})
                for state in budgets.budget_states()
                if (value := value_of(state)) is not None
            ]
        return ()

    return read


def _undelivered(provider: Any) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(options: CallbackOptions) -> Iterable[Observation]:
        budgets = _shown_to(provider)
        if budgets is None:
            return ()
        with _READING:
            return [Observation(budgets.undelivered_alerts)] if budgets.budget_states() else ()
        return ()

    return read
