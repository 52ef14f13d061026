"""How old the prices are, and the one line that says when they are too old."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

from costspan.cost.pricing.durations import duration
from costspan.cost.pricing.table import Table

logger = logging.getLogger("costspan")

_said: set[str] = set()


def today() -> date:
    """The day (UTC) from which ages are counted."""
    return datetime.now(UTC).date()


class MaxAge:
    """From which age on a table is said to be old.

    Args:
        setting: `"90d"` or the like; None or `"never"` for no limit.

    Raises:
        ConfigurationError: the setting is no length of time.
    """

    def __init__(self, setting: Any) -> None:
        self._limit: timedelta | None = None
        if setting not in (None, "never"):
            self._limit = duration("Prices(max_age)", setting)

    def warn(self, table: Table) -> None:
        """Say once in this process that `table` is too old, where it is."""
        text = self.complaint(table)
        if text is not None and table.prices_as_of not in _said:
            _said.add(table.prices_as_of)
            logger.warning("costspan: %s", text)

    def complaint(self, table: Table) -> str | None:
        """What is to be said of a table that is too old; None for one that is not."""
        age = age_of(table)
        if age is None or self._limit is None or age <= self._limit:
            return None
        return (
            f"the prices are {age.days} days old ({table.prices_as_of}), older than "
            f"Prices(max_age) allows ({self._limit.days}): newer ones come with "
            "pip install -U genai-prices, with Prices(refresh=True) or as a file with "
            "Prices(table=FILE); Prices(max_age=None) says nothing of it"
        )


def age_of(table: Table) -> timedelta | None:
    """Since when a table may miss changes; None where it bears no date.

    A fetched table was the newest on the day it was fetched. Of another only its own dates are
    known: the newest day on which one of its prices started.
    """
    day = table.fetched_on or table.newest_change
    return None if day is None else max(today() - day, timedelta(0))
