"""A budget as it stands in a store, so that another process can show how it stands.

A description is JSON: the budget's unit, its limit in it as a decimal string, scope, window, time
zone, action (`call` for a function of the app), thresholds, filter and what becomes of calls
without the key. Alerts are left out: a sink may hold secrets.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from costspan.call import plain
from costspan.cost.budgets.budget import Budget
from costspan.errors import ConfigurationError


class Description(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of a budget."""

    unit: str
    limit: str
    per: tuple[str, ...]
    window: str | None = None
    timezone: str | None = None
    action: str = "warn"
    thresholds: tuple[float, ...] = (1.0,)
    where: dict[str, str] = {}
    unscoped: str = "skip"


def described(budget: Budget) -> bytes:
    """The description of a budget: equal budgets have equal ones."""
    return msgspec.json.encode(
        Description(
            unit=budget.unit,
            limit=plain(budget.amount(budget.limit)),
            per=budget.scope,
            window=budget.window.text,
            timezone=budget.timezone,
            action=budget.action if isinstance(budget.action, str) else "call",
            thresholds=budget.thresholds,
            where=dict(sorted(budget.where.items())),
            unscoped=budget.unscoped,
        )
    )


def understood(name: str, description: bytes) -> tuple[Budget, str] | None:
    """The budget that was described, which tells nobody, and its action.

    None where another release of costspan described what this one does not know.
    """
    try:
        said = msgspec.json.decode(description, type=Description)
        limit = said.limit if said.unit == "usd" else int(said.limit)
        budget = Budget(
            name,
            **{said.unit: limit},  # type: ignore[arg-type]
            per=said.per,
            window=said.window,
            timezone=said.timezone,
            where=said.where,
            action="warn",
            thresholds=said.thresholds,
            unscoped=said.unscoped,
            alerts=(),
        )
    except (msgspec.DecodeError, ConfigurationError, ValueError, TypeError):
        return None
    return budget, said.action
