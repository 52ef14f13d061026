"""An alert in words: what a person needs to act on it, for every sink that shows it to one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from costspan.alerts.alert import Alert, LastCall, amount
from costspan.call import plain
from costspan.errors import ConfigurationError

MOST_CALLS = 10
"""How many of the last calls are shown."""

_HOLDER = "{trace_id}"


def title_of(alert: Alert) -> str:
    """A few words: which budget, and what became of it."""
    name = f"Budget {alert.budget}"
    if alert.state == "resolved":
        return f"{name}: its window is over"
    if alert.state == "blocked":
        return f"{name}: a call was refused"
    if alert.per == "call":
        return f"{name}: one call went over it"
    return f"{name}: {alert.threshold:.0%} reached"


def facts_of(alert: Alert) -> list[tuple[str, str]]:
    """Names with what is known, in the order of reading; what is not known is left out."""
    found = [
        ("Used", _used(alert)),
        ("Whose", f"{alert.per} {alert.scope}" if alert.scope else None),
        ("Agent", alert.agent),
        ("Endpoint", alert.endpoint),
        ("Model", _model(alert)),
        ("Session", alert.session),
        ("User", alert.user),
        ("Cost of the call", None if alert.cost_usd is None else f"{plain(alert.cost_usd)} USD"),
        ("Tokens of the call", _tokens(alert)),
        ("Forecast", None if alert.forecast is None else amount(alert.forecast, alert.unit)),
        ("Resets", None if alert.resets_at is None else moment(alert.resets_at)),
        ("Since the last alert", _since(alert)),
        ("Trace", alert.trace_id),
    ]
    return [(name, value) for name, value in found if value]


def calls_of(alert: Alert) -> list[str]:
    """A line for each of the last calls, the newest last."""
    return [_line(call) for call in alert.last_calls[-MOST_CALLS:]]


def _used(alert: Alert) -> str:
    limit = amount(alert.limit, alert.unit)
    if alert.state == "resolved":
        return f"0 of {limit}"
    share = f" ({alert.spent / alert.limit:.0%})" if alert.limit else ""
    return f"{amount(alert.spent, alert.unit)} of {limit}{share}"


def _model(alert: Alert) -> str | None:
    if alert.model is None or alert.provider is None:
        return alert.model
    return f"{alert.model} ({alert.provider})"


def _tokens(facts: Alert | LastCall) -> str | None:
    known = [
        f"{count:,} {way}"
        for count, way in ((facts.input_tokens, "in"), (facts.output_tokens, "out"))
        if count is not None
    ]
    return ", ".join(known) or None


def _since(alert: Alert) -> str | None:
    if not alert.calls_since:
        return None
    return f"{alert.calls_since} more calls, {plain(alert.usd_since)} USD"


def _line(call: LastCall) -> str:
    cost = "unpriced" if call.cost_usd is None else f"{plain(call.cost_usd)} USD"
    at = datetime.fromtimestamp(call.at / 1e9, UTC)
    parts = [f"{at:%H:%M:%S}", call.model, call.agent, call.endpoint, _tokens(call), cost]
    return "  ".join(part for part in (*parts, call.error) if part)


def moment(nanoseconds: int) -> str:
    """A moment as a person reads it, in UTC."""
    return f"{datetime.fromtimestamp(nanoseconds / 1e9, UTC):%Y-%m-%d %H:%M} UTC"


def rfc3339(nanoseconds: int) -> str:
    """A moment as machines read it, in UTC with microseconds."""
    at = datetime.fromtimestamp(nanoseconds // 1000 / 1e6, UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def checked_trace_url(owner: str, template: Any) -> str | None:
    """The template of links to traces.

    Raises:
        ConfigurationError: it has no place for the trace's id, or is no address.
    """
    if template is None:
        return None
    if (
        not isinstance(template, str)
        or not template.startswith(("https://", "http://"))
        or _HOLDER not in template
    ):
        raise ConfigurationError(
            f"{owner}(trace_url=...) is no address with {_HOLDER} in it: give one such as "
            f"https://jaeger.example.com/trace/{_HOLDER}"
        )
    return template


def trace_link(template: str | None, alert: Alert) -> str | None:
    """Where the trace of the call that crossed can be seen; None where one of the two lacks."""
    if template is None or alert.trace_id is None:
        return None
    return template.replace(_HOLDER, alert.trace_id)
