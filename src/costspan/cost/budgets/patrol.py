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
from costspan.cost.budgets.windows import SLICES
from costspan.cost.stores import forks
from costspan.cost.stores.contract import SKIPPED, Notice, Store, StoreDown
from costspan.guard import quietly

_AT_ONCE = 500
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
                    self._thread = thread
                except RuntimeError:  # no more threads: the next call tries again
                    pass
                finally:
                    context.detach(token)

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
        if self._teller.looks_back:
            self._look_back(now)
            self._teller.looks_back = False
        self._catch_up(self._teller.take_missed(), now)
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
            if budget.is_per_call:
                continue
            # There may be a scope for each of a million traces: what is far from its first mark is
            # passed over. Of a sum of some slices one has its share at least.
            slices = SLICES + 1 if budget.window.is_sliding else 1
            kept = self._store.buckets(budget.name, now, budget.marks[0] // (2 * slices))
            scopes = {one.scope for one in kept} - {SKIPPED}
            self._catch_up([(budget.name, scope) for scope in scopes], now)

    def _catch_up(self, missed: Sequence[tuple[str, str]], now: int) -> None:
        """Tell of these counters what they have reached by now."""
        for start in range(0, len(missed), _AT_ONCE):
            part = missed[start : start + _AT_ONCE]
            budgets = [self._budgets[name] for name, _ in part]
            counters = [
                budget.window.counter(budget.name, scope, now)
                for budget, (_, scope) in zip(budgets, part, strict=True)
            ]
            try:
                standings = self._store.standings(counters, now)
            except StoreDown:
                for name, scope in missed[start:]:
                    self._teller.miss(name, scope)
                raise
            for budget, counter, standing in zip(budgets, counters, standings, strict=True):
                self._teller.reached(budget, counter, standing.spent, now, None, None)

    def _see_to(self, budget: Budget, notice: Notice, now: int) -> None:
        """Send what somebody claimed and never sent, or say that its window is over."""
        alert = msgspec.json.decode(notice.alert, type=Alert)
        if notice.state == "claimed":
            again = structs.replace(notice, lease=now + LEASE, at=now)
            if self._store.claim(again, now):
                self._teller.send_claimed(budget, again, alert)
            return
        if self._still_reached(budget, notice, now):
            return  # the window slides: the next round looks again
        # Whoever finds it says the same end, by which a receiver tells resolutions apart.
        end = notice.rearms * 10**6
        alert = structs.replace(alert, state="resolved", at=now * 10**6, resets_at=end)
        over = structs.replace(
            notice,
            key=f"{notice.key}|over|{notice.rearms}",
            alert=msgspec.json.encode(alert),
            state="claimed",
            lease=now + LEASE,
            rearms=0,
            at=now,
        )
        if self._store.claim(over, now):
            self._teller.send_claimed(budget, over, alert)
        self._store.mark(notice.key, notice.level, "resolved")

    def _still_reached(self, budget: Budget, notice: Notice, now: int) -> bool:
        if not budget.window.is_sliding:
            return False
        counter = budget.window.counter(budget.name, notice.scope, now)
        return budget.level(self._store.standings([counter], now)[0].spent) > 0


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
