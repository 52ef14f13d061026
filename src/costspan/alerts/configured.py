"""The sinks that the configuration file and the environment name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from msgspec import Struct

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


class Configured(Struct, frozen=True):
    """Sinks for all budgets, None where nothing is said of any; and by what a budget calls them.

    A table with a name (`named`) is told of the budgets alone that name it; the others are told of
    all, and go by their type.
    """

    everybodys: list[Sink] | None
    by_name: dict[str, list[Sink]]
    named: frozenset[str]


def configured_sinks(
    tables: Sequence[Mapping[str, Any]], slack_webhook_url: str | None
) -> Configured:
    """The sinks of the file's `[[alerts]]`, and Slack beside them or the log.

    Raises:
        ConfigurationError: a table is wrong; no value of it is quoted, for it may be a secret.
    """
    everybodys: list[Sink] = []
    by_name: dict[str, list[Sink]] = {}
    for table in tables:
        sink = _sink(table)
        if "name" not in table:
            everybodys.append(sink)
        by_name.setdefault(_called(table, by_name), []).append(sink)
    if slack_webhook_url is not None:
        table = {"type": "slack", "webhook_url": slack_webhook_url}
        slack = _made("COSTSPAN_SLACK_WEBHOOK_URL", table)
        everybodys = [*(everybodys or [_made("", {"type": "log"})]), slack]
        by_name.setdefault("slack", []).append(slack)
    named = frozenset(by_name.keys() - _SINKS.keys())
    return Configured(everybodys or None, by_name, named)


def _called(table: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    kind: str = table["type"]
    name = table.get("name", kind)
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f'[[alerts]] type = "{kind}": its name is a text')
    if "name" in table and (name in known or name in _SINKS):
        raise ConfigurationError(
            f'[[alerts]] type = "{kind}": another goes by its name: name it otherwise'
        )
    return name


def _sink(table: Mapping[str, Any]) -> Sink:
    kind = table.get("type")
    if not isinstance(kind, str) or kind not in _SINKS:
        raise ConfigurationError(
            f"[[alerts]] has {'another' if 'type' in table else 'no'} type: write type = one of "
            + ", ".join(f'"{name}"' for name in _SINKS)
        )
    return _made(f'[[alerts]] type = "{kind}"', {k: v for k, v in table.items() if k != "name"})


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
