"""What a store of sums must do, and the plain records that are passed to it.

A store keeps three things: the sums of all calls (`summary`), counters for budgets with what is
reserved against them, and the claims of alerts. It knows nothing of budgets but how they describe
themselves to whoever shows them: a counter is a name and a bucket of time, an amount is a whole
number (picodollars, tokens or calls), and moments are milliseconds since the epoch as the asking
process has them. Nothing in it is message content.

`MemoryStore` never waits. The shared stores may: they raise `StoreDown` where the store does not
answer within its deadline, and may be called from any thread at once. They block the thread that
calls: code on an event loop calls them from a worker thread.

What is to be counted is never lost with that: `settle` keeps it in this process before it raises
`StoreDown`, and it is written, counted once, when the store answers again. So are `superseded` and
`alerted`, which raise nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

from costspan.call import Call, Cost
from costspan.errors import StoreUnavailable
from costspan.totals import Summary, Totals

DEADLINE_SECONDS = 0.25
"""How long one operation of a shared store may take."""

MOST = 2**63 - 1
"""The largest amount, limit and sum: 9.2 million US dollars in picodollars."""

UNSCOPED = "(unscoped)"
"""The scope under which calls are counted that lack the key of a budget's scope."""


SKIPPED = "(skipped)"
"""The scope under which the number of calls is kept that a budget does not count for that."""


class StoreDown(Exception):
    """The store did not answer, or not in time. Its text never holds an address or a password."""


@contextmanager
def told_to_the_app() -> Iterator[None]:
    """Tell the app of a store that does not answer, in an exception of its own.

    Raises:
        StoreUnavailable: in place of `StoreDown`.
    """
    try:
        yield
    except StoreDown as down:
        raise StoreUnavailable(f"the store does not answer ({down})") from None


class Counter(Struct, frozen=True, gc=False):
    """One budget in one scope, at one moment.

    Args:
        budget: the budget's name.
        scope: the key within it, such as `ticket-17`; `""` where there is one sum for all.
        bucket: where an amount is added now: the start of a calendar window or of the slice of a
            sliding one, 0 without a window.
        since: the sum is over all buckets from this one on.
        until: when the bucket counts no more and may be forgotten; 0 for never. A shared store
            forgets one of a scope all the same when nothing was added to it for 30 days.
    """

    budget: str
    scope: str
    bucket: int = 0
    since: int = 0
    until: int = 0


class Claim(Struct, frozen=True, gc=False):
    """An amount to be reserved: granted if spent + reserved + `amount` does not pass `limit`."""

    counter: Counter
    amount: int
    limit: int


class Charge(Struct, frozen=True, gc=False):
    """An amount that was spent; negative in a correction."""

    counter: Counter
    amount: int


class Standing(Struct, frozen=True, gc=False):
    """What is spent in a counter, and what is reserved in it besides."""

    spent: int
    held: int = 0


class Refusal(Struct, frozen=True, gc=False):
    """Which claim was not granted, and how its counter stands."""

    claim: Claim
    standing: Standing


class Bucket(Struct, frozen=True, gc=False):
    """One kept amount, as it lies in the store."""

    budget: str
    scope: str
    bucket: int
    until: int
    amount: int


class Notice(Struct, frozen=True, kw_only=True, gc=False):
    """One alert as a store keeps it.

    Args:
        key: names budget, scope and window; one alert is due for it at each higher `level`.
        level: which of the budget's thresholds was reached, counted from 1.
        state: `claimed` (being sent), `sent`, or `resolved`.
        budget, scope: whose counter it is.
        lease: until when the claimer has time to send it; another may take it over then.
        rearms: when the window is over: what was sent is due for its resolution then, and the key
            may be claimed anew; 0 for never.
        alert: the alert, as JSON.
        at: when it was claimed.
    """

    key: str
    level: int
    budget: str
    scope: str
    alert: bytes
    state: str = "claimed"
    lease: int = 0
    rearms: int = 0
    at: int = 0


class Store(Protocol):
    """Keeps sums, counters and claims, and answers for all who share it."""

    shared: bool
    """Whether other processes see it; such a store may wait, and raise `StoreDown`."""

    settled_late: Callable[[Sequence[Charge], Sequence[int]], None] | None
    """Told in a thread of the store of each settlement that is written after an outage."""

    def settle(
        self,
        call: Call,
        cost: Cost,
        spent: tuple[Totals, ...] = (),
        charges: Sequence[Charge] = (),
        token: str = "",
    ) -> Sequence[int]:
        """Count one finished call: in the sums, in this process's `spent`, and in its counters.

        What was reserved under `token` is free again, in the same step. The same token is counted
        once, however often it is tried within a day. The counts and the cost of a correction are a
        signed difference, which may be negative.

        Returns:
            What is spent after it, for each charge: the sum over the counter's buckets.
        """

    def superseded(self, call: Call, spent: Collection[Totals] = ()) -> None:
        """Count `call` as unpriced no more: a later one settles its response."""

    def alerted(self, call: Call) -> None:
        """Count one alert that `call` raised."""

    def summary(self) -> Summary:
        """The sums of everything."""

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension, in the vocabulary of `attribution`; the dearest first."""

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """Reserve all of `claims`, each of another counter, in one step, or none of them.

        Claims under a token that has some already are added to them, and all live until the later
        moment. Reservations that expired before `now` hold nothing.

        Returns:
            The first claim that was not granted; None where all were.
        """

    def prolong(self, token: str, expires: int) -> None:
        """Let what is reserved under `token` live until `expires`.

        What had expired by then may be held again, or stay free.
        """

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """How counters stand."""

    def buckets(self, budget: str, now: int, least: int | None = None) -> list[Bucket]:
        """All amounts of a budget that still count at `now`, in no order.

        Those below `least` are left out, where it is given.
        """

    def claim(self, notice: Notice, now: int) -> bool:
        """Take on the sending of an alert, in one step: True for exactly one of all who ask.

        Granted where the key is unknown, has a lower level, was claimed with a lease that ran out
        before `now`, or has a window that was over before `now`.
        """

    def mark(self, key: str, level: int, state: str) -> None:
        """Say how far an alert is; nothing where a higher level was claimed since."""

    def due(self, now: int) -> list[Notice]:
        """Alerts whose claimer ran out of time, and sent ones whose window is over."""

    def notices(self, most: int) -> list[Notice]:
        """The latest alerts, the newest first."""

    def reset(self, budget: str, scope: str | None = None) -> int:
        """Forget what was spent and reserved and who was told, of one scope or of all.

        Returns:
            How many counters there were.
        """

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is, for whoever shows it; empty to forget it. `reset` leaves it."""

    def declared(self) -> dict[str, bytes]:
        """The budgets that are held against this store, with what was said of each last."""

    def flush(self, timeout: float) -> bool:
        """Wait until all that was settled is written; False where `timeout` seconds ran out."""

    def close(self) -> None:
        """Let go of connections; the next operation opens them again."""
