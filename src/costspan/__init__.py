"""costspan: every LLM call of a Python program as one OpenTelemetry span with its price.

    from costspan import Instrumentor
    Instrumentor().instrument()

The names below are loaded when they are first used, so that importing costspan costs next to
nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers read it; importing `typing` would be most of the cost
if TYPE_CHECKING:
    from typing import Any

    from costspan.alerts.alert import Alert
    from costspan.alerts.log import LogAlerts
    from costspan.alerts.pagerduty import PagerDutyAlerts
    from costspan.alerts.slack import SlackAlerts
    from costspan.alerts.webhook import WebhookAlerts
    from costspan.attributed import attribution
    from costspan.call import Call, Cost
    from costspan.cost.budgets.budget import Budget
    from costspan.cost.foreign.processor import CostSpanProcessor
    from costspan.cost.pricing.prices import Prices
    from costspan.cost.pricing.rates import Rate
    from costspan.cost.tracker import CostTracker
    from costspan.errors import BudgetExceeded, ConfigurationError
    from costspan.export.local_files import LocalFiles
    from costspan.export.spans import JsonlSpanExporter
    from costspan.instrumentor import Instrumentor, record_call
    from costspan.totals import Summary

_HOMES = {
    "Alert": "costspan.alerts.alert",
    "Budget": "costspan.cost.budgets.budget",
    "BudgetExceeded": "costspan.errors",
    "Call": "costspan.call",
    "ConfigurationError": "costspan.errors",
    "Cost": "costspan.call",
    "CostSpanProcessor": "costspan.cost.foreign.processor",
    "CostTracker": "costspan.cost.tracker",
    "Instrumentor": "costspan.instrumentor",
    "JsonlSpanExporter": "costspan.export.spans",
    "LocalFiles": "costspan.export.local_files",
    "LogAlerts": "costspan.alerts.log",
    "PagerDutyAlerts": "costspan.alerts.pagerduty",
    "Prices": "costspan.cost.pricing.prices",
    "Rate": "costspan.cost.pricing.rates",
    "SlackAlerts": "costspan.alerts.slack",
    "Summary": "costspan.totals",
    "WebhookAlerts": "costspan.alerts.webhook",
    "attribution": "costspan.attributed",
    "price_of": "costspan.cost.pricing.single",
    "record_call": "costspan.instrumentor",
}

__all__ = [
    "Alert",
    "Budget",
    "BudgetExceeded",
    "Call",
    "ConfigurationError",
    "Cost",
    "CostSpanProcessor",
    "CostTracker",
    "Instrumentor",
    "JsonlSpanExporter",
    "LocalFiles",
    "LogAlerts",
    "PagerDutyAlerts",
    "Prices",
    "Rate",
    "SlackAlerts",
    "Summary",
    "WebhookAlerts",
    "attribution",
    "price_of",
    "record_call",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'costspan' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
