"""Days and hours: which one a moment belongs to, what it is called and when it ends."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

_SECOND = 10**9
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = 0, 253_370_764_800  # 1970-01-01 and 9999-01-01: about what a calendar can hold
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d))?")


class Period(NamedTuple):
    """A day or an hour: its name, and from when until before when, in nanoseconds."""

    name: str
    since: int
    until: int


def period_of(nanoseconds: int, unit: str, zone: tzinfo) -> Period:
    """The day or hour that holds a moment (nanoseconds since the epoch)."""
    seconds = min(max(nanoseconds // _SECOND, _FIRST), _LAST)
    name, since, until = _period(seconds, unit, zone)
    return Period(name, min(since, nanoseconds), max(until, nanoseconds + 1))


def _period(seconds: int, unit: str, zone: tzinfo) -> Period:
    local = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)
    if unit == "hour":
        since = seconds - local.minute * 60 - local.second
        return Period(local.strftime("%Y-%m-%dT%H"), since * _SECOND, (since + 3600) * _SECOND)
    day = local.date()
    return Period(day.isoformat(), _midnight(day, zone), _midnight(day + timedelta(1), zone))


def end_of(name: str, zone: tzinfo) -> int | None:
    """When a period ends by its name, in nanoseconds; None where the name is none.

    An hour that the clocks repeat in autumn has one name, and ends with its second run.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found[1])
        if found[2] is None:
            return _midnight(day + timedelta(1), zone)
        hour = datetime(day.year, day.month, day.day, int(found[2]), tzinfo=zone, fold=1)
        return _nanoseconds(hour + _HOUR if zone is UTC else hour.astimezone(UTC) + _HOUR)
    except (ValueError, OverflowError):
        return None


def _midnight(day: date, zone: tzinfo) -> int:
    return _nanoseconds(datetime(day.year, day.month, day.day, tzinfo=zone))


def _nanoseconds(moment: datetime) -> int:
    return round((moment - _EPOCH).total_seconds()) * _SECOND
