"""Alerts of one kind are gathered: the first goes out at once, then at most one a minute.

A kind is a budget, agent and endpoint. What goes out after the first says how many calls and
dollars there were since; where no further call comes, it goes out at the end of its minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs

from costspan.alerts.alert import Alert, Sink

GATHERED_FOR_SECONDS = 60.0
_MOST_KINDS = 10_000

_Kind = tuple[str, str | None, str | None]
Due = tuple[Alert, tuple[Sink, ...]]


class _Minute:
    """What came of one kind since its last alert went out."""

    __slots__ = ("calls", "last", "since", "sinks", "usd")

    def __init__(self, since: float) -> None:
        self.since = since
        self.calls = 0
        self.usd = Decimal(0)
        self.last: Alert | None = None
        self.sinks: tuple[Sink, ...] = ()

    def add(self, alert: Alert, sinks: tuple[Sink, ...]) -> None:
        self.calls += 1
        self.usd += alert.cost_usd or 0
        self.last, self.sinks = alert, sinks

    def told(self) -> Due | None:
        """The last alert of the minute, which speaks for those before it."""
        if self.last is None:
            return None
        usd = self.usd - (self.last.cost_usd or 0)
        return structs.replace(self.last, calls_since=self.calls - 1, usd_since=usd), self.sinks


class Gathering:
    """The kinds of the last minute, the oldest first. Its caller holds a lock.

    Moments are seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._minutes: dict[_Kind, _Minute] = {}

    def add(self, alert: Alert, sinks: tuple[Sink, ...], now: float) -> Iterator[Due]:
        """Take one alert; gives what is to be sent now."""
        kind = (alert.budget, alert.agent, alert.endpoint)
        minute = self._minutes.get(kind)
        if minute is not None and now - minute.since < GATHERED_FOR_SECONDS:
            minute.add(alert, sinks)
            return
        if minute is not None:
            del self._minutes[kind]  # the new one stands at the end: the dict is in order of time
            alert = structs.replace(alert, calls_since=minute.calls, usd_since=minute.usd)
        elif len(self._minutes) >= _MOST_KINDS:
            told = self._minutes.pop(next(iter(self._minutes))).told()
            if told is not None:
                yield told
        self._minutes[kind] = _Minute(now)
        yield alert, sinks

    def over(self, now: float) -> Iterator[Due]:
        """What is to be sent of the minutes that are over by `now`."""
        while self._minutes:
            kind, minute = next(iter(self._minutes.items()))
            if now - minute.since < GATHERED_FOR_SECONDS:
                return
            del self._minutes[kind]
            told = minute.told()
            if told is not None:
                self._minutes[kind] = _Minute(now)
                yield told

    def all(self, now: float) -> Iterator[Due]:
        """What is to be sent where nobody waits for the minutes to end."""
        for kind, minute in list(self._minutes.items()):
            told = minute.told()
            if told is not None:
                del self._minutes[kind]
                self._minutes[kind] = _Minute(now)
                yield told

    def next_end(self) -> float | None:
        """When the first minute ends; None where there is none."""
        first = next(iter(self._minutes.values()), None)
        return None if first is None else first.since + GATHERED_FOR_SECONDS
