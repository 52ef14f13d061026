"""Running sums of calls: what `spent`, the ledger and `summary()` count with."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, structs

from costspan.call import Call, Cost, plain, usd

# Re-entrant: a user's finaliser may close a stream, and so settle a call, in the middle of a sum.
_lock = threading.RLock()


def _begin_anew() -> None:
    """In a forked child no other thread holds the lock, or is counting."""
    global _lock, _counting
    _lock = threading.RLock()
    _counting = False


os.register_at_fork(after_in_child=_begin_anew)


class Summary(Struct, frozen=True, kw_only=True):
    """Sums over some calls. Tokens, seconds and US dollars.

    Unpriced calls count no dollars, estimated ones their estimate; tokens are those reported.
    """

    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0
    runtime_seconds: float = 0.0
    alerts: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The sums as a plain dict, `cost_usd` as a `Decimal`."""
        return structs.asdict(self)


class BudgetState(Struct, frozen=True, kw_only=True, gc=False):
    """How a budget stands: its limit in its unit, and what this process saw of it.

    The unit is `usd`, `tokens` or `calls`. `alerts` were told here; `used` is the share of the
    limit that the fullest scope has used, 1 = used up, None of a limit for single calls; `refusals`
    are calls that it stopped.
    """

    name: str
    per: str
    unit: str
    limit: Decimal
    alerts: int
    used: float | None = None
    refusals: int = 0


class Figures(NamedTuple):
    """What one call, or a correction of one, adds to sums; `picos` are picodollars."""

    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    picos: int = 0
    unpriced_calls: int = 0
    runtime_seconds: float = 0.0
    alerts: int = 0


Sums = tuple[Any, ...]
"""`Figures` as a plain tuple, which is made and taken apart in a fraction of the time."""

NOTHING: Sums = tuple(Figures())
ONE_ALERT: Sums = tuple(Figures(alerts=1))
NO_LONGER_UNPRICED: Sums = tuple(Figures(unpriced_calls=-1))


def figures_of(call: Call, cost: Cost) -> Sums:
    """What one settled call adds to sums, in the order of `Figures`."""
    usage = None if call.response is None else call.response.usage
    tokens_in = tokens_out = cached = total = 0
    if usage is not None:
        tokens_in = usage.input_tokens or 0
        tokens_out = usage.output_tokens or 0
        cached = usage.cache_read_tokens or 0
        total = usage.total_tokens or tokens_in + tokens_out
    failed = 0 if call.error is None else 1
    unpriced = 1 if cost.status == "unpriced" else 0
    picos, seconds = cost.total or 0, call.runtime_seconds
    return 1, failed, tokens_in, tokens_out, total, cached, picos, unpriced, seconds, 0


def plus(one: Sums, other: Sums) -> Sums:
    """Both together; spelled out, as to walk two tuples takes nearly twice as long."""
    a, b, c, d, e, f, g, h, i, j = one
    k, l, m, n, o, p, q, r, s, t = other  # noqa: E741
    return a + k, b + l, c + m, d + n, e + o, f + p, g + q, h + r, i + s, j + t


def together(many: Sequence[Sums]) -> Sums:
    """All of them together."""
    return many[0] if len(many) == 1 else tuple(map(sum, zip(*many, strict=True)))


def summary_of(sums: Sums) -> Summary:
    """The sums as a record."""
    told = Figures(*sums)._asdict()
    return Summary(cost_usd=usd(told.pop("picos")), **told)


Taken = list[tuple[Call, Sums]]
"""Calls, and what each comes to."""


class Counted(Protocol):
    """Something that sums up calls."""

    def take(self, calls: Taken) -> None:
        """Add what some calls come to; the lock is held."""


_MOST_WAITING = 32
_waiting: deque[tuple[Call, Cost | Sums, tuple[Counted, ...]]] = deque()
_counting = False


def count(call: Call, what: Cost | Sums, sums: tuple[Counted, ...]) -> None:
    """Count one settled call, or a correction of it, by the time that one of `sums` is read.

    Until then it waits, or until there are some of them: to count many in a row costs a fraction of
    counting each by itself, between the work of an app that has all caches to itself.
    """
    _waiting.append((call, what, sums))  # in one step, which needs no lock
    if len(_waiting) >= _MOST_WAITING:
        count_waiting()


def count_waiting() -> None:
    """Count the calls that wait."""
    global _counting
    with _lock:
        if _counting:  # a user's finaliser, in the middle of it
            return
        _counting = True
        try:
            while _waiting:
                for one, calls in _taken().items():
                    one.take(calls)
        finally:
            _counting = False


def _taken() -> dict[Counted, Taken]:
    """The calls that wait, by whoever is to sum them up."""
    taken: dict[Counted, Taken] = {}
    while _waiting:
        call, what, sums = _waiting.popleft()
        counted = call, figures_of(call, what) if isinstance(what, Cost) else what
        for one in sums:
            calls = taken.get(one)
            if calls is None:
                taken[one] = [counted]
            else:
                calls.append(counted)
    return taken


class Totals:
    """Sums that grow by one call at a time; every attribute may be read at any moment."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums = NOTHING

    def take(self, calls: Taken) -> None:
        """Add what some calls come to; the lock is held."""
        self._sums = plus(self._sums, together([figures for _, figures in calls]))

    @property
    def figures(self) -> Figures:
        """All figures of one moment."""
        count_waiting()
        return Figures(*self._sums)

    calls = property(lambda self: self.figures.calls, doc="Finished calls.")
    errors = property(lambda self: self.figures.errors, doc="Those of them that failed.")
    input_tokens = property(lambda self: self.figures.input_tokens, doc="Tokens in.")
    output_tokens = property(lambda self: self.figures.output_tokens, doc="Tokens out.")
    total_tokens = property(lambda self: self.figures.total_tokens, doc="Tokens in and out.")
    cached_tokens = property(lambda self: self.figures.cached_tokens, doc="Tokens read of caches.")
    unpriced_calls = property(lambda self: self.figures.unpriced_calls, doc="Calls of no price.")
    runtime_seconds = property(lambda self: self.figures.runtime_seconds, doc="Their seconds.")
    alerts = property(lambda self: self.figures.alerts, doc="Alerts that were told of them.")

    @property
    def cost_usd(self) -> Decimal:
        """US dollars so far, exact."""
        return usd(self.figures.picos)

    def summary(self) -> Summary:
        """The sums of this moment, as one consistent record."""
        count_waiting()
        return summary_of(self._sums)

    def __repr__(self) -> str:
        """The sums of this moment."""
        now = self.figures
        return (
            f"<spent {plain(usd(now.picos))} USD in {now.calls} calls, {now.total_tokens} tokens>"
        )


def lock() -> threading.RLock:
    """The lock under which sums grow."""
    return _lock
