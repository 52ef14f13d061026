"""The `x-costspan-scenario` request header: how a caller orders one particular answer.

The header is a list of `key=value` pairs and bare flags, separated by `;`. The choice travels
with the request and the server keeps no state, so parallel tests may share one server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import unquote

HEADER = "x-costspan-scenario"
ODD_USAGES = ("null", "missing", "negative", "huge", "text")


class ScenarioError(ValueError):
    """The header holds a key this server does not know, or a value that does not fit its key."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One parsed header. Token counts are tokens, `stall` and `pause` are seconds."""

    status: int | None = None
    retries: int = 0
    cut: int | None = None
    error: int | None = None
    events: int | None = None
    stall: float = 0.0
    pause: float = 0.0
    headless: bool = False
    length: bool = False
    failed: bool = False
    tool: bool = False
    json: bool = False
    extra: bool = False
    echo: bool = False
    background: bool = False
    usage: str = ""
    compress: str = ""
    tier: str = ""
    model: str = ""
    canary: str = ""
    tokens: tuple[int, int] | None = None
    cached: int = 0
    write5m: int = 0
    write1h: int = 0
    reasoning: int = 0
    grow: int = 0


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 60:
        raise ValueError("must be between 0 and 60 seconds")
    return number


def _status(text: str) -> int:
    number = int(text)
    if not 400 <= number <= 599:
        raise ValueError("must be between 400 and 599")
    return number


def _prompt_and_completion(text: str) -> tuple[int, int]:
    prompt, separator, completion = text.partition("/")
    if not separator:
        raise ValueError("must read PROMPT/COMPLETION")
    return _count(prompt), _count(completion)


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


def _name(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return unquote(text)


_READERS: dict[str, Callable[[str], object]] = {
    "status": _status,
    "stall": _seconds,
    "pause": _seconds,
    "tokens": _prompt_and_completion,
    "usage": _one_of(*ODD_USAGES),
    "compress": _one_of("gzip"),
    **dict.fromkeys(("tier", "model", "canary"), _name),
    **dict.fromkeys(("retries", "cut", "error", "events", "grow"), _count),
    **dict.fromkeys(("cached", "write5m", "write1h", "reasoning"), _count),
}
_FLAGS = frozenset(field.name for field in fields(Scenario)) - _READERS.keys()


def _read(item: str) -> tuple[str, object]:
    key, separator, text = (part.strip() for part in item.partition("="))
    if key in _FLAGS:
        if separator:
            raise ScenarioError(f"scenario key {key!r} is a flag and takes no value")
        return key, True
    if key not in _READERS:
        raise ScenarioError(f"unknown scenario key {key!r}")
    try:
        return key, _READERS[key](text)
    except ValueError as error:
        raise ScenarioError(f"scenario key {key!r} got {text!r}: {error}") from error


def parse_scenario(header: str) -> Scenario:
    """Parse `"retries=2;tool"`; an empty header is the ordinary answer."""
    values: dict[str, Any] = dict(_read(item) for item in header.split(";") if item.strip())
    return Scenario(**values)
