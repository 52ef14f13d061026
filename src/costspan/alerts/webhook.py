"""Alerts as signed JSON, for a receiver of one's own."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from costspan.alerts.alert import Alert, LastCall
from costspan.alerts.facts import rfc3339
from costspan.alerts.post import checked_url, host_of, post
from costspan.errors import ConfigurationError

VERSION = 1
"""Of the JSON: it rises when a field goes or changes its meaning. New fields leave it as it is."""

SIGNATURE = "X-Costspan-Signature"
IDEMPOTENCY_KEY = "Idempotency-Key"

_OURS = frozenset({SIGNATURE.lower(), IDEMPOTENCY_KEY.lower(), "content-type", "content-length"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class WebhookAlerts:
    """A sink that posts each alert as JSON.

    `Idempotency-Key` is the same for every try and repeat of an alert. With a secret,
    `X-Costspan-Signature` is `t=<seconds since the epoch>,v1=<HMAC-SHA256, in hex, of the seconds,
    a dot and the body>`.

    Args:
        url: where to. Only its host is ever shown.
        secret: what the signature is made with; None for no signature. It is never shown.
        headers: further headers, such as `{"Authorization": "Bearer ..."}`; never shown.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    resolves = True

    def __init__(
        self, url: str, *, secret: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._url = checked_url("WebhookAlerts(url=...)", url)
        if secret is not None and (not isinstance(secret, str) or not secret):
            raise ConfigurationError(
                "WebhookAlerts(secret=...) is empty or no string: give a long random string, or "
                "leave it out"
            )
        self._secret = None if secret is None else secret.encode("utf-8", "replace")
        self._headers = _checked_headers(headers)

    def __repr__(self) -> str:
        return f"WebhookAlerts({host_of(self._url)})"

    def __call__(self, alert: Alert) -> None:
        """Send one alert.

        Raises:
            NotTaken: the receiver did not take it.
        """
        body = _ENCODER.encode(body_of(alert))
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            IDEMPOTENCY_KEY: alert.delivery_key,
        }
        if self._secret is not None:
            headers[SIGNATURE] = signature(self._secret, body, int(time.time()))
        post(self._url, body, headers)


def signature(secret: bytes, body: bytes, at: int) -> str:
    """The value of the signature's header; `at` is seconds since the epoch."""
    digest = hmac.new(secret, b"%d.%b" % (at, body), hashlib.sha256)
    return f"t={at},v1={digest.hexdigest()}"


def body_of(alert: Alert) -> dict[str, Any]:
    """The JSON of an alert: every field is always there, null where it is not known."""
    return {
        "version": VERSION,
        "id": alert.delivery_key,
        "key": alert.key,
        "state": alert.state,
        "severity": alert.severity,
        "text": alert.text,
        "at": rfc3339(alert.at),
        "budget": alert.budget,
        "per": alert.per,
        "scope": alert.scope,
        "unit": alert.unit,
        "limit": alert.limit,
        "spent": alert.spent,
        "threshold": alert.threshold,
        "forecast": alert.forecast,
        "action": alert.action,
        "window": alert.window,
        "resets_at": None if alert.resets_at is None else rfc3339(alert.resets_at),
        "calls_since": alert.calls_since,
        "usd_since": alert.usd_since,
        "call": {
            "model": alert.model,
            "provider": alert.provider,
            "agent": alert.agent,
            "session": alert.session,
            "user": alert.user,
            "endpoint": alert.endpoint,
            "cost_usd": alert.cost_usd,
            "input_tokens": alert.input_tokens,
            "output_tokens": alert.output_tokens,
            "trace_id": alert.trace_id,
        },
        "last_calls": [_last_call(call) for call in alert.last_calls],
    }


def _last_call(call: LastCall) -> dict[str, Any]:
    return {
        "at": rfc3339(call.at),
        "model": call.model,
        "agent": call.agent,
        "endpoint": call.endpoint,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cost_usd": call.cost_usd,
        "error": call.error,
        "trace_id": call.trace_id,
    }


def _checked_headers(headers: Any) -> dict[str, str]:
    """A fault names the header and not its value."""
    remedy = 'give a table such as {"Authorization": "Bearer ..."}'
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"WebhookAlerts(headers=...) is no table: {remedy}")
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"WebhookAlerts(headers=...): a name is no header's: {remedy}")
        if name.lower() in _OURS:
            raise ConfigurationError(f"WebhookAlerts(headers=...): {name} is set by costspan")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ConfigurationError(
                f"WebhookAlerts(headers=...): the value of {name} is no line of ASCII: {remedy}"
            )
    return dict(headers)
