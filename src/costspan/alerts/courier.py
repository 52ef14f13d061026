"""The courier: it takes alerts off the caller's thread and brings them to the sinks.

A sink is any callable of one `Alert`, sync or async. Alerts of one kind are gathered: the first
goes out at once, then at most one a minute for each budget, agent and endpoint, which says how
many calls and dollars there were since.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import structs
from opentelemetry import context

from costspan import attributed
from costspan.alerts.alert import Alert, Sink
from costspan.guard import quietly

logger = logging.getLogger("costspan")

GATHERED_FOR_SECONDS = 60.0
MOST_WAITING = 1000
_ATTEMPTS = 3
_EXIT_SECONDS = 2.0
_MOST_KINDS = 10_000


_Kind = tuple[str, str | None, str | None]


class _Gathered:
    __slots__ = ("calls", "sent_at", "usd")

    def __init__(self, sent_at: float) -> None:
        self.sent_at = sent_at
        self.calls = 0
        self.usd = Decimal(0)


class Courier:
    """A bounded queue and one worker thread that calls the sinks."""

    def __init__(self) -> None:
        self._gathered: dict[_Kind, _Gathered] = {}
        self._renew()
        os.register_at_fork(after_in_child=self._renew)
        atexit.register(self.flush, _EXIT_SECONDS)

    def _renew(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting: deque[tuple[Alert, tuple[Sink, ...]]] = deque()
        self._busy = False
        self._worker: threading.Thread | None = None

    def send(
        self, alert: Alert, sinks: tuple[Sink, ...], done: Callable[[bool], None] | None = None
    ) -> None:
        """Queue an alert, unless its kind went out less than a minute ago: then count it.

        Args:
            done: called once, in a worker, when every sink has had its try; True if all took it.
        """
        if not sinks:
            return
        with self._lock:
            due = self._due(alert)
            if due is None:
                return
            if len(self._waiting) >= MOST_WAITING:
                logger.error("costspan drops an alert, %d are waiting: %s", MOST_WAITING, due.text)
                return
            self._waiting.append((due, sinks))
            self._start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is on its way; False where time ran out."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while self._waiting or self._busy:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return not (self._waiting or self._busy)
        return True

    def _due(self, alert: Alert) -> Alert | None:
        now = time.monotonic()
        kind = (alert.budget, alert.agent, alert.endpoint)
        gathered = self._gathered.get(kind)
        if gathered is None:
            if len(self._gathered) >= _MOST_KINDS:
                self._gathered.clear()
            self._gathered[kind] = _Gathered(now)
            return alert
        if now - gathered.sent_at < GATHERED_FOR_SECONDS:
            gathered.calls += 1
            gathered.usd += alert.cost_usd or 0
            return None
        due = structs.replace(alert, calls_since=gathered.calls, usd_since=gathered.usd)
        self._gathered[kind] = _Gathered(now)
        return due

    def _start(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._run, name="costspan-alerts", daemon=True)
            # It outlives the block that it starts in, so it starts as nobody's.
            token = attributed.attach(attributed.NOBODY)
            try:
                self._worker.start()
            finally:
                context.detach(token)

    def _run(self) -> None:
        try:
            while True:
                alert, sinks = self._next()
                for sink in sinks:
                    _deliver(alert, sink)
        finally:  # a sink may end its thread, such as by sys.exit(): the next alert starts another
            with self._lock:
                self._worker = None
                self._busy = False
                if self._waiting:
                    self._start()
                self._changed.notify_all()

    def _next(self) -> tuple[Alert, tuple[Sink, ...]]:
        with self._lock:
            while not self._waiting:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait()
            self._busy = True
            return self._waiting.popleft()


def _deliver(alert: Alert, sink: Sink) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        what = f"delivering an alert (attempt {attempt} of {_ATTEMPTS})"
        with quietly(what, even_asked_for=True):
            answer = sink(alert)
            if inspect.isawaitable(answer):
                asyncio.run(_awaited(answer))
            return
        time.sleep(0.1 * attempt)
    logger.error("costspan could not deliver an alert: %s", alert.text)


async def _awaited(answer: Any) -> Any:
    return await answer
