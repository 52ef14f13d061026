"""Lines that wait to be written together, and the thread that does it.

The thread writes what has gathered for a quarter of a second, and ends when nothing has come for a
while. Lines that cannot be written keep waiting, up to a bound.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from costspan.export import lifetime
from costspan.export.writer import Placed, Writer
from costspan.guard import fault_of, quietly

Line = bytes | Callable[[], bytes]
"""A line, or what makes it."""

GATHERED_FOR_SECONDS = 0.25
MOST_WAITING = 10_000
_IDLE_SECONDS = 10.0
_AT_ONCE = 100


class Batches:
    """The queue of one writer.

    Args:
        lock: the writer's.
        start: starts a thread.
        alone: does one write under the lock; False where a signal's handler is in another.
    """

    def __init__(
        self,
        lock: threading.RLock,
        writer: Writer,
        start: Callable[[Callable[[], None]], object],
        alone: Callable[[Callable[[], bool]], bool],
    ) -> None:
        self._lock = lock
        self._writer = writer
        self._start = start
        self._alone = alone
        self._waiting: deque[tuple[Line, int]] = deque()
        self._gathered = threading.Event()
        self._is_running = False
        self._failed_at: float | None = None
        self._ends = False

    def put(self, line: Line, at: int) -> bool:
        """Have a line written soon; False where it is lost, as too many wait."""
        if len(self._waiting) >= MOST_WAITING and not self._made_room():
            with self._lock:
                self._writer.losses.add(1, at, at, self._writer.fault)
            self._writer.losses.tell()
            return False
        self._waiting.append((line, at))
        if not self._gathered.is_set():
            self._gathered.set()
        if not self._is_running:
            self._run()
        return True

    def flush(self, deadline: float) -> bool:
        """Write what waits by now; False if it cannot be, or the deadline (monotonic) passed."""
        # Once in any case: the thread may be about to write what it has taken, under the lock.
        for _ in range(0, max(len(self._waiting), 1), _AT_ONCE):
            if time.monotonic() > deadline or not self._write_some():
                return False
        return True

    def end(self) -> None:
        """From now on whoever puts a line writes it: a thread may not live to do so."""
        with self._lock:
            self._ends = True
            self._is_running = False

    def give_up(self) -> None:
        """Count what waits as lost."""
        with self._lock:
            moments = [at for _, at in self._waiting]
            self._waiting.clear()
            if moments:
                fault = self._writer.fault
                self._writer.losses.add(len(moments), min(moments), max(moments), fault)
        self._writer.losses.tell()

    def _made_room(self) -> bool:
        """Write in the caller's thread, unless that failed a moment ago."""
        if self._failed_at is not None and time.monotonic() - self._failed_at < 1:
            return False
        return self._write_some()

    def _run(self) -> None:
        with self._lock:
            if not self._is_running and not self._ends:
                lifetime.used()
                with suppress(RuntimeError):  # no more threads: the caller does it
                    self._start(self._work)
                    self._is_running = True
        if not self._is_running:
            self.flush(time.monotonic() + 1)

    def _work(self) -> None:
        while self._goes_on():
            time.sleep(GATHERED_FOR_SECONDS)
            self._gathered.clear()
            with quietly("writing lines"):
                if not self.flush(time.monotonic() + 1):
                    self._gathered.set()

    def _goes_on(self) -> bool:
        if self._gathered.wait(_IDLE_SECONDS):
            return True
        with self._lock:
            self._is_running = False  # said first: who puts a line from now on starts another
            self._is_running = bool(self._waiting) and not self._ends
            return self._is_running

    def _write_some(self) -> bool:
        """Write the oldest; the lock is free between two turns, so that a fork need not wait."""
        try:
            with self._lock:
                return self._alone(self._write_oldest)
        finally:
            self._writer.losses.tell()

    def _write_oldest(self) -> bool:
        lines = self._taken()
        done = self._writer.write(lines)
        self._failed_at = None if done == len(lines) else time.monotonic()
        if self._failed_at is None:
            return True
        self._waiting.extendleft(reversed(lines[done:]))
        self._writer.losses.complain(self._writer.fault, f"{len(self._waiting)} lines wait")
        return False

    def _taken(self) -> list[Placed]:
        lines: list[Placed] = []
        while self._waiting and len(lines) < _AT_ONCE:
            line, at = self._waiting.popleft()
            if isinstance(line, bytes):
                lines.append((line, at))
                continue
            fault = fault_of(partial(_make, line, at, lines))
            if fault is not None:
                self._writer.losses.later(partial(_report, fault))
                self._writer.losses.add(1, at, at, OSError("it could not be made"))
        return lines


def _make(line: Callable[[], bytes], at: int, lines: list[Placed]) -> None:
    lines.append((line(), at))


def _report(fault: Exception) -> None:
    with quietly("making a line", even_asked_for=True):
        raise fault
