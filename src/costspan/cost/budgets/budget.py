"""A budget: a limit, what it is for, and what happens at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from costspan.alerts.alert import Alert, Sink, checked_sinks
from costspan.call import usd as dollars
from costspan.cost.budgets import arguments
from costspan.cost.budgets.scopes import filter_of, key_of
from costspan.errors import ConfigurationError

Action = str | Callable[[Alert], object]


class Budget:
    """A limit of US dollars, tokens or calls, for a scope and a window of time.

    Args:
        name: how alerts, `remaining()` and the store call it.
        usd, tokens, calls: the limit; one of the three.
        per: what has a limit of its own: `"total"` (one for all), `"call"`, `"trace"`, `"session"`,
            `"agent"`, `"endpoint"`, `"user"`, `"model"`, `"provider"`, `"tag:KEY"`, `"request"`
            (the same request again, told by a hash), or a tuple of them.
        window: None, a sliding one (`"10s"`, `"30m"`, `"24h"`, `"7d"`), or `"hour"`, `"day"`,
            `"week"` (from Monday) or `"month"` of the calendar.
        timezone: of a calendar window, such as `"Europe/Berlin"`; by default UTC.
        where: only calls with these values count, such as `{"agent": "code_reviewer"}`; a trailing
            `*` stands for any ending.
        action: `"warn"` tells the sinks; `"raise"` lets the call that crosses be made and raises
            `BudgetExceeded` in place of returning; `"block"` raises it before a call that might
            cross; a function is called with each `Alert`, before the call returns.
        thresholds: shares of the limit that are told, each once per window and scope.
        reserve: what a call without a limit of its own is expected to put out, before it is made:
            `"typical"` (what 95 of 100 calls of its model did here, 1,000 tokens before twenty are
            known) or `"max"` (what its model can).
        unscoped: what of calls that lack the key of the scope: `"skip"` or `"count"` them together.
        cut_streams: whether a stream that used up what was reserved for it is cut off when the
            budget has no more.
        alerts: sinks for this budget alone; by default the tracker's.

    Raises:
        ConfigurationError: a value is wrong.
    """

    def __init__(
        self,
        name: str,
        *,
        usd: Decimal | float | int | str | None = None,
        tokens: int | None = None,
        calls: int | None = None,
        per: str | Sequence[str] = "total",
        window: str | None = None,
        timezone: str | None = None,
        where: Mapping[str, str] | None = None,
        action: Action = "warn",
        thresholds: Sequence[float] = (1.0,),
        reserve: str = "typical",
        unscoped: str = "skip",
        cut_streams: bool = False,
        alerts: Sequence[Sink] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ConfigurationError(f"Budget({name!r}): a budget needs a name")
        self.name = name
        self.unit, self.limit = arguments.checked_limit(
            name, {"usd": usd, "tokens": tokens, "calls": calls}
        )
        self.scope = arguments.checked_per(name, per, self.unit)
        self.window = arguments.checked_window(name, window, timezone, self.scope)
        self.timezone = timezone
        self.where = arguments.checked_where(name, where)
        self.action = arguments.checked_action(name, action)
        self.thresholds = arguments.checked_thresholds(name, thresholds)
        self.reserve = arguments.checked_choice(name, "reserve", reserve, ("typical", "max"))
        self.unscoped = arguments.checked_choice(name, "unscoped", unscoped, ("skip", "count"))
        self.cut_streams = _checked_cut(name, cut_streams, self)
        self.alerts = None if alerts is None else checked_sinks(alerts)
        self.covers = filter_of(self.where)
        self.key = key_of(self.scope)
        # An action at the limit is told like a threshold there.
        told = self.thresholds if action == "warn" else (*self.thresholds, 1.0)
        self.levels = tuple(sorted(set(told)))
        self.marks = tuple(ceil(self.limit * Fraction(str(share))) for share in self.levels)

    @property
    def per(self) -> str:
        """The scope in words."""
        return "+".join(self.scope)

    @property
    def is_per_call(self) -> bool:
        """Whether the limit is for each call alone, so that nothing is summed up."""
        return self.scope == ("call",)

    @property
    def blocks(self) -> bool:
        """Whether calls need leave from it."""
        return isinstance(self.action, str) and self.action == "block"

    @property
    def is_runaway(self) -> bool:
        """Whether it watches for a loop, whose alerts are gathered."""
        return (
            self.is_per_call
            or "request" in self.scope
            or (self.unit == "calls" and self.window.is_sliding)
        )

    def level(self, spent: int) -> int:
        """How many of its levels so much has reached."""
        reached = 0
        for mark in self.marks:
            if spent < mark:
                break
            reached += 1
        return reached

    def amount(self, value: int) -> Decimal:
        """A whole number of the unit as people count it: picodollars become US dollars."""
        return dollars(value) if self.unit == "usd" else Decimal(value)


def _checked_cut(name: str, cut: Any, budget: Budget) -> bool:
    if not isinstance(cut, bool):
        raise ConfigurationError(f"Budget({name!r}, cut_streams={cut!r}): give True or False")
    if cut and (not budget.blocks or budget.unit == "calls"):
        raise ConfigurationError(
            f"Budget({name!r}, cut_streams=True): only a budget of dollars or tokens with "
            "action='block' reserves, so that a stream can use its share up"
        )
    return cut
