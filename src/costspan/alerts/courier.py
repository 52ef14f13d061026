"""The courier: it takes alerts off the caller's thread and brings them to the sinks.

A sink is any callable of one `Alert`, sync or async. Each has a lane of its own, so that one that
hangs holds up no other. What is gathered (see `gathering`) is told by a clock thread, which runs
while there is something for it to do.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from costspan import endings
from costspan.alerts import gathering
from costspan.alerts.alert import Alert, Sink
from costspan.alerts.gathering import Due, Gathering
from costspan.alerts.lane import Lane, Say, started
from costspan.guard import quietly

logger = logging.getLogger("costspan")

MOST_WAITING = 20_000
"""How many alerts wait for one sink."""

PATIENCE_SECONDS = 120.0
"""How long the news that an alert was taken by one sink waits for another sink."""

HELD_SECONDS = 180.0
"""How long one alert may be tried at a sink that fails: what a claim's lease should outlast. One
that says when to come again is tried for longer."""

EXIT_SECONDS = 2.0
"""How long the end of the process waits for alerts."""

_MOST_NAMED = 3

Done = Callable[[bool], None]

_couriers: weakref.WeakSet[Courier] = weakref.WeakSet()


class _Parcel:
    """One alert on its way, and who wants to know when it has arrived."""

    __slots__ = ("_courier", "alert", "dones", "key", "left", "since", "taken")

    def __init__(self, courier: Courier, alert: Alert, key: str, lanes: int) -> None:
        self._courier = courier  # which therefore lives until the alert has arrived
        self.alert = alert
        self.key = key
        self.dones: list[Done] = []
        self.left = lanes
        self.since = time.monotonic()
        self.taken = False

    def ended(self, taken: bool) -> None:
        """One sink has had its tries."""
        self._courier._ended(self, taken)


class Courier:
    """Queues and one worker thread for each sink.

    Alerts that are gathered carry no claim in a store; for all others `send` says whether they are
    on their way, and `done` when every sink has had its tries.
    """

    def __init__(self) -> None:
        self._renew()
        _couriers.add(self)

    def _renew(self) -> None:
        self._lock = threading.RLock()
        self._ticked = threading.Condition(self._lock)
        self._lanes: dict[tuple[int, str], Lane] = {}
        self._unsaid: deque[Say] = deque()
        self._gathering = Gathering()
        self._claimed: dict[str, _Parcel] = {}
        self._clock: threading.Thread | None = None

    @property
    def undelivered(self) -> int:
        """How many times a sink did not get an alert that was meant for it."""
        with self._lock:
            return sum(lane.undelivered for lane in self._lanes.values())

    @property
    def on_their_way(self) -> list[Alert]:
        """The alerts with a key that were sent and not yet told as done."""
        with self._lock:
            return [parcel.alert for parcel in self._claimed.values()]

    def send(self, alert: Alert, sinks: tuple[Sink, ...], done: Done | None = None) -> bool:
        """Queue an alert, or gather it; the caller's thread does no more than that.

        An alert that is on its way already (of the same key) is not sent a second time.

        Args:
            done: called once in a worker, when every sink has had its tries, and at most two
                minutes after it was sent where one sink has it and another hangs. It is told
                whether any sink took it: if none did, nobody knows of it. Not called for what is
                gathered, nor where False is returned.

        Returns:
            False where there is no room for it at any sink: nobody will be told of it.
        """
        endings.see_to(_close_all, endings.ALERTS)
        with self._lock:
            if alert.gathered:
                sent = self._queue_all(self._gathering.add(alert, sinks, time.monotonic()))
            else:
                sent = self._queue(alert, sinks or (_nobody,), done)
        self._say()
        return sent

    def flush(self, timeout: float) -> bool:
        """Tell what is gathered, and wait until nothing is on its way; False if time ran out."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._queue_all(self._gathering.all(time.monotonic()))
            lanes = list(self._lanes.values())
        self._say()
        idle = [lane.wait_idle(max(0.0, deadline - time.monotonic())) for lane in lanes]
        return all(idle)

    def hurry(self) -> None:
        """Tell what is gathered, and have each alert tried once more at most, without a pause."""
        with self._lock:
            self._queue_all(self._gathering.all(time.monotonic()))
            for lane in self._lanes.values():
                lane.hurry()

    def close(self, timeout: float) -> None:
        """Hurry and wait; what is left then is logged and counted."""
        deadline = time.monotonic() + timeout
        self.hurry()
        with self._lock:
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.bring_here(deadline)
        if self.flush(max(0.0, deadline - time.monotonic())):
            return
        left = [alert for lane in lanes for alert in lane.left_behind()]
        more = ["..."] if len(left) > _MOST_NAMED else []
        logger.error(
            "costspan ends with undelivered alerts, %d in all: %s",
            len(left),
            "; ".join([*(alert.text for alert in left[:_MOST_NAMED]), *more]),
        )

    def _say(self) -> None:
        """Log what was not to be logged under the lock."""
        while self._unsaid:
            with suppress(IndexError):  # another thread was quicker
                self._unsaid.popleft()()

    def _queue_all(self, due: Iterable[Due]) -> bool:
        sent = [self._queue(alert, sinks or (_nobody,), None) for alert, sinks in due]
        self._wind_up()
        return all(sent)

    def _queue(self, alert: Alert, sinks: tuple[Sink, ...], done: Done | None) -> bool:
        key = alert.delivery_key if alert.key and not alert.gathered else ""
        parcel = self._claimed.get(key)
        if parcel is None:
            lanes = [self._lane(sink) for sink in sinks]
            roomy = [lane for lane in lanes if len(lane) < MOST_WAITING]
            for lane in lanes:
                if lane not in roomy:
                    lane.refuse(alert)
            if not roomy:
                return False
            parcel = _Parcel(self, alert, key, len(roomy))
            if key:
                self._claimed[key] = parcel
                self._wind_up()
            for lane in roomy:
                lane.put(parcel)
        if done is not None:
            parcel.dones.append(done)
        return True

    def _lane(self, sink: Sink) -> Lane:
        # A bound method is made anew each time it is asked for.
        owner = getattr(sink, "__self__", None)
        identity = (id(sink), "") if owner is None else (id(owner), sink.__name__)
        lane = self._lanes.get(identity)
        if lane is None:
            lane = self._lanes[identity] = Lane(sink, self._lock, self._unsaid, self)
        return lane

    def _ended(self, parcel: _Parcel, taken: bool) -> None:
        with self._lock:
            parcel.left -= 1
            parcel.taken = parcel.taken or taken
            dones = self._arrived(parcel) if parcel.left == 0 else []
        _tell(dones, parcel)

    def _arrived(self, parcel: _Parcel) -> list[Done]:
        """Forget a parcel; gives who wants to know. The caller holds the lock."""
        if self._claimed.get(parcel.key) is parcel:
            del self._claimed[parcel.key]
        dones, parcel.dones = parcel.dones, []
        return dones

    def _wind_up(self) -> None:
        """Have the clock run, if there is something for it. The caller holds the lock."""
        if self._clock is not None or self._next_tick() is None:
            return
        clock, fault = started(self._run_clock, "costspan-alerts-clock")
        if fault is None:  # else the next alert tries again
            self._clock = clock

    def _next_tick(self) -> float | None:
        ends = (self._gathering.next_end(), self._next_patience())
        return min((end for end in ends if end is not None), default=None)

    def _next_patience(self) -> float | None:
        first = next(iter(self._claimed.values()), None)
        return None if first is None else first.since + PATIENCE_SECONDS

    def _run_clock(self) -> None:
        try:
            while self._tick():
                pass
        finally:  # a handler of the log may have ended it: the next alert starts another
            with self._lock:
                if self._clock is threading.current_thread():
                    self._clock = None

    def _tick(self) -> bool:
        """Wait for what is next and see to it; False where nothing is."""
        with self._lock:
            tick = self._next_tick()
            if tick is None:
                self._clock = None
                return False
            # A minute that begins while this waits ends later, but for one after a patience.
            pause = min(tick - time.monotonic(), gathering.GATHERED_FOR_SECONDS)
            if pause > 0:
                self._ticked.wait(pause)
            now = time.monotonic()
            self._queue_all(self._gathering.over(now))
            late = self._late(now)
        self._say()
        for parcel, dones in late:
            _tell(dones, parcel)
        return True

    def _late(self, now: float) -> list[tuple[_Parcel, list[Done]]]:
        """Parcels that one sink has and another does not take; the others wait on."""
        late = []
        for key, parcel in list(self._claimed.items()):
            if now - parcel.since < PATIENCE_SECONDS:
                break
            if parcel.taken:
                late.append((parcel, self._arrived(parcel)))
            else:
                del self._claimed[key]
                parcel.since = now
                self._claimed[key] = parcel
        return late


def _nobody(alert: Alert) -> None:
    """The sink of a budget that has none."""


def _tell(dones: list[Done], parcel: _Parcel) -> None:
    for done in dones:
        with quietly("noting that an alert was sent", even_asked_for=True):
            done(parcel.taken)


def _renew_all() -> None:
    for courier in list(_couriers):
        courier._renew()


def _close_all(**of_a_signal: Any) -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    couriers = list(_couriers)
    with quietly("telling the last alerts", even_asked_for=True):
        for courier in couriers:  # all of them first: one may use up the time
            courier.hurry()
        for courier in couriers:
            courier.close(max(0.0, deadline - time.monotonic()))


os.register_at_fork(after_in_child=_renew_all)
atexit.register(_close_all)
