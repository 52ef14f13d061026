"""One sink's lane: its queue, and the worker thread that brings it one alert after another."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from opentelemetry import context
from opentelemetry.instrumentation.utils import suppress_instrumentation

from costspan.alerts.alert import Alert, Sink, name_of
from costspan.alerts.faults import NotTaken, reason_of
from costspan.guard import fault_of

logger = logging.getLogger("costspan")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between the tries of one alert, each longer or shorter by up to a fifth."""

LEAST_WAIT = 1.0
LONGEST_WAIT = 900.0
"""Seconds between tries, and in all, for a receiver that says each time when to come again."""

_ASYNC_TRY_SECONDS = 60.0
_IDLE_SECONDS = 60.0

Say = Callable[[], None]


class Parcel(Protocol):
    """One alert on its way."""

    alert: Alert

    def ended(self, taken: bool) -> None:
        """One sink has had its tries."""


class Lane:
    """A queue of parcels for one sink, and one worker thread.

    Args:
        sink: whom the alerts are for.
        lock: guards the lane; shared with the owner's other lanes.
        unsaid: takes what is to be logged, for when the lock is free: a handler of the app's may
            hold a lock of its own, or make a call that alerts.
        owner: the worker ends within a minute after it is gone.
    """

    def __init__(
        self, sink: Sink, lock: threading.RLock, unsaid: deque[Say], owner: object
    ) -> None:
        self._sink = sink
        self._changed = threading.Condition(lock)
        self._unsaid = unsaid
        self._owner = weakref.ref(owner)
        self._waiting: deque[Parcel] = deque()
        self._current: Parcel | None = None
        self._hurried = False
        self._worker: threading.Thread | None = None
        self._loop: asyncio.Runner | None = None
        self.undelivered = 0
        self._full = False
        self._failing = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether an alert is on its way here."""
        return self._current is not None or bool(self._waiting)

    def put(self, parcel: Parcel) -> None:
        """Queue an alert. The caller holds the lock."""
        self._waiting.append(parcel)
        self.start()
        self._changed.notify_all()

    def refuse(self, alert: Alert) -> None:
        """Count an alert that there is no room for. The caller holds the lock."""
        self.undelivered += 1
        level = logging.DEBUG if self._full else logging.ERROR
        self._unsaid.append(lambda: self._say_full(level, alert))
        self._full = True  # said once, until there is room again

    def hurry(self) -> None:
        """Let every alert have the try that it waits for now, and no further one."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing is on its way here; False where time ran out."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self.busy:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return not self.busy
        return True

    def left_behind(self) -> list[Alert]:
        """What is still on its way here, counted as undelivered; nothing more is tried."""
        with self._changed:
            parcels = [*([self._current] if self._current else []), *self._waiting]
            self._waiting.clear()
            self.undelivered += len(parcels)
            return [parcel.alert for parcel in parcels]

    def start(self) -> None:
        """Have a worker, if there is none. The caller holds the lock."""
        if self._worker is not None:
            return
        worker, fault = started(self._run, "costspan-alerts")
        if fault is None:
            self._worker = worker
        else:
            said = "costspan cannot start a thread for its alerts (%s)"
            self._unsaid.append(lambda: logger.error(said, fault))

    def bring_here(self, deadline: float) -> None:
        """Bring what waits in this thread, where there is no worker: none starts any more.

        So it is at the end of a process on Python 3.12. A try that has begun is not cut short.
        """
        with self._changed:
            if self._worker is not None or not self._waiting:
                return
            self._worker = threading.current_thread()
        Context().run(self._run, deadline)

    def _say_full(self, level: int, alert: Alert) -> None:
        said = "costspan drops an alert for %s, %d are waiting: %s"
        logger.log(level, said, name_of(self._sink), len(self._waiting), alert.text)

    def _run(self, deadline: float | None = None) -> None:
        try:
            # What a sink does is not the app's work: no spans, no priced calls, nobody's context.
            with suppress_instrumentation():
                while self._handle(self._next(deadline)):
                    pass  # and nothing of the last alert is kept, least of all its courier
        finally:  # a sink may end its thread, such as by sys.exit(): the next alert starts another
            if self._loop is not None:
                fault_of(self._loop.close)
            with self._changed:
                self._worker, self._loop, self._current = None, None, None
                if self._waiting:
                    self.start()
                self._changed.notify_all()

    def _handle(self, parcel: Parcel | None) -> bool:
        if parcel is None:
            return False
        taken = None
        try:
            taken = self._bring(parcel.alert)
        finally:
            if taken is None:
                self._give_up(parcel.alert, "it ended its thread", 1)
            parcel.ended(taken or False)
        return True

    def _next(self, deadline: float | None) -> Parcel | None:
        with self._changed:
            self._current = None
            self._changed.notify_all()
            if deadline is not None and (not self._waiting or time.monotonic() >= deadline):
                return None
            while not self._waiting:
                self._changed.wait(_IDLE_SECONDS)
                if not self._waiting and self._owner() is None:
                    return None
            self._full = False
            self._current = self._waiting.popleft()
            return self._current

    def _bring(self, alert: Alert) -> bool:
        """Try until the sink takes it or there is no hope; True if it took it."""
        pauses = Pauses()
        while (fault := fault_of(lambda: self._call(alert))) is not None:
            pause = pauses.after(fault)
            if pause is None or not self._rest(pause, alert, fault):
                self._give_up(alert, reason_of(fault), pauses.tries)
                return False
        self._failing = False
        return True

    def _call(self, alert: Alert) -> None:
        answer = self._sink(alert)
        if inspect.isawaitable(answer):
            if self._loop is None:
                self._loop = asyncio.Runner()
            self._loop.run(_awaited(answer))

    def _rest(self, pause: float, alert: Alert, fault: Exception) -> bool:
        """Wait before the next try; False where there shall be none."""
        if self._hurried:
            return False
        logger.log(
            logging.DEBUG if self._failing else logging.WARNING,
            "costspan: %s did not take an alert (%s), the next try is in %.1f seconds: %s",
            name_of(self._sink),
            reason_of(fault),
            pause,
            alert.text,
        )
        self._failing = True  # said once, until the sink takes an alert
        deadline = time.monotonic() + pause
        with self._changed:
            while not self._hurried and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        return True

    def _give_up(self, alert: Alert, reason: str, tries: int) -> None:
        with self._changed:
            self.undelivered += 1
        logger.error(
            "costspan could not deliver an alert to %s (%s; %d %s): %s",
            name_of(self._sink),
            reason,
            tries,
            "try" if tries == 1 else "tries",
            alert.text,
        )


