"""While a store does not answer: nobody waits for it, and what it could not count is kept.

The first operation that fails begins an outage. From then on operations fail at once, and one
thread tries to reach the store, writes what was kept, in its order, and ends the outage.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from opentelemetry import context

from costspan import attributed
from costspan.cost.stores.contract import StoreDown
from costspan.cost.stores.entries import Settlement
from costspan.guard import quietly

logger = logging.getLogger("costspan")

MOST_KEPT = 10_000
"""Settlements kept during an outage; what comes after that many is lost, and said."""

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


class Outage:
    """Whether a store is down, and what waits to be written to it.

    Args:
        name: of the store, for log lines.
        write: counts one settlement in the store, or raises StoreDown.
        reach: does something harmless with the store, or raises StoreDown.
    """

    def __init__(
        self, name: str, write: Callable[[Settlement], object], reach: Callable[[], object]
    ) -> None:
        self._name = name
        self._write = write
        self._reach = reach
        self.forget()

    def forget(self) -> None:
        """Start anew, as a forked child must: what is kept is its parent's to write."""
        # Re-entrant: a user's finaliser may settle a call in the middle of any line here.
        self._lock = threading.RLock()
        self._over = threading.Condition(self._lock)
        self._kept: deque[Settlement] = deque()
        self._since: float | None = None
        self._lost = self._late = 0
        self._working = False

    @property
    def is_on(self) -> bool:
        """Whether the store is taken to be down."""
        return self._since is not None

    @property
    def waiting(self) -> int:
        """How many settlements wait."""
        return len(self._kept)

    def begin(self, reason: str) -> None:
        """The store failed: say so once, and try to reach it until it answers."""
        with self._lock:
            new = self._since is None
            if new:
                self._since = time.monotonic()
                self._lost = self._late = 0
            self._start()
        if new:
            logger.error(
                "costspan: the store (%s) is down (%s). Budgets are watched by on_store_error until"
                " it answers; what calls cost meanwhile is written then",
                self._name,
                reason,
            )

    def keep(self, settlement: Settlement) -> None:
        """Write `settlement` when the store answers again."""
        with self._lock:
            if len(self._kept) < MOST_KEPT:
                self._kept.append(settlement)
                lost = 0
            else:
                self._lost += 1
                lost = self._lost
            if self._since is None:  # it was over in this very moment
                self._since = time.monotonic()
            self._start()
        if lost == 1:
            logger.error(
                "costspan: %d calls wait for the store (%s); further ones are not counted in it",
                MOST_KEPT,
                self._name,
            )

    def flush(self, timeout: float) -> bool:
        """Wait until nothing waits any more; False where time ran out."""
        deadline = time.monotonic() + timeout
        while self._kept:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._lock:
                if self._start():
                    self._over.wait(min(left, LONGEST_PAUSE_SECONDS))
                    continue
                self._working = True
            if not self._round():
                self._working = False
                time.sleep(min(left, FIRST_PAUSE_SECONDS))
        return True

    def last_try(self, timeout: float) -> None:
        """Write what waits before the process ends, and say what could not be written."""
        if self.flush(timeout):
            return
        with self._lock:
            unwritten = len(self._kept)
        logger.error(
            "costspan: the store (%s) is still down as the process ends; %d calls are not counted"
            " in it",
            self._name,
            unwritten,
        )

    def _start(self) -> bool:
        """Have one thread at work, where one can be started; the caller holds the lock."""
        if not self._working:
            worker = threading.Thread(target=self._work, name="costspan-store", daemon=True)
            token = attributed.attach(attributed.NOBODY)
            try:
                worker.start()
                self._working = True
            except RuntimeError:  # the interpreter is about to end
                return False
            finally:
                context.detach(token)
        return True

    def _work(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._round():
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _round(self) -> bool:
        with quietly("writing to a store that was down", even_asked_for=True):
            return self._catch_up()
        return False

    def _catch_up(self) -> bool:
        """Write what waits; True where the outage is over, and nobody is at work any more."""
        try:
            self._reach()
            while True:
                with self._lock:
                    if not self._kept:
                        since, self._since = self._since, None
                        late, lost = self._late, self._lost
                        self._working = False
                        self._over.notify_all()
                        break
                    settlement = self._kept[0]
                self._write(settlement)
                with self._lock:
                    self._kept.popleft()
                    self._late += 1
        except StoreDown:
            return False
        if since is not None:
            self._say_over(time.monotonic() - since, late, lost)
        return True

    def _say_over(self, seconds: float, late: int, lost: int) -> None:
        logger.warning(
            "costspan: the store (%s) answers again after %.1f s; %d calls were written late,"
            " %d are not counted in it",
            self._name,
            seconds,
            late,
            lost,
        )
