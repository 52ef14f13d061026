"""The alert: what is told of a budget, and to whom."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from costspan.call import plain
from costspan.errors import ConfigurationError

STATES = ("reached", "blocked", "resolved")


class LastCall(Struct, frozen=True, kw_only=True, gc=False):
    """One of the calls before an alert: what a person needs to see a pattern, no content.

    `at` is nanoseconds since the epoch; `cost_usd` is None where the call is unpriced.
    """

    at: int
    model: str | None = None
    agent: str | None = None
    endpoint: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    error: str | None = None
    trace_id: str | None = None


class Alert(Struct, frozen=True, kw_only=True):
    """One crossing of a budget. It never carries message content.

    `state` is `reached` (a threshold of the limit was reached, or one call went over it),
    `blocked` (a call was refused) or `resolved` (the window of a crossing before is over).
    `limit` and `spent` are in the budget's `unit`: `usd`, `tokens` or `calls`; `threshold` is the
    share of the limit that was reached. `scope` is the key within the budget, such as a session's
    id; None where the budget has one sum for all. `resets_at` is the end of the window and `at`
    the moment of the crossing, in nanoseconds since the epoch. `forecast` is what the window will
    have used at its end if it goes on like this. `key` is the same for every repeat of an alert and
    for its resolution; single calls and runaway loops have none.

    `cost_usd` and the tokens are those of the call that crossed. `calls_since` and `usd_since`
    count the further calls that went over since the last alert of this kind was sent; both are 0
    for the first.
    """

    budget: str
    per: str
    limit: Decimal
    spent: Decimal
    unit: str = "usd"
    state: str = "reached"
    threshold: float = 1.0
    action: str = "warn"
    scope: str | None = None
    window: str | None = None
    resets_at: int | None = None
    forecast: Decimal | None = None
    key: str = ""
    gathered: bool = False
    model: str | None = None
    provider: str | None = None
    agent: str | None = None
    session: str | None = None
    user: str | None = None
    endpoint: str | None = None
    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    trace_id: str | None = None
    at: int = 0
    last_calls: tuple[LastCall, ...] = ()
    calls_since: int = 0
    usd_since: Decimal = Decimal(0)

    @property
    def limit_usd(self) -> Decimal | None:
        """The limit in US dollars; None where the budget counts something else."""
        return self.limit if self.unit == "usd" else None

    @property
    def spent_usd(self) -> Decimal | None:
        """US dollars spent; None where the budget counts something else."""
        return self.spent if self.unit == "usd" else None

    @property
    def severity(self) -> str:
        """How bad it is: `info` below 80 % of the limit, `warning` below it, else `error`.

        A budget that stops calls and is used up is `critical`. One dear call is a `warning`: what
        it went over is its own limit, and no budget is used up.
        """
        if self.state == "resolved" or self.threshold < 0.8:
            return "info"
        if self.state == "blocked" or (self.threshold >= 1 and self.action != "warn"):
            return "critical"
        return "warning" if self.threshold < 1 or self.per == "call" else "error"

    @property
    def delivery_key(self) -> str:
        """Names this one message: the same for every try and repeat of it, and for no other.

        `key` is shared by the thresholds of a window and by their resolution, which a receiver
        that drops what it has seen must tell apart.
        """
        parts = [self.key, self.state, f"{self.threshold:g}", str(self.resets_at)]
        if self.state != "resolved":
            parts.append(str(self.at))
        if self.gathered or not self.key:
            named = (self.budget, self.scope, self.agent, self.session, self.user, self.endpoint)
            parts += [*map(str, named), str(self.trace_id), str(self.calls_since)]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]

    @property
    def text(self) -> str:
        """One sentence for a person."""
        return f"budget {self.budget!r}{self._whose()}: {self._what()}{self._by()}{self._since()}"

    def _whose(self) -> str:
        return f" of {self.per} {self.scope}" if self.scope else ""

    def _what(self) -> str:
        limit = amount(self.limit, self.unit)
        if self.state == "resolved":
            return f"its window is over, {limit} are free again"
        spent = amount(self.spent, self.unit)
        if self.per == "call" and self.state == "blocked":
            return f"a call of {self.model} was refused, as it may take {spent} of {limit}"
        if self.per == "call":
            return f"one call of {self.model} took {spent}, over the limit of {limit}"
        if self.state == "blocked":
            used = f"{spent} of {limit} are used and there is no room for it"
            return f"a call was refused, as {used}{self._until()}"
        share = f"{self.threshold:.0%} reached"
        return f"{spent} of {limit} are used ({share}){self._ahead()}{self._until()}"

    def _ahead(self) -> str:
        return "" if self.forecast is None else f", {amount(self.forecast, self.unit)} in sight"

    def _until(self) -> str:
        if self.window is None:
            return ""
        if self.resets_at is None:
            return f", in {self.window}"
        end = datetime.fromtimestamp(self.resets_at / 1e9, UTC)
        return f", in this {self.window} until {end:%Y-%m-%d %H:%M} UTC"

    def _by(self) -> str:
        parts = [f"{name} {value}" for name, value in self._named() if value]
        if self.input_tokens is not None or self.output_tokens is not None:
            parts.append(f"{self.input_tokens} tokens in, {self.output_tokens} out")
        return f" ({', '.join(parts)})" if parts else ""

    def _named(self) -> tuple[tuple[str, str | None], ...]:
        return ("agent", self.agent), ("endpoint", self.endpoint)

    def _since(self) -> str:
        if not self.calls_since:
            return ""
        return f"; {self.calls_since} more calls since, {plain(self.usd_since)} USD"


def amount(value: Decimal, unit: str) -> str:
    """A number with its unit, as a person writes it, such as `1.5 USD` or `20 calls`."""
    if unit == "usd":
        return f"{plain(value)} USD"
    return f"{int(value):,} {unit if value != 1 else unit.removesuffix('s')}"


Sink = Callable[[Alert], Any]
"""Who is told. One that has an attribute `resolves = True` is told of resolved windows as well."""


def checked_sinks(sinks: Any) -> tuple[Sink, ...]:
    """The sinks, if every one can be called.

    Raises:
        ConfigurationError: one cannot.
    """
    # What was given instead is not quoted: it may be a webhook's address, which is a secret.
    if not isinstance(sinks, Sequence) or isinstance(sinks, str):
        raise ConfigurationError(
            f"alerts={_kind(sinks)}: give a list of sinks, such as [LogAlerts()]"
        )
    for sink in sinks:
        if not callable(sink) or isinstance(sink, type):
            raise ConfigurationError(
                f"alerts=[{_kind(sink)}]: a sink is a callable of one Alert, such as LogAlerts()"
            )
    return tuple(sinks)


def _kind(value: Any) -> str:
    return f"{value.__name__} (a class)" if isinstance(value, type) else type(value).__name__


def name_of(sink: Sink) -> str:
    """A sink as logs name it. Only our own say more than their name: they hide their secrets."""
    if type(sink).__module__.startswith("costspan.alerts."):
        return repr(sink)
    return str(getattr(sink, "__qualname__", None) or type(sink).__qualname__)
