"""Windows of time: none, sliding (`10m`), or of the calendar in a time zone (`month`).

A sliding window is kept in sixtieths: a call counts for the window's length and at most a sixtieth
of it longer, never shorter, and no window needs more than 61 amounts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import Struct

from costspan.cost.stores.contract import Counter

SLICES = 60
HOUR = 3_600_000
DAY = 24 * HOUR
TRACE_KEPT = 7 * DAY
"""Milliseconds after its last call in which a trace is remembered; traces do not come back."""

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY, "w": 7 * DAY}
_SLIDING = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w)")


class Window(Struct, frozen=True, gc=False):
    """A stretch of time, in milliseconds since the epoch; `end` is None where none is set."""

    start: int
    end: int | None


class Unbounded:
    """No window: what was spent counts for ever, of a trace until it is long over."""

    text: str | None = None
    is_sliding = False

    def __init__(self, kept: int = 0) -> None:
        self._kept = kept

    def counter(self, budget: str, scope: str, now: int) -> Counter:
        """Where an amount of this moment is counted."""
        return Counter(budget, scope, 0, 0, now + self._kept if self._kept else 0)

    def at(self, now: int) -> Window:
        """Which window this moment is in."""
        return Window(0, None)


class Sliding:
    """The last so many milliseconds."""

    is_sliding = True

    def __init__(self, text: str, length: int) -> None:
        self.text = text
        self.length = length
        self._slice = -(-length // SLICES)

    def counter(self, budget: str, scope: str, now: int) -> Counter:
        """Where an amount of this moment is counted."""
        width = self._slice
        first = (now - self.length) // width * width
        return Counter(budget, scope, now // width * width, first, now + self.length + width)

    def at(self, now: int) -> Window:
        """The window that ends at this moment; it has no end that is set."""
        return Window(now - self.length, None)


class Calendar:
    """The hour, day, week (from Monday) or month that a moment is in."""

    is_sliding = False

    def __init__(self, text: str, zone: tzinfo = UTC) -> None:
        self.text = text
        self._start_of = STARTS[text]
        self._zone = zone
        self._current = Window(0, 0)

    def counter(self, budget: str, scope: str, now: int) -> Counter:
        """Where an amount of this moment is counted; kept a day longer, for those who look back."""
        window = self.at(now)
        assert window.end is not None
        return Counter(budget, scope, window.start, window.start, window.end + DAY)

    def at(self, now: int) -> Window:
        """Which window this moment is in."""
        window = self._current
        assert window.end is not None
        if not window.start <= now < window.end:
            window = self._current = self._around(now)
        return window

    def _around(self, now: int) -> Window:
        here = datetime.fromtimestamp(now / 1e3, self._zone)
        if self.text == "hour":  # an hour that the clocks repeat is two of them
            first = now - (here.minute * 60_000 + here.second * 1_000 + now % 1_000)
            return Window(first, first + HOUR)
        start = self._start_of(here)
        # Days differ in length where clocks are put forward or back: the wall clock decides.
        ahead = start.replace(tzinfo=None) + LONGEST[self.text]
        end = self._start_of(ahead.replace(tzinfo=self._zone))
        return Window(_milliseconds(start), _milliseconds(end))


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e3)


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _week(moment: datetime) -> datetime:
    return _day(moment - timedelta(days=moment.weekday()))


def _month(moment: datetime) -> datetime:
    return _day(moment).replace(day=1)


STARTS: dict[str, Callable[[datetime], datetime]] = {
    "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    "day": _day,
    "week": _week,
    "month": _month,
}
LONGEST = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
}
"""From the start of one window into the next, whatever its length."""

AnyWindow = Unbounded | Sliding | Calendar


def parsed(text: str | None, zone: tzinfo, per: tuple[str, ...]) -> AnyWindow | None:
    """The window that a word stands for; None where it stands for none."""
    if text is None:
        return Unbounded(TRACE_KEPT if "trace" in per else 0)
    if text in STARTS:
        return Calendar(text, zone)
    found = _SLIDING.fullmatch(text)
    return None if found is None else Sliding(text, int(found[1]) * _UNITS[found[2]])
