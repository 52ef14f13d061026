"""Things that are done one after another in a thread of their own: nobody waits for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from costspan.export import workers
from costspan.guard import quietly

MOST_WAITING = 1000


class Queue:
    """A thread that lives while there is something to do. A fault is logged, and the next is done.

    Args:
        what: the work, as it should stand in the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.forked()

    def forked(self) -> None:
        """In a new process: what waits is the parent's."""
        self._changed = threading.Condition()  # of an RLock: a signal's handler may put more
        self._waiting: deque[Callable[[], object]] = deque(maxlen=MOST_WAITING)
        self._worker: threading.Thread | None = None

    def put(self, work: Callable[[], object]) -> None:
        """Have something done soon. Where too much waits, the oldest is dropped."""
        with self._changed:
            self._waiting.append(work)
            self._run()

    def settle(self, seconds: float) -> None:
        """Wait until all is done, at most so long; do it here, where no thread is to be had."""
        if self._worker is threading.current_thread():
            return
        with self._changed:
            self._run()
            self._changed.wait_for(lambda: self._worker is None, seconds)
            waiting = [] if self._worker else list(self._waiting)
            if waiting:
                self._waiting.clear()
        for work in waiting:
            self._do(work)

    def _run(self) -> None:
        if self._waiting and self._worker is None:
            with suppress(RuntimeError):  # no more threads, or the interpreter is ending
                self._worker = workers.start(self._work)

    def _work(self) -> None:
        try:
            while work := self._next():
                self._do(work)
        except BaseException:
            with self._changed:
                self._end()
            raise

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            self._end()
            return None

    def _end(self) -> None:
        self._worker = None
        self._changed.notify_all()

    def _do(self, work: Callable[[], object]) -> None:
        with quietly(self._what, even_asked_for=True):
            work()
