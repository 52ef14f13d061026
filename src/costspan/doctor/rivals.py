"""Other instrumentations of the same SDKs: each makes a span of its own of every call."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from costspan.doctor.finding import Finding
from costspan.instrumentation.patching import TABLE

_TOPIC = "other spans"
_GROUP = "opentelemetry_instrumentor"
_SAME_SDKS = re.compile(
    r"(opentelemetry|openinference)\.instrumentation\.(genai\.)?(openai|anthropic)\b"
    r"|opentelemetry\.instrumentation\.openai_v2\b|openlit\b"
)
"""Modules of entry points that patch what we patch."""

_DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_SURFACES = {
    "openai": (
        ("resources.chat.completions", "Completions"),
        ("resources.chat.completions", "AsyncCompletions"),
        ("resources.responses", "Responses"),
        ("resources.responses", "AsyncResponses"),
        ("resources.embeddings", "Embeddings"),
    ),
    "anthropic": (("resources.messages", "Messages"), ("resources.messages", "AsyncMessages")),
}
"""Classes whose `create` others wrap."""


def rivals() -> Iterator[Finding]:
    """What else makes spans of the same calls, or would under `opentelemetry-instrument`."""
    points = [one for one in entry_points(group=_GROUP) if _SAME_SDKS.match(one.value)]
    active = {one.module for one in points if _is_on(one)}
    wrappers = set(_wrappers()) | active
    if wrappers:
        yield Finding(
            _TOPIC,
            f"{', '.join(sorted(wrappers))} instruments the same SDKs: two spans for a call, its "
            "dollars on one of them",
            "warning",
            f"use one: name the other in {_DISABLED} ({_names(points, active)}), or do not call "
            "its instrument()",
        )
    idle = [one for one in points if one.module not in active and not _is_disabled(one.name)]
    if idle:
        yield Finding(
            _TOPIC,
            f"{', '.join(sorted(map(_distribution, idle)))}: installed, and at work as soon as "
            "opentelemetry-instrument starts the program",
            "note",
            f"{_DISABLED}={_names(idle, {one.module for one in idle})} keeps it off",
        )
    if not wrappers and not idle:
        yield Finding(_TOPIC, "nothing else instruments the same SDKs")


def _is_on(point: EntryPoint) -> bool:
    """Whether an instrumentor is at work in this process; it is not imported for the question."""
    kind = getattr(sys.modules.get(point.module), point.attr, None)
    one = getattr(kind, "_instance", None)
    return getattr(one, "_is_instrumented_by_opentelemetry", False) is True


def _is_disabled(name: str) -> bool:
    said = [word.strip() for word in os.environ.get(_DISABLED, "").split(",")]
    return name in said or "*" in said


def _names(points: Iterable[EntryPoint], modules: set[str]) -> str:
    """The names by which `opentelemetry-instrument` leaves instrumentations out."""
    return ",".join(sorted({one.name for one in points if one.module in modules})) or "its name"


def _distribution(point: EntryPoint) -> str:
    return point.module if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _wrappers() -> Iterator[str]:
    """Modules of others whose wrappers are around functions of the SDKs."""
    for sdk, surfaces in _SURFACES.items():
        places = [(f"{sdk}.{module}", owner, "create") for module, owner in surfaces]
        places += [(f"{sdk}.{module}", owner, function) for module, owner, function, _ in TABLE]
        for module, owner, function in places:
            kind: Any = getattr(sys.modules.get(module), owner, None)
            yield from _layers(vars(kind).get(function) if kind is not None else None, sdk)


def _layers(function: Any, sdk: str) -> Iterator[str]:
    """Whose wrappers are around a function, from the outside in."""
    while function is not None:
        module = _module_of(function)
        if module.partition(".")[0] not in (sdk, "costspan", ""):
            yield module
        function = getattr(function, "__wrapped__", None)


def _module_of(function: Any) -> str:
    """Where the code of a function stands: `functools.wraps` copies the name of another's."""
    wrapper = getattr(function, "_self_wrapper", None)  # of wrapt
    if wrapper is not None:
        return str(getattr(wrapper, "__module__", ""))
    known: Mapping[str, Any] = getattr(function, "__globals__", {})
    return str(known.get("__name__", ""))
