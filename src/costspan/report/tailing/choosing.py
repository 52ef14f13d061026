"""Which calls are shown: by who made them, what they cost, how they ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from heapq import nlargest
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from costspan.export.reader import call_of
from costspan.export.schema import Line
from costspan.report.tailing.growing import backwards

FIELDS = {
    "agent": "agent",
    "model": "model",
    "endpoint": "endpoint",
    "session": "session_id",
    "user": "user_id",
}
"""The words of the filters by name, and the fields of a line."""


class Choice(Struct, frozen=True):
    """What a call must be.

    Args:
        names: for each field that must be like it a pattern, in which `*` is anything.
        min_usd: the least that it costs; one without a price costs nothing known.
        errors: only calls that failed or were broken off.
    """

    names: Mapping[str, str] = {}
    min_usd: Decimal | None = None
    errors: bool = False

    def holds(self, line: Line) -> bool:
        """Whether it holds for a call."""
        if self.errors and line.error is None and line.outcome == "complete":
            return False
        if self.min_usd is not None and (line.cost_usd is None or line.cost_usd < self.min_usd):
            return False
        return all(
            _compiled(pattern).fullmatch(getattr(line, field) or "")
            for field, pattern in self.names.items()
        )


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


class Chosen(NamedTuple):
    """A call, and its line as it stands in the file."""

    line: Line
    text: bytes


def latest(files: Mapping[Path, int], choice: Choice, count: int) -> list[Chosen]:
    """The last so many of the calls that are there already, in the order of their end.

    Args:
        files: where each plain file's lines end, in bytes.
    """
    if not count:
        return []
    found = nlargest(count, _candidates(files, choice, count), key=lambda one: one.line.timestamp)
    return found[::-1]


def _candidates(files: Mapping[Path, int], choice: Choice, count: int) -> Iterator[Chosen]:
    """The last so many of each file of the newest day that has any."""
    by_day: dict[str, list[Path]] = {}
    for path in files:
        by_day.setdefault(path.name[: len("llm_trace_2026-11-21")], []).append(path)
    have = 0
    for day in sorted(by_day, reverse=True):
        for path in by_day[day]:
            for one in _last(path, files[path], choice, count):
                have += 1
                yield one
        if have >= count:
            return


def _last(path: Path, end: int, choice: Choice, count: int) -> Iterable[Chosen]:
    found: list[Chosen] = []
    try:
        for text in backwards(path, end):
            line = call_of(text)
            if isinstance(line, Line) and choice.holds(line):
                found.append(Chosen(line, text))
            if len(found) == count:
                break
    except OSError:  # it went since
        pass
    return found
