"""The queue for calls that end inside a finaliser, and the worker that settles them.

A finaliser may run at any allocation, also in the middle of a lock that settling needs. It only
notes the time and puts the call here; the worker, the next call and the exit drain the queue.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from weakref import WeakSet

from opentelemetry import context

from costspan import attributed, endings
from costspan.elsewhere import finished
from costspan.guard import quietly

EXIT_SECONDS = 2.0
"""How long is waited at most for calls that ended just before the process does."""


_SETTLING = quietly("settling an abandoned call")


class Unsettled(Protocol):
    """Something that ended in a finaliser."""

    def abandoned(self, at: float) -> None:
        """Settle it now; it ended at `at` (`time.perf_counter()` seconds)."""


class _Mark(threading.Event):
    """Stands in the queue, and is set when all that stood before it is settled."""

    def abandoned(self, at: float) -> None:
        self.set()


class _Settlement:
    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew, as a forked child must: what the parent dropped is the parent's."""
        self.queue: SimpleQueue[tuple[Unsettled, float]] = SimpleQueue()
        self._open: WeakSet[Unsettled] = WeakSet()
        self._worker: threading.Thread | None = None
        self._lock = threading.RLock()
        self.generation = os.getpid()

    def expect(self, one: Unsettled) -> None:
        """Something is open that may be dropped; never called from a finaliser: it takes a lock."""
        with self._lock:
            self._open.add(one)
        if self._worker is not None:
            return
        endings.see_to(self.end, endings.CALLS)
        with self._lock:
            if self._worker is None:
                self._worker = self._started()

    def _started(self) -> threading.Thread | None:
        worker = threading.Thread(
            target=self._run, args=(self.queue,), name="costspan-settlement", daemon=True
        )
        # It outlives the block that it starts in, so it starts as nobody's.
        token = attributed.attach(attributed.NOBODY)
        try:
            worker.start()
        except RuntimeError:  # no more threads: the next call settles what waits, or the exit
            return None
        finally:
            context.detach(token)
        # Once more, to come before the ends of what is there by now: of alerts, stores and spans.
        atexit.register(self.end)
        return worker

    def drain(self) -> None:
        """Settle all that is waiting, in this thread."""
        while not self.queue.empty():
            try:
                ended, at = self.queue.get_nowait()
            except Empty:
                return
            ended.abandoned(at)

    def finish(self) -> None:
        """Settle all that is waiting, and wait a moment for what other threads have begun."""
        self.drain()
        if self._worker is not None:
            mark = _Mark()
            self.queue.put((mark, 0.0))
            mark.wait(EXIT_SECONDS)
        finished(EXIT_SECONDS)

    def end(self, **of_a_signal: Any) -> None:
        """As the process ends: what is still open then is dropped, and by nobody later."""
        at = time.perf_counter()
        with self._lock:  # other threads may go on opening some
            left = list(self._open)
        for one in left:
            with _SETTLING:
                one.abandoned(at)
        self.finish()

    @staticmethod
    def _run(queue: SimpleQueue[Any]) -> None:
        while True:
            ended, at = queue.get()
            with _SETTLING:
                ended.abandoned(at)
            del ended


settlement = _Settlement()
os.register_at_fork(after_in_child=settlement.forget)
atexit.register(settlement.end)
