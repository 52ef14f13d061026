"""Finds a trace in folders of files, without reading more of them than it must.

Files are read from the newest day backwards. A trace does not end at midnight, and an OTLP file has
the day on which it was written: so reading stops when the trace was found and a whole day before it
was read in which it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.folders import SPANS, Place, Unreadable, lines_of
from costspan.export.naming import parsed
from costspan.export.reader import call_of
from costspan.export.schema import Line
from costspan.report.files import PREFIX, files_in
from costspan.report.traces.parts import Part, merged, part_of, spans_of

_ID = re.compile(r"[0-9a-f]{4,32}")
_WHOLE = 32
_MOST_NAMED = 10
_NEWEST = "9999-12-31"


class Found(Struct, frozen=True):
    """The parts of one trace, and how much was read for it.

    Attributes:
        trace_id: 32 hex digits; None where it was not found.
        parts: what was found, in the order of their beginning.
        has_spans: whether some of it comes from OTLP files, so that parents are known.
        files: how many files were read, of `files_there`.
        unreadable: files that could not be read to their end, and why.
    """

    trace_id: str | None
    parts: list[Part]
    has_spans: bool
    files: int
    files_there: int
    unreadable: tuple[str, ...]


def find(
    trace_id: str, places: Sequence[Place], since: date | None = None, until: date | None = None
) -> Found:
    """The trace whose id begins with `trace_id`.

    Args:
        places: folders, or files themselves.
        since, until: UTC days; files of other days are not read.

    Raises:
        ConfigurationError: the id is none, a place is not there, or several traces begin so.
    """
    wanted = trace_id.strip().lower().removeprefix("0x")
    if not _ID.fullmatch(wanted):
        raise ConfigurationError(
            f"{trace_id!r} is no trace id: write its 32 hex digits, or at least the first four"
        )
    files = dict.fromkeys(
        path for prefix in (PREFIX, SPANS) for path in files_in(places, since, until, prefix=prefix)
    )
    return _Search(wanted).over(list(files))


class _Search:
    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._calls: dict[str, list[Part]] = {}
        self._spans: dict[str, dict[str | None, Part]] = {}
        self._pattern = re.compile(rb'"trace(?:_i|I)d"\s*:\s*"' + wanted.encode(), re.IGNORECASE)

    def over(self, files: list[Path]) -> Found:
        read = 0
        unreadable: list[str] = []
        by_day = sorted(files, key=_day, reverse=True)
        for _, group in groupby(by_day, key=_day):
            before = self._count()
            for path in group:
                read += 1
                try:
                    self._read(path)
                except Unreadable as why:
                    unreadable.append(f"{path}: {why}")
            if before and before == self._count():
                break
        return self._found(read, len(files), tuple(unreadable))

    def _count(self) -> int:
        return sum(map(len, self._calls.values())) + sum(map(len, self._spans.values()))

    def _read(self, path: Path) -> None:
        for _, text in lines_of(path):
            if text is None or not self._pattern.search(text):
                continue
            for trace_id, part in spans_of(text) if b'"resourceSpans"' in text else ():
                if trace_id.startswith(self._wanted):
                    self._spans.setdefault(trace_id, {})[part.id] = part
            line = call_of(text)
            if isinstance(line, Line) and (line.trace_id or "").startswith(self._wanted):
                call = part_of(line)
                if call is not None:
                    self._calls.setdefault(line.trace_id or "", []).append(call)

    def _found(self, read: int, there: int, unreadable: tuple[str, ...]) -> Found:
        ids = sorted({*self._calls, *self._spans})
        if len(ids) > 1 and len(self._wanted) < _WHOLE:
            named = "".join(f"\n  {one}" for one in ids[:_MOST_NAMED])
            more = "\n  ..." if len(ids) > _MOST_NAMED else ""
            raise ConfigurationError(
                f"{len(ids)} traces begin with {self._wanted}: write more digits of one"
                f"{named}{more}"
            )
        if not ids:
            return Found(None, [], False, read, there, unreadable)
        spans = self._spans.get(ids[0], {})
        parts = sorted(_together(spans, self._calls.get(ids[0], [])), key=_beginning)
        return Found(ids[0], parts, bool(spans), read, there, unreadable)


def _together(spans: dict[str | None, Part], calls: list[Part]) -> Iterator[Part]:
    """Each span and each call once; where a call's line and span are both there, as one."""
    of_calls = {call.id: call for call in calls if call.id in spans}
    for id_, span in spans.items():
        yield merged(span, of_calls[id_]) if id_ in of_calls else span
    yield from (call for call in calls if of_calls.get(call.id) is not call)


def _beginning(part: Part) -> tuple[int, int]:
    return part.started, -part.ended


def _day(path: Path) -> str:
    """The day of a file's name; that of a file which was named itself is always the newest."""
    for prefix in (PREFIX, SPANS):
        name = parsed(prefix, path.name)
        if name is not None:
            return name.period[:10]
    return _NEWEST
