"""The sinks that the configuration file and the environment name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from costspan.alerts.alert import Sink
from costspan.errors import ConfigurationError

# Each is imported where it is asked for; its first key is needed, the others are not.
_SINKS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "log": ("log", "LogAlerts", ()),
    "slack": ("slack", "SlackAlerts", ("webhook_url", "trace_url")),
    "pagerduty": (
        "pagerduty",
        "PagerDutyAlerts",
        ("routing_key", "trace_url", "source", "url"),
    ),
    "webhook": ("webhook", "WebhookAlerts", ("url", "secret", "headers")),
    "apprise": ("apprise", "AppriseAlerts", ("url", "trace_url")),
}


def configured_sinks(
    tables: Sequence[Mapping[str, Any]], slack_webhook_url: str | None
) -> list[Sink] | None:
    """The sinks of the file's `[[alerts]]`, and Slack beside them or the log.

    Returns:
        None where nothing is said of sinks.

    Raises:
        ConfigurationError: a table is wrong; no value of it is quoted, for it may be a secret.
    """
    sinks = [_sink(table) for table in tables]
    if slack_webhook_url is None:
        return sinks or None
    slack = _made("COSTSPAN_SLACK_WEBHOOK_URL", {"type": "slack", "webhook_url": slack_webhook_url})
    return [*(sinks or [_made("", {"type": "log"})]), slack]


def _sink(table: Mapping[str, Any]) -> Sink:
    kind = table.get("type")
    if not isinstance(kind, str) or kind not in _SINKS:
        raise ConfigurationError(
            f"[[alerts]] has {'another' if 'type' in table else 'no'} type: write type = one of "
            + ", ".join(f'"{name}"' for name in _SINKS)
        )
    return _made(f'[[alerts]] type = "{kind}"', table)


def _made(place: str, table: Mapping[str, Any]) -> Sink:
    module, name, keys = _SINKS[table["type"]]
    for key in table:
        if key not in ("type", *keys):
            raise ConfigurationError(
                f"{place}: unknown key {key!r}: use {', '.join(keys) or 'no other key'}"
            )
    if keys and keys[0] not in table:
        raise ConfigurationError(f"{place} needs {keys[0]}")
    kind = getattr(import_module(f"costspan.alerts.{module}"), name)
    try:
        return cast(Sink, kind(**{key: table[key] for key in keys if key in table}))
    except ConfigurationError as fault:
        raise ConfigurationError(f"{place}: {fault}") from None
