"""Moments as a person writes them: `7d`, `yesterday`, `2026-11-21`, `2026-11-21T14:30`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from costspan.errors import ConfigurationError

_AGO = re.compile(r"0*([1-9]\d{0,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = timedelta(days=1)


def moment(option: str, written: str, now: datetime) -> datetime:
    """The moment that `written` says, in UTC without a zone, as the calls files count.

    `7d` is so long before `now`; `today`, `yesterday` and a date are the beginning of that day.

    Raises:
        ConfigurationError: it says none; the message names `option`.
    """
    now = now.astimezone(UTC).replace(tzinfo=None)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    word = written.strip().lower()
    if word in ("now", "today", "yesterday"):
        return {"now": now, "today": today, "yesterday": today - _DAY}[word]
    try:
        ago = _AGO.fullmatch(word)
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(written.strip())
        return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{option} {written!r} is no moment: write 7d, 12h, yesterday, 2026-11-21 or "
            "2026-11-21T14:30"
        ) from None


def written(instant: datetime) -> str:
    """A moment as the files write it, such as `2026-11-21T10:15:30.123456Z`."""
    return instant.isoformat(timespec="microseconds") + "Z"


def day(instant: datetime | None) -> date | None:
    """The day of a moment, or of none."""
    return None if instant is None else instant.date()
