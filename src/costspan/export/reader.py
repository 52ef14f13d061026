"""Reads the calls files of one or several folders, and says what it passed over.

    reading = Reading("logs")
    dollars = sum(line.cost_usd or 0 for line in reading)
    print(reading.calls, reading.problems)

Nothing that stands in a file is fatal: a process may have been killed in the middle of a line, a
disk may have been full, and somebody else may have written there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from costspan.export.calls import PREFIX
from costspan.export.folders import Place, Unreadable, files_in, lines_of
from costspan.export.gaps import Gap
from costspan.export.repeated import decoded_by, first_of_each, may_repeat
from costspan.export.schema import MOST_USD, SCHEMA_VERSION, Line, is_lasting

_MOST_KEPT = 1000
_MONEY = tuple(name for name in Line.__struct_fields__ if name.endswith("_usd"))
_ABSENT: dict[str, Any] = {"tags": {}, "missing": (), "stream": False, "retries": 0}
_NEEDED = {"schema", "timestamp", "provider", "operation", "status", "outcome", "latency_ms"}
_NEEDED |= {"runtime_seconds"}
_OLDER = {n: _ABSENT.get(n) for n in Line.__struct_fields__ if n not in _NEEDED}
"""What a field that an older version did not have is read as."""

_KEYS = len(Line.__struct_fields__)

_decode = msgspec.json.Decoder(Line, float_hook=Decimal).decode
_decode_any = msgspec.json.Decoder(dict, float_hook=Decimal).decode
_FAULTS = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)


class Problem(Struct, frozen=True):
    """Something that was passed over.

    `what` is `torn` (a line that was broken off), `foreign` (JSON, but no line of ours), `newer`
    (of a version that this one cannot read), `empty` (a file without lines) or `unreadable` (a
    file, or the rest of one from a line on). `line` counts from 1, 0 is the file as a whole.
    """

    path: Path
    line: int
    what: str
    text: str = ""

    def __str__(self) -> str:
        """Place and reason on one line."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.what}{f' ({self.text})' if self.text else ''}"


class Reading:
    """The calls of files, read as they are iterated over; each iteration begins anew.

    Dollars are `Decimal` or int, as exact as they were written. Lines come in the order of the
    files and of each file: those of several processes are not in the order of time.

    Args:
        places: one or several folders or files; of a folder the files `llm_trace_*.jsonl`, plain,
            `.gz` and `.zst`.

    Attributes:
        counts: how many `lines` were read, and of them `calls`, `gaps`, `records` (of the audit),
            `blank`, `torn`, `foreign`, `newer`; how many `files`, of them `empty`, `unreadable`.
        lost: how many lines the gaps name that could not be written.
        gaps, problems: the first 1,000 of each.

    Raises:
        FileNotFoundError: a place is not there; at the first step of the iteration.
    """

    def __init__(self, places: Place | Iterable[Place]) -> None:
        one = isinstance(places, str | os.PathLike)
        self.places: list[Place] = [places] if one else list(places)  # type: ignore[list-item,arg-type]
        self._clear()

    def _clear(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lost = 0
        self.gaps: list[Gap] = []
        self.problems: list[Problem] = []

    @property
    def calls(self) -> int:
        """How many calls were read."""
        return self.counts["calls"]

    def __iter__(self) -> Iterator[Line]:
        """The calls."""
        self._clear()
        yield from self.over(files_in(self.places, PREFIX))

    def over(self, files: Iterable[Path]) -> Iterator[Line]:
        """The calls of files that somebody listed; one that is gone by now is unreadable.

        What is counted is added to what was counted before.
        """
        for path in files:
            self.counts["files"] += 1
            yield from self._file(path)

    def _file(self, path: Path) -> Iterator[Line]:
        number = 0
        try:
            for number, text in lines_of(path):
                line = self._line(path, number, text)
                if line is not None:
                    yield line
        except Unreadable as fault:
            self._passed_over("unreadable", path, number + 1 if number else 0, str(fault))
            return
        if not number:
            self._passed_over("empty", path, 0)

    def _line(self, path: Path, number: int, text: bytes | None) -> Line | None:
        self.counts["lines"] += 1
        if text is not None and not text.strip():
            self.counts["blank"] += 1
            return None
        found = call_of(text)
        if isinstance(found, Line):
            self.counts["calls"] += 1
            return found
        if isinstance(found, Gap):
            self.counts["gaps"] += 1
            self.lost += found.lost
            if len(self.gaps) < _MOST_KEPT:
                self.gaps.append(found)
        elif found == "record":
            self.counts["records"] += 1
        else:
            self._passed_over(found, path, number)
        return None

    def _passed_over(self, what: str, path: Path, line: int, text: str = "") -> None:
        self.counts[what] += 1
        if len(self.problems) < _MOST_KEPT:
            self.problems.append(Problem(path, line, what, text))


def call_of(text: bytes | None) -> Line | Gap | str:
    """What a line of a calls file is: a call, a gap, or one word of what it is instead.

    Of a key that stands there twice the first counts. A time with an offset becomes UTC. Dollars
    that are more than `MOST_USD` are not known.
    """
    if text is None:
        return "foreign"
    try:
        line = _decode(text)
        if may_repeat(text, _KEYS + len(line.tags)):
            line = _decode(first_of_each(text))
        return _sound(line)
    except msgspec.ValidationError:
        return _other(text)
    except RecursionError:
        return "foreign"
    except _FAULTS:
        return "torn"


def _other(text: bytes) -> Line | Gap | str:
    """What a line of JSON is that does not have exactly the fields of this version."""
    try:
        found = decoded_by(_decode_any, text)
    except _FAULTS:
        return "foreign"
    kind, version = found.get("kind"), found.get("schema")
    if kind is not None:
        return _gap(found) if kind == "gap" else "record" if "audit" in found else "foreign"
    try:
        return _sound(msgspec.convert(_OLDER | found, Line))
    except _FAULTS:
        is_newer = type(version) is int and version > SCHEMA_VERSION
        return "newer" if is_newer else "foreign"


def _gap(found: dict[str, Any]) -> Gap | str:
    try:
        gap = msgspec.convert(found, Gap)
    except _FAULTS:
        return "foreign"
    return gap if gap.lost > 0 else "foreign"


def _sound(line: Line) -> Line | str:
    """The line in UTC, if its version is one, its time a moment, and its amounts are numbers."""
    if line.schema < 1 or not isfinite(line.latency_ms) or not is_lasting(line.runtime_seconds):
        return "foreign"
    ended = in_utc(line.timestamp)
    if ended is None:
        return "foreign"
    if ended != line.timestamp:
        line = structs.replace(line, timestamp=ended)
    for name in _MONEY:
        amount = getattr(line, name)
        if not isinstance(amount, int | Decimal | None) or isinstance(amount, bool):
            return "foreign"
        if amount is not None and not -MOST_USD <= amount <= MOST_USD:
            line = structs.replace(line, **{name: None})
    return line


def in_utc(timestamp: str) -> str | None:
    """A moment as the files write it, in UTC; one without an offset is. None where it is none."""
    try:
        found = datetime.fromisoformat(timestamp)
        if found.tzinfo is UTC and timestamp.endswith("Z"):
            return timestamp
        utc = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        return None
    return utc.isoformat(timespec="microseconds")[:26] + "Z"
