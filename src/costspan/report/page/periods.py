"""The time axis: hours, days, weeks, months or years without a gap, each with its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from costspan.report.figures import Figures, together
from costspan.report.page.wording import day
from costspan.report.query import Row

MOST = 120
"""Slots of an axis; over this the next longer period is taken."""

_HOURS_OF = 24
_LONGER = ("day", "week", "month", "year")


class Slot(Struct, frozen=True):
    """One period: its first moment, its name in full, and what it shows on the axis."""

    start: datetime
    name: str
    label: str


class Axis(Struct, frozen=True):
    """Periods in their order; `unit` is `hour`, `day`, `week`, `month` or `year`."""

    unit: str
    slots: list[Slot]


def axis(rows: Sequence[Row], unit: str) -> Axis:
    """An axis for rows by `hour` or `day`; longer periods where these would be too many."""
    starts = sorted(_read(row.keys[0]) for row in rows if row.keys[0])
    if not starts:
        return Axis(unit, [])
    first, last = starts[0], starts[-1]
    if unit == "hour" and (last - first) < timedelta(days=2):
        first, last = _floor(first, "day"), _floor(last, "day") + timedelta(hours=_HOURS_OF - 1)
    else:
        units = _LONGER if unit == "day" else ("hour", *_LONGER)
        unit = next((one for one in units if _few(first, last, one)), "year")
    return Axis(unit, [_slot(start, unit) for start in _starts(first, last, unit)])


def by_row(rows: Sequence[Row], unit: str) -> tuple[Axis, list[Figures]]:
    """The latest slots of rows that are not put together, so that they keep their percentiles."""
    known = sorted((row for row in rows if row.keys[0]), key=lambda row: row.keys[0] or "")
    found = axis(known, unit)
    if found.unit != unit:
        starts = [_read(row.keys[0] or "") for row in known[-MOST:]]
        found = Axis(unit, [_slot(start, unit) for start in starts])
    return found, merged(found, known)


def merged(found: Axis, rows: Sequence[Row]) -> list[Figures]:
    """The figures of each slot; those of several rows have no percentiles."""
    places = {slot.start: place for place, slot in enumerate(found.slots)}
    parts: list[list[Figures]] = [[] for _ in found.slots]
    for row in rows:
        if (
            row.keys[0]
            and (place := places.get(_floor(_read(row.keys[0]), found.unit))) is not None
        ):
            parts[place].append(row.figures)
    return [one[0] if len(one) == 1 else together(one) for one in parts]


def _few(first: datetime, last: datetime, unit: str) -> bool:
    return sum(1 for _, _ in zip(range(MOST + 1), _starts(first, last, unit), strict=False)) <= MOST


def _starts(first: datetime, last: datetime, unit: str) -> Iterator[datetime]:
    start = _floor(first, unit)
    while start <= last:
        yield start
        try:
            start = _floor(start + _STEPS[unit], unit)
        except OverflowError:
            return


_STEPS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=32),
    "year": timedelta(days=367),
}
"""From a period's first moment into the next one."""


def _read(key: str) -> datetime:
    """A key of the report, `2026-11-21` or `2026-11-21T14`; a year before 1000 is shorter."""
    return datetime.fromisoformat(key.rjust(13 if "T" in key else 10, "0"))


def _floor(instant: datetime, unit: str) -> datetime:
    if unit == "hour":
        return instant.replace(minute=0)
    midnight = instant.replace(hour=0)
    if unit == "week":
        try:
            return midnight - timedelta(days=midnight.weekday())
        except OverflowError:
            return midnight
    if unit == "month":
        return midnight.replace(day=1)
    return midnight.replace(month=1, day=1) if unit == "year" else midnight


def _slot(start: datetime, unit: str) -> Slot:
    short = f"{start.day} {start:%b}"
    if unit == "hour":
        is_midnight = start.hour == 0
        name = f"{day(start)}, {start:%H}:00 to {start:%H}:59"
        return Slot(start, name, short if is_midnight else f"{start:%H}:00")
    if unit == "month":
        return Slot(start, f"{start:%B} {start.year}", f"{start:%b} {start.year}")
    if unit == "year":
        return Slot(start, str(start.year), str(start.year))
    whole = f"{start:%A}, {day(start)}" if unit == "day" else f"the week from {day(start)}"
    return Slot(start, whole, short)
