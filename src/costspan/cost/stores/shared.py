"""What all shared stores have around them: deadlines, outages, forks and the sums of this process.

A backend does the reading and writing, and may fail; what stands here turns its failures into
`StoreDown` and keeps what is to be counted until it can be written.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakSet

from msgspec import structs
from opentelemetry import context

from costspan import attributed, endings, totals
from costspan.call import Call, Cost
from costspan.cost.ledger import checked_dimension, with_untagged
from costspan.cost.stores import forks, keeping
from costspan.cost.stores.backend import Backend
from costspan.cost.stores.contract import (
    MOST,
    Bucket,
    Charge,
    Claim,
    Counter,
    Notice,
    Refusal,
    Standing,
    StoreDown,
)
from costspan.cost.stores.entries import Settlement, correction, settlement_of
from costspan.cost.stores.outage import Outage
from costspan.cost.stores.tokens import RecentTokens
from costspan.guard import quietly
from costspan.totals import Summary, Totals

EXIT_SECONDS = 2.0

T = TypeVar("T")


class SharedStore:
    """A store that other processes see too. See `costspan.cost.stores.contract.Store`."""

    shared = True

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._outage = Outage(backend.name, self._write_late, self._reach)
        self._tokens = RecentTokens()
        self._tending = False
        self._tended_until = 0.0
        self.settled_late: Callable[[Sequence[Charge], Sequence[int]], None] | None = None
        """Told in a thread of the store of each settlement that is written after an outage."""
        forks.watch(self)
        _open.add(self)

    def __repr__(self) -> str:
        """The kind of store; no address."""
        return f"<SharedStore {self._backend.name}>"

    def settle(
        self,
        call: Call,
        cost: Cost,
        spent: tuple[Totals, ...] = (),
        charges: Sequence[Charge] = (),
        token: str = "",
    ) -> Sequence[int]:
        """Count one finished call.

        Raises:
            StoreDown: it is not written yet; it will be, without anybody's doing.
        """
        token = token or _new_token()
        with totals.lock():
            if self._tokens.is_new(token):
                totals.count(call, cost, spent)
        return self._count(settlement_of(call, cost, charges, token))

    def superseded(self, call: Call, spent: Collection[Totals] = ()) -> None:
        """Count `call` as unpriced no more."""
        totals.count(call, totals.NO_LONGER_UNPRICED, tuple(spent))
        with suppress(StoreDown):
            self._count(correction(call, _new_token(), unpriced_calls=-1))

    def alerted(self, call: Call) -> None:
        """Count one alert that `call` raised."""
        with suppress(StoreDown):
            self._count(correction(call, _new_token(), alerts=1))

    def summary(self) -> Summary:
        """The sums of everything, of all who share the store."""
        return self._ask(lambda: self._backend.sums("total")).get("", Summary())

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension."""
        checked_dimension(dimension)
        total = self.summary()
        return with_untagged(dimension, self._ask(lambda: self._backend.sums(dimension)), total)

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """Reserve all of `claims`, or none."""
        small = [one if one.limit <= MOST else structs.replace(one, limit=MOST) for one in claims]
        return self._ask(lambda: self._backend.reserve(token, small, now, expires))

    def prolong(self, token: str, expires: int) -> None:
        """Let what is reserved under `token` live on."""
        self._ask(lambda: self._backend.prolong(token, expires))

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """How counters stand."""
        return self._ask(lambda: self._backend.standings(counters, now))

    def buckets(self, budget: str, now: int, least: int | None = None) -> list[Bucket]:
        """All amounts of a budget that still count."""
        floor = -MOST if least is None else least
        return self._ask(lambda: self._backend.buckets(budget, now, floor))

    def claim(self, notice: Notice, now: int) -> bool:
        """Take on the sending of an alert."""
        return self._ask(lambda: self._backend.claim(notice, now))

    def mark(self, key: str, level: int, state: str) -> None:
        """Say how far an alert is."""
        self._ask(lambda: self._backend.mark(key, level, state))

    def due(self, now: int) -> list[Notice]:
        """Alerts to be taken over or resolved."""
        return self._ask(lambda: self._backend.due(now))

    def notices(self, most: int) -> list[Notice]:
        """The latest alerts, the newest first."""
        return self._ask(lambda: self._backend.notices(most))

    def reset(self, budget: str, scope: str | None = None) -> int:
        """Forget a budget's sums, reservations and alerts."""
        return self._ask(lambda: self._backend.reset(budget, scope))

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is; empty to forget it."""
        self._ask(lambda: self._backend.declare(budget, description))

    def declared(self) -> dict[str, bytes]:
        """What was said of each budget last."""
        return self._ask(self._backend.declared)

    def flush(self, timeout: float) -> bool:
        """Wait until all that was settled is written; False where time ran out."""
        return self._outage.flush(timeout)

    def close(self) -> None:
        """Let go of connections; the next operation opens them again."""
        self._backend.pool.close()

    def before_fork(self) -> None:
        """Let go of what a child must not inherit."""
        self._backend.pool.before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._backend.pool.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Start anew: connections, locks and what waits to be written are the parent's."""
        self._backend.pool.after_fork_in_child()
        self._outage.forget()
        self._tending = False

    def last_try(self) -> None:
        """Write what waits as the process ends."""
        self._outage.last_try(EXIT_SECONDS)

    def _count(self, settlement: Settlement) -> Sequence[int]:
        try:
            spent, tend = self._ask(lambda: self._backend.settle(settlement, _now()))
        except StoreDown:
            self._outage.keep(settlement)
            endings.see_to(_at_exit, endings.STORES)
            raise
        if tend:  # what fails there is no outage: it is tried again
            self._tend()
        return spent

    def _ask(self, work: Callable[[], T]) -> T:
        if self._outage.is_on:
            raise StoreDown(f"the store ({self._backend.name}) is down")
        try:
            return self._try(work)
        except StoreDown as down:
            self._outage.begin(str(down))
            raise

    def _try(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except self._backend.faults as fault:
            reason = self._backend.reason(fault)
        # Here, and so without what it comes from: that one's text may hold an address.
        raise StoreDown(reason)

    def _reach(self) -> None:
        self._try(self._backend.reach)

    def _write_late(self, settlement: Settlement) -> None:
        spent, _ = self._try(lambda: self._backend.settle(settlement, _now()))
        if self.settled_late is not None and settlement.charges:
            with quietly("telling of a call that was written late"):
                self.settled_late(settlement.charges, spent)

    def _tend(self) -> None:
        """Tidy up in a thread of its own; the next one does it where this one cannot."""
        if self._tending:
            return
        self._tending = True
        tender = threading.Thread(target=self._tended, name="costspan-store-tend", daemon=True)
        token = attributed.attach(attributed.NOBODY)
        try:
            tender.start()
        except RuntimeError:  # the interpreter is about to end
            self._tending = False
        finally:
            context.detach(token)

    def _tended(self) -> None:
        try:
            thoroughly = time.monotonic() >= self._tended_until
            with quietly("tidying up a store"), suppress(StoreDown):
                self._try(lambda: self._backend.tend(_now(), thoroughly))
                if thoroughly:
                    self._tended_until = time.monotonic() + keeping.THOROUGHLY_EVERY_SECONDS
        finally:
            self._tending = False


_open: WeakSet[SharedStore] = WeakSet()


def _at_exit(**of_a_signal: Any) -> None:
    for store in list(_open):
        store.last_try()
        store.close()


atexit.register(_at_exit)


def _new_token() -> str:
    return os.urandom(12).hex()


def _now() -> int:
    """Milliseconds since the epoch, as this process has them."""
    return time.time_ns() // 1_000_000
