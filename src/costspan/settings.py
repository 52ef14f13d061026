"""One settings object, from arguments, `COSTSPAN_*` variables and a TOML file, in that order."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from costspan.config_file import price_table, read_file, tables
from costspan.errors import ConfigurationError

_VARIABLES = (
    "COSTSPAN_LOCAL",
    "COSTSPAN_PROVIDERS",
    "COSTSPAN_CAPTURE_CONTENT",
    "COSTSPAN_METRIC_NAMES",
    "COSTSPAN_METRIC_LABELS",
    "COSTSPAN_STORE",
    "COSTSPAN_CALL_WARN_USD",
    "COSTSPAN_SLACK_WEBHOOK_URL",
    "COSTSPAN_IDENTIFY_KEY",
    "COSTSPAN_CONFIG",
)
IDENTIFY_KEY = "COSTSPAN_IDENTIFY_KEY"
"""The variable that holds the key of `LocalFiles(identify="hash")`."""

STREAM_USAGE = ("ask", "never")
CAPTURE_MODES = ("off", "on_error", "on")
METRIC_NAMES = ("current", "v1.41", "both")
METRIC_LABELS = ("agent", "session", "user", "endpoint")
"""What metrics can be labelled with, besides `tag:KEY`."""

_FEW_VALUES = ("agent", "endpoint")

SHOWN = ("providers", "capture_content", "metric_names", "metric_labels", "stream_usage")
"""The settings that may be printed: the others may hold addresses and keys."""

OTEL_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_OTEL_MODES = {"no_content": "off", "span_only": "on", "span_and_event": "on", "event_only": "off"}


class Settings(Struct, frozen=True, kw_only=True):
    """What `instrument()` was told, checked.

    `local` is a folder's name, the file's `[local]` or a `LocalFiles`; `providers` None means all
    that are installed; `call_warn_usd` is the limit of one call above which the sinks are told.
    `budgets`, `alerts` and `prices` are the file's own tables, for the tracker made from them.
    """

    local: Any = None
    providers: tuple[str, ...] | None = None
    capture_content: str = "off"
    details_events: bool = False
    metric_names: str = "current"
    metric_labels: tuple[str, ...] = _FEW_VALUES
    stream_usage: str = "ask"
    propagate_to_providers: bool = False
    store: str = "memory"
    on_store_error: str = "allow"
    call_warn_usd: str | None = None
    slack_webhook_url: str | None = None
    budgets: tuple[Mapping[str, Any], ...] = ()
    alerts: tuple[Mapping[str, Any], ...] = ()
    prices: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        told = (f"{name}={getattr(self, name)!r}" for name in SHOWN)
        return f"Settings({', '.join(told)}, ...)"


def read(
    *,
    local: Any = None,
    providers: Sequence[str] | None = None,
    capture_content: str | None = None,
    metric_names: str | None = None,
    metric_labels: Sequence[str] | None = None,
    stream_usage: str = "ask",
    propagate_to_providers: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force: argument, else variable, else file, else default.

    Raises:
        ConfigurationError: a value is wrong; the message names the setting and the remedy.
    """
    env = os.environ if environ is None else environ
    file = read_file(env.get("COSTSPAN_CONFIG"), env)
    with _placed("capture_content", capture_content, env):
        said = env.get("COSTSPAN_CAPTURE_CONTENT"), file.get("capture_content")
        capture, events = _checked_capture(env, _first(capture_content, *said))
    with _placed("providers", providers, env):
        sdks = _names("providers", providers, env, file, "openai")
    with _placed("metric_names", metric_names, env):
        names = _checked_metric_names(metric_names, env, file)
    with _placed("metric_labels", metric_labels, env):
        labels = _checked_labels(_names("metric_labels", metric_labels, env, file, "agent"))
    return Settings(
        local=_local(_first(local, env.get("COSTSPAN_LOCAL")), file.get("local")),
        providers=sdks,
        capture_content=capture,
        details_events=events,
        metric_names=names,
        metric_labels=labels,
        stream_usage=_checked_choice("stream_usage", stream_usage, STREAM_USAGE),
        propagate_to_providers=_checked_switch("propagate_to_providers", propagate_to_providers),
        store=_first(env.get("COSTSPAN_STORE"), file.get("store")) or "memory",
        on_store_error=_checked_on_store_error(env, file),
        call_warn_usd=env.get("COSTSPAN_CALL_WARN_USD") or None,
        slack_webhook_url=env.get("COSTSPAN_SLACK_WEBHOOK_URL") or None,
        budgets=tables(file, "budgets"),
        alerts=tables(file, "alerts"),
        prices=price_table(file),
    )


