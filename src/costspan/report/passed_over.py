"""What a report read and did not count as a call, and what of that is worth naming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from costspan.export.folders import Unreadable, lines_of
from costspan.export.schema import SCHEMA_VERSION
from costspan.report.databases.rows import TORN, decoded, is_call

_MOST_NAMED = 20


class PassedOver(Struct, frozen=True):
    """What is not in the figures.

    Attributes:
        lines: lines that are no calls and should be: broken off, or somebody else's.
        gaps: lines that say that others could not be written; `lost` is how many these were.
        records: other lines that are no calls and mean to be none.
        empty_files: files without a byte.
        unreadable_files: files that could not be read to their end; nothing of them is counted.
        is_newer: some lines are of a newer version than this one knows.
        named: at most 20 places and reasons, `path:line: what`.
    """

    lines: int = 0
    gaps: int = 0
    lost: int = 0
    records: int = 0
    empty_files: int = 0
    unreadable_files: int = 0
    is_newer: bool = False
    named: tuple[str, ...] = ()


class Noted:
    """What is passed over, noted as it is met.

    Attributes:
        newest: the newest version of a line.
    """

    def __init__(self) -> None:
        self.newest = 0
        self._counts: Counter[str] = Counter()
        self._named: list[str] = []

    def line(self, path: Path, number: int, what: str) -> None:
        """A line that is `torn`, `foreign`, another `record` or `blank`."""
        if what == "record":
            self._counts["records"] += 1
        elif what != "blank":
            self._name("lines", f"{path}:{number}: {what}")

    def gap(self, lost: int | None) -> None:
        """A line that says how many could not be written."""
        self._counts["gaps"] += 1
        self._counts["lost"] += max(lost or 0, 0)

    def empty(self, path: Path) -> None:
        """A file without a byte."""
        self._name("empty_files", f"{path}: empty")

    def unreadable(self, path: Path, after: int, why: object) -> None:
        """A file, or its rest after so many lines."""
        place = f"{path}:{after + 1}" if after else str(path)
        self._name("unreadable_files", f"{place}: unreadable ({why})")

    def _name(self, what: str, place: str) -> None:
        self._counts[what] += 1
        if len(self._named) < _MOST_NAMED:
            self._named.append(place)

    def found(self) -> PassedOver:
        """All of it."""
        is_newer = self.newest > SCHEMA_VERSION
        return PassedOver(**self._counts, is_newer=is_newer, named=tuple(self._named))


def found_in(
    files: Sequence[Path], unreadable: Mapping[Path, str], rows: Sequence[Any]
) -> PassedOver:
    """What was passed over, of the statement's rows. Files with broken lines are read again."""
    count: Counter[str] = Counter()
    faulty: list[str] = []
    newest = 0
    for of_calls, _, is_total, gaps, lost, records, named, version, _, calls, *_ in rows:
        if not is_total:
            continue
        newest = max(newest, version or 0)
        if not of_calls:
            count.update(gaps=gaps, lost=int(lost or 0), records=records)
            count["lines"] += calls - gaps - records
            faulty += [named] if named else []
    empty = [path for path in files if path not in unreadable and _is_empty(path)]
    named_places = chain(
        (f"{path}: unreadable ({why})" for path, why in unreadable.items()),
        (f"{path}: empty" for path in empty),
        chain.from_iterable(_broken(Path(path)) for path in sorted(faulty)),
    )
    return PassedOver(
        **count,
        empty_files=len(empty),
        unreadable_files=len(unreadable),
        is_newer=newest > SCHEMA_VERSION,
        named=tuple(islice(named_places, _MOST_NAMED)),
    )


def _is_empty(path: Path) -> bool:
    try:
        return not path.stat().st_size
    except OSError:
        return False


def _broken(path: Path) -> Iterator[str]:
    """Place and reason of each line of a file that is no call and should be."""
    try:
        for number, line in lines_of(path):
            reason = "foreign" if line is None else _reason(line)
            if reason:
                yield f"{path}:{number}: {reason}"
    except Unreadable as why:
        yield f"{path}: some lines are torn or foreign; which ones cannot be said ({why})"


def _reason(line: bytes) -> str | None:
    """Why a line is not counted; None for a call, another kind of record, and a blank line."""
    if not line.strip():
        return None
    try:
        found = decoded(line)
    except TORN:
        return "torn"
    if not isinstance(found, dict):
        return "foreign"
    return None if found.get("kind") is not None or is_call(found) else "foreign"
