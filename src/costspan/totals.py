"""Running sums of calls: what `spent`, the ledger and `summary()` count with."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec import Struct, structs

from costspan.call import Call, Cost, plain, usd

# Re-entrant: a user's finaliser may close a stream, and so settle a call, in the middle of a sum.
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


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


class Totals:
    """Sums that grow by one call at a time; every attribute may be read at any moment."""

    __slots__ = (
        "_picos",
        "alerts",
        "cached_tokens",
        "calls",
        "errors",
        "input_tokens",
        "output_tokens",
        "runtime_seconds",
        "total_tokens",
        "unpriced_calls",
    )

    def __init__(self) -> None:
        self.calls = self.errors = self.unpriced_calls = self.alerts = self._picos = 0
        self.input_tokens = self.output_tokens = self.total_tokens = self.cached_tokens = 0
        self.runtime_seconds = 0.0

    @property
    def cost_usd(self) -> Decimal:
        """US dollars so far, exact."""
        return usd(self._picos)

    def merge(self, other: Totals) -> None:
        """Add the sums of `other`; the caller holds the lock."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def summary(self) -> Summary:
        """The sums of this moment, as one consistent record."""
        with _lock:
            return Summary(
                calls=self.calls,
                errors=self.errors,
                input_tokens=self.input_tokens,
                output_tokens=self.output_tokens,
                total_tokens=self.total_tokens,
                cached_tokens=self.cached_tokens,
                cost_usd=self.cost_usd,
                unpriced_calls=self.unpriced_calls,
                runtime_seconds=self.runtime_seconds,
                alerts=self.alerts,
            )

    def __repr__(self) -> str:
        """The sums of this moment."""
        return (
            f"<spent {plain(self.cost_usd)} USD in {self.calls} calls, {self.total_tokens} tokens>"
        )


def lock() -> threading.RLock:
    """The lock under which sums grow."""
    return _lock


def add(call: Call, cost: Cost, totals: Iterable[Totals]) -> None:
    """Count one settled call in each of `totals`; the caller holds the lock."""
    usage = None if call.response is None else call.response.usage
    tokens_in = tokens_out = cached = total = 0
    if usage is not None:
        tokens_in = usage.input_tokens or 0
        tokens_out = usage.output_tokens or 0
        cached = usage.cache_read_tokens or 0
        total = usage.total_tokens or tokens_in + tokens_out
    picos = cost.total or 0
    failed = call.error is not None
    unpriced = cost.status == "unpriced"
    rare = failed or cached or unpriced
    seconds = call.runtime_seconds
    for one in totals:
        one.calls += 1
        one.input_tokens += tokens_in
        one.output_tokens += tokens_out
        one.total_tokens += total
        one._picos += picos
        one.runtime_seconds += seconds
        if rare:
            one.errors += failed
            one.cached_tokens += cached
            one.unpriced_calls += unpriced