def started(run: Callable[[], None], name: str) -> tuple[threading.Thread, Exception | None]:
    """A daemon thread that runs for nobody, whoever starts it: it outlives the caller's block.

    Returns:
        The thread, and what kept it from starting.
    """
    # A fresh context for Python's variables, and one for those who carry OpenTelemetry's over.
    thread = threading.Thread(target=Context().run, args=(run,), name=name, daemon=True)
    token = context.attach(context.Context())
    try:
        return thread, fault_of(thread.start)
    finally:
        context.detach(token)


class Pauses:
    """How long to wait between the tries of one alert."""

    def __init__(self) -> None:
        self.tries = 0
        self._left = iter(PAUSES)
        self._held = 0.0

    def after(self, fault: Exception) -> float | None:
        """Seconds until the next try; None where there shall be none.

        A receiver that says when to come again is not one that fails: its word is taken, and
        counts towards a limit of its own.
        """
        self.tries += 1
        asked = fault.retry_after if isinstance(fault, NotTaken) else None
        if asked is not None and self._held < LONGEST_WAIT:
            pause = max(asked, LEAST_WAIT) * random.uniform(1.0, 1.02)
            self._held += pause
            return pause
        if isinstance(fault, NotTaken) and not fault.again:
            return None
        pause = next(self._left, -1.0)
        return None if pause < 0 else pause * random.uniform(0.8, 1.2)


async def _awaited(answer: Any) -> None:
    async with asyncio.timeout(_ASYNC_TRY_SECONDS):
        await answer
