"""A few connections, lent to one thread each, with a deadline on every wait.

A connection is opened by a thread of its own: looking up a name or a first connect may take
longer than a caller may wait. The caller gives up at its deadline, the connection is there for the
next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from opentelemetry import context

from costspan import attributed
from costspan.cost.stores.contract import StoreDown
from costspan.guard import fault_of

C = TypeVar("C")

IDLE_SECONDS = 1.0
"""A connection that was idle for longer is looked at before it is lent: the server, or something on
the way, may have closed it."""


class Pool(Generic[C]):
    """Connections of one store.

    Args:
        open_one: makes a connection, or raises.
        close_one: ends one.
        most: how many there may be at once.
        exclusive: whether a child must not inherit any: they are closed before a fork.
        is_open: whether the other end still holds a connection; by default it always does.
    """

    def __init__(
        self,
        open_one: Callable[[], C],
        close_one: Callable[[C], None],
        most: int,
        exclusive: bool = False,
        is_open: Callable[[C], bool] | None = None,
    ) -> None:
        self._open_one = open_one
        self._close_one = close_one
        self._most = most
        self._exclusive = exclusive
        self._is_open = is_open
        self._inherited: list[C] = []
        self._start()

    def _start(self) -> None:
        # Re-entrant: a user's finaliser may settle a call in the middle of any line here.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._forker: int | None = None
        self._idle: list[tuple[C, float]] = []
        self._all: list[C] = []
        self._opening = 0
        self._failure: Exception | None = None
        self._era = object()

    def __del__(self) -> None:
        """End what is idle: a connection to SQLite that nobody ended warns of it."""
        for one, _ in self.__dict__.get("_idle", ()):
            self._close(one)

    @contextmanager
    def lent(self, seconds: float) -> Iterator[C]:
        """A connection for the block; it is ended where the block fails.

        Raises:
            StoreDown: none was free or could be opened within `seconds`.
            Exception: what opening one failed with.
        """
        one = self._take(seconds)
        try:
            yield one
        except BaseException:
            self._give(one, usable=False)
            raise
        self._give(one, usable=True)

    def _take(self, seconds: float) -> C:
        with self._lock:
            one = self._from_idle()
            if one is not None:
                return one
            deadline = time.monotonic() + seconds
            self._failure = None
            while True:
                if not self._opening and len(self._all) < self._most:
                    self._open()
                left = deadline - time.monotonic()
                timely = left > 0 and self._changed.wait(left)
                one = self._from_idle()
                if one is not None:
                    return one
                if self._failure is not None:
                    raise self._failure
                if not timely:
                    raise StoreDown("no connection in time")

    def _from_idle(self) -> C | None:
        """One that can be used at once, if there is one; the caller holds the lock."""
        while self._idle:
            one, since = self._idle.pop()
            look = self._is_open is not None and time.monotonic() - since > IDLE_SECONDS
            if not look or (self._is_open is not None and self._is_open(one)):
                return one
            self._all.remove(one)
            self._close(one)
        return None

    def _give(self, one: C, usable: bool) -> None:
        with self._lock:
            if one not in self._all:  # closed meanwhile, or the parent's
                usable = False
            elif usable:
                self._idle.append((one, time.monotonic()))
            else:
                self._all.remove(one)
            self._changed.notify()
        if not usable and one not in self._inherited:
            self._close(one)

    def _open(self) -> None:
        self._opening += 1
        opener = threading.Thread(
            target=self._opened, args=(self._era,), name="costspan-store-open", daemon=True
        )
        token = attributed.attach(attributed.NOBODY)
        try:
            opener.start()
        except RuntimeError:  # the interpreter is about to end: no thread is started any more
            self._opened(self._era)
        finally:
            context.detach(token)

    def _opened(self, era: object) -> None:
        made: list[C] = []
        failure = fault_of(lambda: made.append(self._open_one()))
        with self._lock:
            wanted = era is self._era
            if wanted:
                self._opening -= 1
                self._failure = failure
                self._all += made
                self._idle += [(one, time.monotonic()) for one in made]
                self._changed.notify_all()
        if not wanted:
            for one in made:
                self._close(one)

    def close(self) -> None:
        """End what is idle now, and what is lent when it comes back."""
        with self._lock:
            idle, self._idle, self._all = self._idle, [], []
        for one, _ in idle:
            self._close(one)

    def _close(self, one: C) -> None:
        fault_of(lambda: self._close_one(one))

    def before_fork(self, patience: float = 1.0) -> None:
        """Have no connection while the process forks, where a child must not inherit any."""
        if not self._exclusive:
            return
        if not self._lock.acquire(timeout=patience):
            return
        self._forker = threading.get_ident()
        deadline = time.monotonic() + patience
        while len(self._idle) < len(self._all) or self._opening:
            left = deadline - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                break
        for one, _ in self._idle:
            self._all.remove(one)
            self._close(one)
        self._idle = []

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._forker == threading.get_ident():
            self._forker = None
            self._changed.notify_all()  # a wake-up meant for another may have come to the forker
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connections alone: to close one could speak in the parent's name."""
        self._inherited += self._all
        self._start()
