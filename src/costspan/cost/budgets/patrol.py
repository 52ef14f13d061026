"""The rounds of a tracker: what must happen although nobody calls.

What the budgets are, for whoever reads the store; a found crossing that nobody told, an alert whose
sender died, the end of a window that somebody was told of, and the reservations of calls that are
still under way.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from msgspec import structs
from opentelemetry import context

from costspan import attributed
from costspan.alerts.alert import Alert
from costspan.cost.budgets.admission import LIFE, Admission
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.described import described
from costspan.cost.budgets.teller import LEASE, Teller
from costspan.cost.stores import forks
from costspan.cost.stores.contract import SKIPPED, Notice, Store, StoreDown
from costspan.guard import quietly

EVERY_SECONDS = 20.0
"""Well within a reservation's life and an alert's lease."""

assert EVERY_SECONDS * 3000 < LIFE


class Patrol:
    """Goes its rounds in a thread of its own, which ends with the tracker."""

    def __init__(
        self, budgets: Sequence[Budget], store: Store, teller: Teller, admission: Admission
    ) -> None:
        self._budgets = {budget.name: budget for budget in budgets}
        self._store = store
        self._teller = teller
        self._admission = admission
        self.after_fork_in_child()
        forks.watch(self)

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def after_fork_in_parent(self) -> None:
        """Nothing to go on with."""

    def after_fork_in_child(self) -> None:
        """No thread goes through a fork."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopped = self._declared = False

    def start(self) -> None:
        """Have the thread run; at once where others may have left something to do."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None and not self._stopped:
                wake = self._wake
                thread = threading.Thread(
                    target=_rounds,
                    args=(weakref.ref(self, lambda gone: wake.set()), wake),
                    name="costspan-budgets",
                    daemon=True,
                )
                # It outlives the block that it starts in, so it starts as nobody's.
                token = attributed.attach(attributed.NOBODY)
                try:
                    thread.start()
                finally:
                    context.detach(token)
                self._thread = thread

    def stop(self) -> None:
        """Let the thread end."""
        self._stopped = True
        self._wake.set()

    def walk(self, now: int) -> None:
        """One round, at a moment in milliseconds since the epoch."""
        self._admission.keep_alive(now)
        if self._store.shared and not self._declared:
            self._declare()
            self._declared = True
        if self._teller.missed:
            self._teller.missed = False
            try:
                self._look_back(now)
            except StoreDown:
                self._teller.missed = True
                raise
        for notice in self._store.due(now):
            budget = self._budgets.get(notice.budget)
            if budget is not None:
                self._see_to(budget, notice, now)

    def _declare(self) -> None:
        """Let whoever reads the store know which budgets there are."""
        known = self._store.declared()
        for budget in self._budgets.values():
            description = described(budget)
            if known.get(budget.name) != description:
                self._store.declare(budget.name, description)

    def _look_back(self, now: int) -> None:
        """Tell the crossings that stand in the store and that nobody has told."""
        for budget in self._budgets.values():
            spent: dict[str, int] = {}
            if budget.is_per_call:
                continue
            for kept in self._store.buckets(budget.name, now):
                counter = budget.window.counter(budget.name, kept.scope, now)
                if counter.since <= kept.bucket <= counter.bucket and kept.scope != SKIPPED:
                    spent[kept.scope] = spent.get(kept.scope, 0) + kept.amount
            for scope, total in spent.items():
                counter = budget.window.counter(budget.name, scope, now)
                self._teller.reached(budget, counter, total, now, None, None)

    def _see_to(self, budget: Budget, notice: Notice, now: int) -> None:
        """Send what somebody claimed and never sent, or say that its window is over."""
        alert = msgspec.json.decode(notice.alert, type=Alert)
        if notice.state == "claimed":
            again = structs.replace(notice, lease=now + LEASE, at=now)
            if self._store.claim(again, now):
                self._teller.send_claimed(budget, again, alert)
            return
        alert = structs.replace(alert, state="resolved", at=now * 10**6)
        over = structs.replace(
            notice,
            key=f"{notice.key}|over",
            alert=msgspec.json.encode(alert),
            state="claimed",
            lease=now + LEASE,
            rearms=0,
            at=now,
        )
        if self._store.claim(over, now):
            self._teller.send_claimed(budget, over, alert)
        self._store.mark(notice.key, notice.level, "resolved")


def _rounds(patrol: weakref.ref[Patrol], wake: threading.Event) -> None:
    while True:
        here = patrol()
        if here is None or here._stopped:
            return
        # A store that is down says so itself; the next round tries again.
        with quietly("looking after the budgets"), suppress(StoreDown):
            here.walk(time.time_ns() // 10**6)
        del here
        wake.wait(EVERY_SECONDS)
