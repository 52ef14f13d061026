"""Alerts as events of PagerDuty, by its Events API v2."""

from __future__ import annotations

import hashlib
import re
import socket
from typing import Any

import msgspec

from costspan.alerts.alert import Alert
from costspan.alerts.facts import calls_of, checked_trace_url, facts_of, rfc3339, trace_link
from costspan.alerts.post import checked_url, host_of, post
from costspan.errors import ConfigurationError

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"

# https://developer.pagerduty.com/docs/send-alert-event, as of 2026-11
_MOST_IN_SUMMARY = 1024
_MOST_IN_DEDUP_KEY = 255
_MOST_IN_DETAIL = 1000
_ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")


class PagerDutyAlerts:
    """A sink that triggers a PagerDuty alert, and resolves it when the budget's window is over.

    The thresholds of one budget, scope and window share one alert there, whose severity rises.

    Args:
        routing_key: the integration key of a service or event orchestration, 32 letters and digits.
            It is a secret and never shown.
        trace_url: a template of links to traces, with `{trace_id}` in it.
        source: which system it is about; by default this machine's name.
        url: where events go, such as `https://events.eu.pagerduty.com/v2/enqueue`.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    resolves = True

    def __init__(
        self,
        routing_key: str,
        *,
        trace_url: str | None = None,
        source: str | None = None,
        url: str = EVENTS_URL,
    ) -> None:
        if not isinstance(routing_key, str) or not _ROUTING_KEY.fullmatch(routing_key):
            raise ConfigurationError(
                "PagerDutyAlerts(routing_key=...) is not 32 letters and digits: give the "
                "integration key of an 'Events API v2' integration"
            )
        if source is not None and (not isinstance(source, str) or not source):
            raise ConfigurationError("PagerDutyAlerts(source=...): give a name, or leave it out")
        self._routing_key = routing_key
        self._trace_url = checked_trace_url("PagerDutyAlerts", trace_url)
        self._source = source
        self._url = checked_url("PagerDutyAlerts(url=...)", url)

    def __repr__(self) -> str:
        return f"PagerDutyAlerts({host_of(self._url)})"

    def __call__(self, alert: Alert) -> None:
        """Send one event.

        Raises:
            NotTaken: PagerDuty did not take it.
        """
        source = self._source or socket.gethostname() or "unknown"
        event = event_of(alert, source, trace_link(self._trace_url, alert))
        body = msgspec.json.encode({"routing_key": self._routing_key, **event})
        post(self._url, body, {"Content-Type": "application/json"})


def event_of(alert: Alert, source: str, link: str | None) -> dict[str, Any]:
    """The event without the routing key."""
    if alert.state == "resolved":
        return {"event_action": "resolve", "dedup_key": dedup_key_of(alert)}
    payload: dict[str, Any] = {
        "summary": _clipped(alert.text, _MOST_IN_SUMMARY),
        "source": source,
        "severity": alert.severity,
        "timestamp": rfc3339(alert.at),
        "group": _clipped(alert.budget, _MOST_IN_DETAIL),
        "class": f"budget {alert.state}",
        "custom_details": _details(alert),
    }
    component = alert.endpoint or alert.agent
    if component:
        payload["component"] = _clipped(component, _MOST_IN_DETAIL)
    event: dict[str, Any] = {
        "event_action": "trigger",
        "dedup_key": dedup_key_of(alert),
        "client": "costspan",
        "payload": payload,
    }
    if link is not None:
        event["links"] = [{"href": link, "text": "The trace of the call"}]
    return event


def dedup_key_of(alert: Alert) -> str:
    """What makes events one alert at PagerDuty: the alert's key, else its budget and caller."""
    key = alert.key or f"{alert.budget}/{alert.agent or ''}/{alert.endpoint or ''}"
    if len(key) <= _MOST_IN_DEDUP_KEY:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{key[: _MOST_IN_DEDUP_KEY - 33]}/{digest}"


def _details(alert: Alert) -> dict[str, Any]:
    details: dict[str, Any] = {
        name: _clipped(value, _MOST_IN_DETAIL) for name, value in facts_of(alert)
    }
    lines = [_clipped(line, _MOST_IN_DETAIL) for line in calls_of(alert)]
    return {**details, "Last calls": lines} if lines else details


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
