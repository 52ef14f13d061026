"""How the budgets of a store stand, for somebody who looks at it from another process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import msgspec
from msgspec import Struct

from costspan.alerts.alert import Alert
from costspan.alerts.facts import rfc3339
from costspan.call import plain
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.described import understood
from costspan.cost.budgets.forecast import forecast
from costspan.cost.budgets.scopes import shown
from costspan.cost.stores.contract import SKIPPED, Bucket, Notice, Store

_NOTICES_READ = 1_000


class ScopeState(Struct, frozen=True, kw_only=True):
    """One scope of a budget; amounts in the budget's unit."""

    scope: str | None
    spent: Decimal
    limit: Decimal
    share: float
    reserved: Decimal
    forecast: Decimal | None


class BudgetSurvey(Struct, frozen=True, kw_only=True):
    """One budget: what it is, and its fullest scopes; `calls_skipped` had no key of its scope."""

    name: str
    unit: str
    limit: Decimal
    per: tuple[str, ...]
    window: str | None
    timezone: str | None
    action: str
    thresholds: tuple[float, ...]
    where: dict[str, str]
    resets_at: str | None
    used_up: bool
    scopes_in_all: int
    scopes: tuple[ScopeState, ...]
    calls_skipped: int


class AlertSurvey(Struct, frozen=True, kw_only=True):
    """One alert; `delivery` is `claimed` (being sent), `sent` or `resolved`."""

    at: str
    budget: str
    scope: str | None
    state: str
    severity: str
    delivery: str
    text: str


class Survey(Struct, frozen=True, kw_only=True):
    """Budgets by name and alerts, the newest first; `not_understood` are budgets by name too."""

    at: str
    budgets: tuple[BudgetSurvey, ...]
    alerts: tuple[AlertSurvey, ...]
    not_understood: tuple[str, ...]


def survey(store: Store, now: int, *, name: str | None = None, most: int = 10) -> Survey:
    """How budgets stand at a moment (milliseconds since the epoch).

    Args:
        name: this budget alone.
        most: how many scopes of a budget and how many alerts are told.

    Raises:
        StoreDown: the store does not answer.
    """
    found, strange = [], []
    for one, description in sorted(store.declared().items()):
        if name in (None, one):
            meant = understood(one, description)
            if meant is None:
                strange.append(one)
            else:
                found.append(_budget(store, *meant, now, most))
    notices = [one for one in store.notices(_NOTICES_READ) if name in (None, one.budget)]
    alerts = [alert for alert in map(_alert, notices) if alert is not None]
    return Survey(
        at=rfc3339(now * 10**6),
        budgets=tuple(found),
        alerts=tuple(alerts[:most]),
        not_understood=tuple(strange),
    )


def names_in(store: Store) -> set[str]:
    """The budgets that a store knows anything of."""
    return {*store.declared(), *(one.budget for one in store.notices(_NOTICES_READ))}


def scopes_of(store: Store, budget: str, now: int) -> dict[str, str]:
    """The scopes of a budget that something was spent in: as a person reads them, and as kept."""
    scopes = {one.scope for one in store.buckets(budget, now)} - {SKIPPED}
    return {shown(scope) or "": scope for scope in scopes}


def _budget(store: Store, budget: Budget, action: str, now: int, most: int) -> BudgetSurvey:
    sums = {} if budget.is_per_call else _sums(budget, store.buckets(budget.name, now), now)
    skipped = sums.pop(SKIPPED, 0)
    fullest = sorted(sums, key=lambda scope: (-sums[scope], scope))
    end = budget.window.at(now).end
    return BudgetSurvey(
        name=budget.name,
        unit=budget.unit,
        limit=_amount(budget, budget.limit),
        per=budget.scope,
        window=budget.window.text,
        timezone=budget.timezone,
        action=action,
        thresholds=budget.thresholds,
        where=budget.where,
        resets_at=None if end is None else rfc3339(end * 10**6),
        used_up=any(spent >= budget.limit for spent in sums.values()),
        scopes_in_all=len(sums),
        scopes=_states(store, budget, fullest[:most], now),
        calls_skipped=skipped,
    )


def _sums(budget: Budget, kept: Sequence[Bucket], now: int) -> dict[str, int]:
    """What is spent in the window of this moment, by scope."""
    sums: dict[str, int] = {}
    for one in kept:
        if one.bucket >= budget.window.counter(budget.name, one.scope, now).since:
            sums[one.scope] = sums.get(one.scope, 0) + one.amount
    return sums


def _states(
    store: Store, budget: Budget, scopes: Sequence[str], now: int
) -> tuple[ScopeState, ...]:
    counters = [budget.window.counter(budget.name, scope, now) for scope in scopes]
    standings = store.standings(counters, now) if counters else ()
    return tuple(
        ScopeState(
            scope=shown(scope),
            spent=_amount(budget, standing.spent),
            limit=_amount(budget, budget.limit),
            share=round(standing.spent / budget.limit, 4),
            reserved=_amount(budget, standing.held),
            forecast=forecast(budget, standing.spent, now),
        )
        for scope, standing in zip(scopes, standings, strict=True)
    )


def _amount(budget: Budget, value: int) -> Decimal:
    """As a person writes it: without trailing zeros, or an exponent."""
    return Decimal(plain(budget.amount(value)))


def _alert(notice: Notice) -> AlertSurvey | None:
    """None where another release of costspan wrote what this one does not know."""
    with suppress(msgspec.DecodeError):
        alert = msgspec.json.decode(notice.alert, type=Alert)
        return AlertSurvey(
            at=rfc3339(alert.at),
            budget=alert.budget,
            scope=alert.scope,
            state=alert.state,
            severity=alert.severity,
            delivery=notice.state,
            text=alert.text,
        )
    return None
