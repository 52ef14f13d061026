"""Alerts as lines of the log."""

from __future__ import annotations

import logging

from costspan.alerts.alert import Alert


class LogAlerts:
    """A sink that writes each alert to a logger.

    Args:
        logger: where to; by default the logger `costspan.alerts`.
        level: of the lines; by default WARNING.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.WARNING) -> None:
        self._logger = logger if logger is not None else logging.getLogger("costspan.alerts")
        self._level = level

    def __call__(self, alert: Alert) -> None:
        """Write one line, with the alert itself as the record's `alert`."""
        self._logger.log(self._level, "%s", alert.text, extra={"alert": alert})
