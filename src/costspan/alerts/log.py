"""Alerts as lines of the log."""

from __future__ import annotations

import json
import logging
from typing import Any

from costspan.alerts.alert import Alert
from costspan.call import plain

_LEVELS = {"warning": logging.WARNING, "error": logging.ERROR, "critical": logging.CRITICAL}


class LogAlerts:
    """A sink that writes each alert to a logger, as one line.

    The line's level is the alert's severity; an alert below 80 % of its limit is a WARNING too, so
    that Python's default of showing warnings shows it, and the end of a window is an INFO.

    Args:
        logger: where to; by default the logger `costspan.alerts`.
        level: of all lines, instead.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int | None = None) -> None:
        self._logger = logger if logger is not None else logging.getLogger("costspan.alerts")
        self._level = level

    def __repr__(self) -> str:
        return "LogAlerts()"

    def __call__(self, alert: Alert) -> None:
        """Write one line, with the alert itself as the record's `alert`."""
        level = level_of(alert) if self._level is None else self._level
        self._logger.log(level, "%s", line_of(alert), extra={"alert": alert})


def level_of(alert: Alert) -> int:
    """The level of an alert's line."""
    if alert.state == "resolved":
        return logging.INFO
    return _LEVELS.get(alert.severity, logging.WARNING)


def line_of(alert: Alert) -> str:
    """`BUDGET ALERT | name=value ... | sentence`, whatever stands in the values on one line."""
    pairs = (
        ("budget", alert.budget),
        ("endpoint", alert.endpoint),
        ("model", alert.model),
        ("cost", alert.cost_usd),
        ("spent", alert.spent),
        ("limit", alert.limit),
        ("unit", alert.unit),
        ("state", alert.state),
        ("severity", alert.severity),
        ("scope", alert.scope),
        ("agent", alert.agent),
        ("session", alert.session),
        ("user", alert.user),
        ("trace_id", alert.trace_id),
    )
    told = " ".join(f"{name}={_value(value)}" for name, value in pairs)
    sentence = "".join(c if c.isprintable() else " " for c in alert.text)
    return f"BUDGET ALERT | {told} | {sentence}"


def _value(value: Any) -> str:
    """A value that ends at the next space, or stands in quotes; `-` for what is not known."""
    if value is None:
        return "-"
    if not isinstance(value, str):
        return plain(value)
    if value and value.isprintable() and not set(value) & set(' "=|\\'):
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
