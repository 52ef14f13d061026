"""Budgets: limits in money, what is measured against them, and who is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from costspan.alerts.alert import Alert, Sink, checked_sinks
from costspan.call import PICOS_PER_USD, Call, Cost, usd
from costspan.errors import ConfigurationError

_FIELDS = ("agent", "session", "user", "endpoint", "model", "provider")
_LATER = ("tokens", "calls", "window", "thresholds", "reserve", "unscoped", "cut_streams")


class Budget:
    """A limit of US dollars for one call, with an alert when a call goes over it.

    Args:
        name: how alerts call it.
        usd: the limit in US dollars.
        per: what the limit is for; `"call"`.
        where: only calls with these values count, such as `{"agent": "code_reviewer"}`; keys are
            agent, session, user, endpoint, model, provider and `tag:KEY`; a trailing `*` stands
            for any ending.
        action: what happens when a call goes over; `"warn"` (tell the sinks).
        alerts: sinks for this budget alone; by default the tracker's.

    Raises:
        ConfigurationError: a value is wrong, or not available yet.
    """

    def __init__(
        self,
        name: str,
        *,
        usd: Decimal | float | int | str | None = None,
        per: str = "total",
        where: Mapping[str, str] | None = None,
        action: str = "warn",
        alerts: Sequence[Sink] | None = None,
        **later: Any,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"Budget({name!r}): a budget needs a name")
        _refuse_later(name, later)
        if per != "call":
            raise ConfigurationError(
                f"Budget({name!r}, per={per!r}) is not available yet: per='call' is"
            )
        if action != "warn":
            raise ConfigurationError(
                f"Budget({name!r}, action={action!r}) is not available yet: action='warn' is"
            )
        self.name = name
        self.per = per
        self.action = action
        self.limit = _limit(name, usd)
        self.where = _checked_where(name, where)
        self.alerts = None if alerts is None else checked_sinks(alerts)

    def crossed(self, call: Call, cost: Cost) -> Alert | None:
        """The alert to send, if `call` went over the limit."""
        if cost.total is None or cost.total <= self.limit or not self._covers(call):
            return None
        usage = call.usage
        return Alert(
            budget=self.name,
            per=self.per,
            limit=usd(self.limit),
            spent=usd(cost.total),
            gathered=True,
            cost_usd=usd(cost.total),
            model=call.model,
            provider=call.request.provider,
            agent=call.agent,
            session=call.session,
            user=call.user,
            endpoint=call.endpoint,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            trace_id=f"{call.trace_id:032x}" if call.trace_id else None,
            at=call.ended_at,
        )

    def _covers(self, call: Call) -> bool:
        return all(_matches(_value(call, key), wanted) for key, wanted in self.where.items())


def _refuse_later(name: str, later: Mapping[str, Any]) -> None:
    for word in later:
        if word in _LATER:
            raise ConfigurationError(
                f"Budget({name!r}, {word}=...) is not available yet: use "
                "Budget(name, usd=..., per='call')"
            )
        raise TypeError(f"Budget() got an unexpected keyword argument {word!r}")


def _limit(name: str, usd: Any) -> int:
    if usd is None:
        raise ConfigurationError(f"Budget({name!r}) needs a limit: Budget({name!r}, usd=0.05, ...)")
    try:
        amount = Decimal(str(usd))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(usd, bool) or not amount.is_finite() or amount <= 0:
        raise ConfigurationError(
            f"Budget({name!r}, usd={usd!r}): the limit is a number of US dollars above 0"
        )
    return round(Fraction(amount) * PICOS_PER_USD)


def _checked_where(name: str, where: Mapping[str, str] | None) -> dict[str, str]:
    checked = dict(where or {})
    for key, wanted in checked.items():
        if key not in _FIELDS and not key.startswith("tag:"):
            raise ConfigurationError(
                f"Budget({name!r}, where={{{key!r}: ...}}): use one of {', '.join(_FIELDS)} "
                "or 'tag:KEY'"
            )
        if not isinstance(wanted, str):
            raise ConfigurationError(
                f"Budget({name!r}, where={{{key!r}: {wanted!r}}}): give a string"
            )
    return checked


def _value(call: Call, key: str) -> Any:
    if key.startswith("tag:"):
        return call.tags.get(key.removeprefix("tag:"))
    return call.request.provider if key == "provider" else getattr(call, key)


def _matches(value: Any, wanted: str) -> bool:
    if value is None:
        return False
    if wanted.endswith("*"):
        return str(value).startswith(wanted[:-1])
    return str(value) == wanted
