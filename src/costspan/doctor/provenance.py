"""Each setting and where it came from: an argument, a variable, the file or its default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from costspan.config_file import FILE_KEYS, read_file
from costspan.export.local_files import files_of
from costspan.instrumentation.masking import SET, masked
from costspan.settings import IDENTIFY_KEY, OTEL_CAPTURE, Settings

_VARIABLES = {
    "local": "COSTSPAN_LOCAL",
    "providers": "COSTSPAN_PROVIDERS",
    "capture_content": "COSTSPAN_CAPTURE_CONTENT",
    "metric_names": "COSTSPAN_METRIC_NAMES",
    "metric_labels": "COSTSPAN_METRIC_LABELS",
    "store": "COSTSPAN_STORE",
    "call_warn_usd": "COSTSPAN_CALL_WARN_USD",
    "slack_webhook_url": "COSTSPAN_SLACK_WEBHOOK_URL",
}
_OF_THE_TRACKER = ("store", "on_store_error", "call_warn_usd", "budgets", "alerts", "prices")
"""What `instrument(costs=...)` decides, whatever else says."""

_OTEL = (
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
)


class Origin(Struct, frozen=True):
    """One setting: its value, in words that hold no secret, and where it came from."""

    name: str
    value: str
    source: str


def origins(settings: Settings, arguments: Mapping[str, Any]) -> Iterator[Origin]:
    """Every setting of ours, then OpenTelemetry's variables that are set.

    Args:
        arguments: what `instrument()` was given; None stands for a thing that was left out.
    """
    env = os.environ
    file = read_file(env.get("COSTSPAN_CONFIG"), env)
    costs = arguments.get("costs")
    for name in Settings.__struct_fields__:
        if costs is not None and name in _OF_THE_TRACKER:
            continue
        if name != "details_events":
            value = _shown(name, getattr(settings, name))
            yield Origin(name, value, _source(name, arguments, env, file))
    if costs is not None:
        yield Origin("store", masked(costs.store_url), "argument costs")
    for name in (IDENTIFY_KEY, "COSTSPAN_CONFIG"):
        if env.get(name):
            yield Origin(name, SET if name == IDENTIFY_KEY else env[name], "variable")
    for name in _OTEL:
        if env.get(name):
            yield Origin(name, _of_otel(name, env[name]), "variable")


def _source(
    name: str, arguments: Mapping[str, Any], env: Mapping[str, str], file: Mapping[str, Any]
) -> str:
    if arguments.get(name) is not None:
        return "argument"
    variable = _VARIABLES.get(name)
    if variable is not None and env.get(variable):
        return f"variable {variable}"
    if name in FILE_KEYS and file.get(name) not in (None, ""):
        return f"file {env['COSTSPAN_CONFIG']}"
    if name == "capture_content" and env.get(OTEL_CAPTURE):
        return f"variable {OTEL_CAPTURE}"
    return "default"


def _shown(name: str, value: Any) -> str:
    """A value in words; of whatever may hold a key, no more than how much there is."""
    if value is None or value == () or value == {}:
        return "all installed" if name == "providers" else "none"
    if name == "local":
        return str(files_of(value).directory)
    if name == "store":
        return masked(value)
    if name == "slack_webhook_url":
        return SET
    if name == "budgets":
        return ", ".join(str(one.get("name", "?")) for one in value)
    if name == "alerts":
        return ", ".join(str(one.get("type", "?")) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _of_otel(name: str, value: str) -> str:
    if name.endswith("_HEADERS"):
        return ", ".join(f"{pair.partition('=')[0].strip()}={SET}" for pair in value.split(","))
    return masked(value) if name.endswith("_ENDPOINT") else value
