"""The store of one process: its memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from heapq import heapify, heappop, heappush

from msgspec import structs

from costspan import totals
from costspan.call import Call, Cost
from costspan.cost.ledger import Ledger
from costspan.cost.stores import forks
from costspan.cost.stores.contract import (
    Bucket,
    Charge,
    Claim,
    Counter,
    Notice,
    Refusal,
    Standing,
)
from costspan.cost.stores.sums import Reserved, Sums
from costspan.cost.stores.tokens import RecentTokens
from costspan.totals import Summary, Totals

MOST_SCOPES = 100_000
"""Scopes kept in all; beyond, the one that was longest idle is forgotten."""

MOST_NOTICES = 10_000

_Key = tuple[str, str]


class MemoryStore:
    """Sums of this process. A forked child starts with its parent's sums, and none of its calls."""

    shared = False
    settled_late: Callable[[Sequence[Charge], Sequence[int]], None] | None = None

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._sums: OrderedDict[_Key, Sums] = OrderedDict()
        self._reserved: dict[str, Reserved] = {}
        self._expiring: list[tuple[int, str]] = []
        self._notices: OrderedDict[str, Notice] = OrderedDict()
        self._tokens = RecentTokens()
        self._declared: dict[str, bytes] = {}
        forks.watch(self)

    def settle(
        self,
        call: Call,
        cost: Cost,
        spent: tuple[Totals, ...] = (),
        charges: Sequence[Charge] = (),
        token: str = "",
    ) -> Sequence[int]:
        """Count one finished call."""
        if not charges and not token:
            self._ledger.add(call, cost, spent)
            return ()
        with totals.lock():
            self._release(token)
            if token and not self._tokens.is_new(token):
                return [self._spent(one.counter) for one in charges]
            self._ledger.add(call, cost, spent)
            return [self._sums_of(one.counter).add(one.counter, one.amount) for one in charges]

    def superseded(self, call: Call, spent: Collection[Totals] = ()) -> None:
        """Count `call` as unpriced no more."""
        self._ledger.supersede(call, spent)

    def alerted(self, call: Call) -> None:
        """Count one alert that `call` raised."""
        self._ledger.add_alert(call)

    def summary(self) -> Summary:
        """The sums of everything in this process."""
        return self._ledger.summary()

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension."""
        return self._ledger.summaries(dimension)

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """Reserve all of `claims`, or none."""
        with totals.lock():
            self._expire(now)
            found = []
            for claim in claims:
                sums, since = self._sums_of(claim.counter), claim.counter.since
                if sums.taken(since) + claim.amount > claim.limit:
                    return Refusal(claim, sums.standing(since))
                found.append((sums, claim.counter.bucket, claim.amount))
            reserved = self._reserved.get(token)
            if reserved is None:
                reserved = self._reserved[token] = Reserved(expires)
                heappush(self._expiring, (expires, token))
            elif expires > reserved.expires:
                reserved.expires = expires
            for sums, bucket, amount in found:
                sums.hold(bucket, amount)
            reserved.parts += found
        return None

    def prolong(self, token: str, expires: int) -> None:
        """Let what is reserved under `token` live on."""
        with totals.lock():
            reserved = self._reserved.get(token)
            if reserved is not None:
                reserved.expires = expires
                heappush(self._expiring, (expires, token))

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """How counters stand."""
        with totals.lock():
            self._expire(now)
            found = [self._sums.get((one.budget, one.scope)) for one in counters]
            return [
                Standing(0) if sums is None else sums.standing(one.since)
                for sums, one in zip(found, counters, strict=True)
            ]

    def buckets(self, budget: str, now: int, least: int | None = None) -> list[Bucket]:
        """All amounts of a budget that still count."""
        with totals.lock():
            return [
                Bucket(budget, scope, bucket, sums.until, amount)
                for (name, scope), sums in self._sums.items()
                if name == budget and not 0 < sums.until <= now
                for bucket, amount in sums.spent.items()
                if least is None or amount >= least
            ]

    def claim(self, notice: Notice, now: int) -> bool:
        """Take on the sending of an alert."""
        with totals.lock():
            known = self._notices.get(notice.key)
            if known is not None and not _is_free(known, notice, now):
                return False
            self._notices[notice.key] = notice
            if len(self._notices) > MOST_NOTICES:
                self._notices.popitem(last=False)
            return True

    def mark(self, key: str, level: int, state: str) -> None:
        """Say how far an alert is."""
        with totals.lock():
            known = self._notices.get(key)
            if known is not None and known.level == level:
                self._notices[key] = structs.replace(known, state=state)

    def due(self, now: int) -> list[Notice]:
        """Alerts to be taken over or resolved."""
        with totals.lock():
            return [
                one
                for one in self._notices.values()
                if (one.state == "claimed" and one.lease <= now)
                or (one.state == "sent" and 0 < one.rearms <= now)
            ]

    def notices(self, most: int) -> list[Notice]:
        """The latest alerts, the newest first."""
        with totals.lock():
            return sorted(self._notices.values(), key=lambda one: one.at, reverse=True)[:most]

    def reset(self, budget: str, scope: str | None = None) -> int:
        """Forget a budget's sums, reservations and alerts."""
        with totals.lock():
            keys = [key for key in self._sums if key[0] == budget and scope in (None, key[1])]
            for key in keys:
                del self._sums[key]
            for notice in list(self._notices.values()):
                if notice.budget == budget and scope in (None, notice.scope):
                    del self._notices[notice.key]
        return len(keys)

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is; empty to forget it."""
        with totals.lock():
            if description:
                self._declared[budget] = description
            else:
                self._declared.pop(budget, None)

    def declared(self) -> dict[str, bytes]:
        """What was said of each budget last."""
        return dict(self._declared)

    def flush(self, timeout: float) -> bool:
        """Nothing to wait for."""
        return True

    def close(self) -> None:
        """Nothing to let go of."""

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def after_fork_in_parent(self) -> None:
        """Nothing to go on with."""

    def after_fork_in_child(self) -> None:
        """Hold nothing for the calls that the parent was making: they are not this process's."""
        self._reserved.clear()
        self._expiring.clear()
        for sums in self._sums.values():
            sums.held.clear()

    def _sums_of(self, counter: Counter) -> Sums:
        key = (counter.budget, counter.scope)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = Sums()
            if len(self._sums) > MOST_SCOPES:
                self._sums.popitem(last=False)
        else:
            self._sums.move_to_end(key)
        return sums

    def _spent(self, counter: Counter) -> int:
        return self._sums_of(counter).standing(counter.since).spent

    def _release(self, token: str) -> None:
        reserved = self._reserved.pop(token, None)
        for sums, bucket, amount in () if reserved is None else reserved.parts:
            sums.hold(bucket, -amount)

    def _expire(self, now: int) -> None:
        """A heap, as a clock that is set back breaks the order in which reservations were made."""
        expiring = self._expiring
        while expiring and expiring[0][0] <= now:
            _, token = heappop(expiring)
            reserved = self._reserved.get(token)
            if reserved is None:
                continue
            if reserved.expires > now:
                heappush(expiring, (reserved.expires, token))
            else:
                self._release(token)
        if len(expiring) > 2 * len(self._reserved) + 1000:  # most of them were settled meanwhile
            expiring[:] = [(one.expires, token) for token, one in self._reserved.items()]
            heapify(expiring)


def _is_free(known: Notice, wanted: Notice, now: int) -> bool:
    return (
        known.level < wanted.level
        or (known.state == "claimed" and known.lease <= now)
        or 0 < known.rearms <= now
    )