@contextmanager
def _placed(setting: str, given: Any, env: Mapping[str, str]) -> Iterator[None]:
    """Name the variable or the file that says what is wrong, as it may be far from who meets it."""
    try:
        yield
    except ConfigurationError as fault:
        variable = f"COSTSPAN_{setting.upper()}"
        place = variable if env.get(variable) else env.get("COSTSPAN_CONFIG")
        raise ConfigurationError(f"{place}: {fault}" if given is None else str(fault)) from None


def _first(*values: Any) -> Any:
    return next((value for value in values if value not in (None, "")), None)


def _local(given: Any, in_file: Any) -> Any:
    """A folder's name that was given, with what a table of the file says besides."""
    if given is None:
        return in_file or None
    if isinstance(in_file, dict) and isinstance(given, str | os.PathLike):
        return {**in_file, "directory": given}
    return given


def _checked_capture(env: Mapping[str, str], mode: Any) -> tuple[str, bool]:
    """The content gate's mode, and whether the details event is wanted.

    Where ours is silent, OpenTelemetry's own variable decides.
    """
    if mode is None:
        word = env.get(OTEL_CAPTURE, "").strip().lower()
        return _OTEL_MODES.get(word, "off"), word == "event_only"
    return _checked_choice("capture_content", mode, CAPTURE_MODES), False


def _names(
    setting: str,
    given: Any,
    env: Mapping[str, str],
    file: Mapping[str, Any],
    example: str,
) -> tuple[str, ...] | None:
    """A setting that is a list of names; None where nothing was said."""
    names, words = given, env.get(f"COSTSPAN_{setting.upper()}")
    if names is None and words:
        names = [word.strip() for word in words.split(",") if word.strip()]
    form = f'give a tuple, such as ("{example}",)'
    if names is None:
        names, form = file.get(setting), f'write a list, such as ["{example}"]'
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ConfigurationError(f"{setting}={names!r}: {form}")
    return tuple(names)


def _checked_metric_names(given: Any, env: Mapping[str, str], file: Mapping[str, Any]) -> str:
    said = _first(given, env.get("COSTSPAN_METRIC_NAMES"), file.get("metric_names"))
    return _checked_choice("metric_names", said or "current", METRIC_NAMES)


def _checked_on_store_error(env: Mapping[str, str], file: Mapping[str, Any]) -> str:
    with _placed("on_store_error", None, env):
        return _checked_choice(
            "on_store_error", file.get("on_store_error", "allow"), ("allow", "block")
        )


def _checked_labels(words: tuple[str, ...] | None) -> tuple[str, ...]:
    """The labels of metrics that were asked for, each once."""
    if words is None:
        return _FEW_VALUES
    for word in words:
        if word not in METRIC_LABELS and not (isinstance(word, str) and re.match("tag:.", word)):
            raise ConfigurationError(
                f"metric_labels={words!r}: {word!r} is no label; use {', '.join(METRIC_LABELS)} "
                "or 'tag:KEY' (model, provider and operation are always there)"
            )
    return tuple(dict.fromkeys(words))


def _checked_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigurationError(
            f"{name}={value!r} is unknown: use {' or '.join(map(repr, choices))}"
        )
    return value


def _checked_switch(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}={value!r}: use True or False")
    return value


def misspelt_variables(env: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a misspelt one of ours."""
    found = []
    for name in env:
        if name.startswith("COSTSPAN_") and name not in _VARIABLES:
            close = difflib.get_close_matches(name, _VARIABLES, n=1, cutoff=0.85)
            if close:
                found.append(f"{name} is no variable of costspan: did you mean {close[0]}?")
    return found
