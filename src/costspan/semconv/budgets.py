"""The attributes of a budget's alert, on a span's event and on a log record: all names are ours."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from costspan.semconv import (
    AGENT,
    COST_TOTAL,
    ENDPOINT,
    PROVIDER,
    RESPONSE_MODEL,
    SESSION,
    USAGE,
    USER,
    Attributes,
)
from costspan.semconv.measured import BUDGET_NAME, BUDGET_PER

BUDGET_ALERT = "costspan.budget.alert"
"""The name of the event and of the log record."""

ALERT: Mapping[str, str] = {
    "budget": BUDGET_NAME,
    "per": BUDGET_PER,
    "scope": "costspan.budget.scope",
    "state": "costspan.budget.state",
    "severity": "costspan.budget.severity",
    "unit": "costspan.budget.unit",
    "limit": "costspan.budget.limit",
    "spent": "costspan.budget.spent",
    "threshold": "costspan.budget.threshold",
    "forecast": "costspan.budget.forecast",
    "action": "costspan.budget.action",
    "window": "costspan.budget.window",
    "resets_at": "costspan.budget.resets_at",
    "key": "costspan.budget.alert.key",
    "calls_since": "costspan.budget.alert.calls_since",
    "usd_since": "costspan.budget.alert.usd_since",
}
"""The fields of `Alert` that tell of the budget, and the attribute that each becomes."""

ALERTED_CALL: Mapping[str, str] = {
    "model": RESPONSE_MODEL,
    "provider": PROVIDER,
    "agent": AGENT,
    "session": SESSION,
    "user": USER,
    "endpoint": ENDPOINT,
    "cost_usd": COST_TOTAL,
    "input_tokens": USAGE["input_tokens"],
    "output_tokens": USAGE["output_tokens"],
}
"""The fields of `Alert` that tell of the call: on a span's event they would repeat the span."""

_NANOSECONDS = 1e9


def alert_attributes(alert: Struct) -> Attributes:
    """What an `Alert` tells of its budget; what is not known is absent.

    Amounts are doubles in the budget's unit, `resets_at` is seconds since the epoch.
    """
    found = _named(alert, ALERT)
    if "costspan.budget.resets_at" in found:
        found["costspan.budget.resets_at"] /= _NANOSECONDS
    return found


def alerted_call_attributes(alert: Struct) -> Attributes:
    """What an `Alert` tells of the call that crossed; what is not known is absent."""
    return _named(alert, ALERTED_CALL)


def _named(alert: Struct, names: Mapping[str, str]) -> Attributes:
    told: dict[str, Any] = {name: getattr(alert, field) for field, name in names.items()}
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in told.items()
        if value is not None and value != ""
    }
