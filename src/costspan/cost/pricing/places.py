"""On which line of a TOML file a key stands, which the parser does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from costspan.cost.pricing.written import Place


def lines_of(text: str) -> dict[Place, int]:
    """The line, counted from 1, of each key of a file that parses; of repeated tables the first.

    A statement is as many lines as the parser itself needs for one.
    """
    found: dict[Place, int] = {}
    table: Place = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        start = start if statement else number
        statement += line + "\n"
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        paths = list(_paths(parsed))
        if statement.lstrip().startswith("["):
            table = paths[-1]
            paths = [table[:length] for length in range(1, len(table) + 1)]
        else:
            paths = [(*table, *path) for path in paths]
        for path in paths:
            found.setdefault(path, start)
        statement = ""
    return found


def line_of(path: Place, found: Mapping[Place, int]) -> int | None:
    """The line of a key, else of the nearest table around it."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def fault_line(fault: tomllib.TOMLDecodeError | UnicodeDecodeError, raw: bytes) -> int:
    """The line at which a file stops being TOML."""
    if isinstance(fault, UnicodeDecodeError):
        return raw.count(b"\n", 0, fault.start) + 1
    named = re.search(r"at line (\d+)", str(fault))
    return int(named[1]) if named else raw.rstrip().count(b"\n") + 1


def _paths(parsed: Mapping[str, Any]) -> Iterator[Place]:
    for key, value in parsed.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *path) for path in _paths(value))
