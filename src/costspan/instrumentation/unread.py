"""What calls have for metrics and no reader has asked for yet.

A measurement costs the SDK more than 10 us, in whoever's thread. So a call only puts what it has in
a row, in one step that needs no lock, and that is recorded as a reader collects. Readers of
OpenTelemetry's SDK run the callbacks of observable instruments first and look at the histograms
after that (`SynchronousMeasurementConsumer.collect`, SDK 1.40 to 1.45): so each sees all calls that
were settled before.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.metrics import CallbackOptions, Observation

from costspan.guard import quietly

MOST_CALLS = 1_000
"""Calls that wait at most: as many as a tracker keeps anyhow, and 20 ms of a reader's time."""

MOST_CHUNKS = 4_000
"""Times of streams' chunks that wait at most: some 0.5 MB, and 50 ms of a reader's time."""

AT_ONCE = 32
"""How many a call records that finds the row full, so that it is short, and most calls none."""

_STUCK = 10
"""So many times as much waits where a thread that records never comes back; then the oldest go."""

_PATIENCE = 5.0
"""Seconds that a reader waits for a thread that is recording: half of the SDK's own deadline.

That thread waits for the reader where it was interrupted by a signal whose handler collects.
"""

_RECORDING = quietly("recording metrics")

Put = Callable[..., None]
"""Takes a function that measures, and what to give it."""


class Row:
    """Measurements that wait.

    Args:
        most: how many; beyond that the threads that put them in record the oldest ones.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.forget()

    def forget(self) -> None:
        """Start anew, as a forked child must: what waits is the parent's to record."""
        self._waiting: deque[tuple[Any, ...]] = deque(maxlen=_STUCK * self._most)
        # Re-entrant: a finaliser or a signal's handler may settle a call in the middle of it.
        self._lock = threading.RLock()
        self._recording = False

    def put(self, *measurement: Any) -> None:
        """Have something measured later: a function, and what to give it."""
        self._waiting.append(measurement)
        if len(self._waiting) >= self._most:
            self._record(AT_ONCE, patience=0)  # somebody who does so already makes room

    def record_all(self) -> None:
        """Measure all that waits by now, or see it measured by who has begun to."""
        if self._waiting or self._recording:
            self._record(len(self._waiting), patience=_PATIENCE)

    def _record(self, number: int, patience: float) -> None:
        lock = self._lock  # a fork puts another in its place
        if not lock.acquire(timeout=patience):
            return
        try:
            if not self._recording:
                self._take(number)
        finally:
            lock.release()

    def _take(self, number: int) -> None:
        self._recording = True
        try:
            while number > 0 and self._waiting:
                number -= 1
                measure, *what = self._waiting.popleft()
                with _RECORDING:
                    measure(*what)
        finally:
            self._recording = False


calls = Row(MOST_CALLS)
chunks = Row(MOST_CHUNKS)


def _begin_anew() -> None:
    calls.forget()
    chunks.forget()


os.register_at_fork(after_in_child=_begin_anew)


def record_all() -> None:
    """Measure all that waits."""
    calls.record_all()
    chunks.record_all()


def before_reading(options: CallbackOptions) -> Iterable[Observation]:
    """The callback of an observable instrument, itself of no observation."""
    record_all()
    return ()


def at_once(measure: Callable[..., object], *what: Any) -> None:
    """Measure now: for a meter whose readers may not ask first."""
    measure(*what)


def asks_first(meter: Any) -> bool:
    """Whether readers run this meter's callbacks first: those of OpenTelemetry's SDK do."""
    sdk = sys.modules.get("opentelemetry.sdk.metrics")  # of which another's need not be made
    return sdk is not None and isinstance(meter, sdk.Meter)
