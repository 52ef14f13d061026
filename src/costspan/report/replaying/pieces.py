"""The lines of stored files, one after another, each with what of it is to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from costspan.export.folders import RawLine, Unreadable, lines_of
from costspan.export.naming import lasting_name
from costspan.export.schema import day_of
from costspan.report.databases.rows import Reader, Row
from costspan.report.passed_over import Noted
from costspan.report.replaying.calls import nanoseconds, span_of
from costspan.report.replaying.spans import resource_spans_of, spans_in
from costspan.report.replaying.state import Reached, Taken

_NEVER = 2**64
"""OTLP counts nanoseconds since 1970 in 64 bits: until then."""

_ENDED = 1
"""The place of the timestamp in a row."""


Spans = list[Any]
"""Spans of the SDK, or groups of spans by resource as OTLP has them: as their source has it."""


class Window(NamedTuple):
    """From when on and before when a span ended, in nanoseconds."""

    since: int = 0
    until: int = _NEVER

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The UTC days of both, None where there is no bound."""
        return (
            date.fromisoformat(day_of(self.since)) if self.since else None,
            date.fromisoformat(day_of(self.until)) if self.until != _NEVER else None,
        )


class Piece(NamedTuple):
    """A line that was read: of which file, how far that is then, and the spans to send of it."""

    file: str
    taken: Taken
    spans: Spans
    number: int
    size: int


class Source(Protocol):
    """Makes spans of the lines of one kind of files."""

    def begin(self, path: Path) -> None:
        """From now on lines are of this file."""

    def spans(self, line: RawLine) -> Spans | str:
        """The spans of a line that ended in the time, or what it is instead."""

    def count(self, spans: Spans) -> int:
        """How many spans there are."""

    def grouped(self, pieces: list[Piece]) -> list[ResourceSpans]:
        """The spans of some pieces as they are sent."""

    def close(self) -> None:
        """No more lines come."""


class CallsSource:
    """Spans of calls files: each call is one, of the service that is named."""

    def __init__(self, window: Window, noted: Noted, resource: Resource, version: str) -> None:
        self._reader = Reader()
        self._window = window
        self._noted = noted
        self._resource = resource
        self._scope = InstrumentationScope("costspan", version)
        self._name = ""

    def begin(self, path: Path) -> None:
        """From now on lines are of this file."""
        self._reader.begin(path)
        self._name = lasting_name(path)

    def spans(self, line: RawLine) -> Spans | str:
        """The span of a line, if it ended in the time, or what the line is instead."""
        row = self._reader.row(line.text)
        if not isinstance(row, Row):
            return row
        self._noted.newest = max(self._noted.newest, row.values[0] or 0)
        if row.is_gap:
            self._noted.gap(row.values[2])
            return []
        ended = nanoseconds(row.values[_ENDED])
        if not 0 <= ended < _NEVER:
            return "before 1970 or after 2554, where OTLP has no time"
        if not self._window.since <= ended < self._window.until:
            return []
        place = f"{self._name}:{line.number}:{(line.text or b'').strip()!r}"
        return [span_of(row, place, self._resource, self._scope)]

    def count(self, spans: Spans) -> int:
        """How many spans there are."""
        return len(spans)

    def grouped(self, pieces: list[Piece]) -> list[ResourceSpans]:
        """The spans of some pieces as they are sent."""
        spans = [span for piece in pieces for span in piece.spans]
        return list(encode_spans(spans).resource_spans)

    def close(self) -> None:
        """No more lines come."""
        self._reader.close()


class SpansSource:
    """Spans of files of spans, with the resources and scopes that stand there."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def begin(self, path: Path) -> None:
        """Nothing depends on the file."""

    def spans(self, line: RawLine) -> Spans | str:
        """The spans of a line that ended in the time, or what it is instead."""
        if line.text is None:
            return "foreign"
        return resource_spans_of(line.text, *self._window) if line.text.strip() else "blank"

    def count(self, spans: Spans) -> int:
        """How many spans there are."""
        return spans_in(spans)

    def grouped(self, pieces: list[Piece]) -> list[ResourceSpans]:
        """The spans of some pieces as they are sent."""
        return [group for piece in pieces for group in piece.spans]

    def close(self) -> None:
        """Nothing is open."""


def pieces_of(path: Path, source: Source, reached: Reached, noted: Noted) -> Iterator[Piece]:
    """The lines of a file that were not taken before.

    A last line without an end that cannot be read may be about to be written: it is not taken.
    """
    source.begin(path)
    name, first, number, before = reached.name(path), "", 0, 0
    try:
        for number, text in lines_of(path):
            if number == 1:
                first = blake2b((text or b"").strip(), digest_size=8).hexdigest()
                before = reached.taken(name, first)
            if number <= before:
                continue
            found = source.spans(RawLine(number, text))
            if isinstance(found, str):
                noted.line(path, number, found)
                if found == "torn" and not (text or b"").endswith(b"\n"):
                    return
                found = []
            yield Piece(name, Taken(number, first), found, source.count(found), len(text or b""))
    except Unreadable as why:
        noted.unreadable(path, number, why)
        return
    if not number:
        noted.empty(path)
