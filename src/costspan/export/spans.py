"""JsonlSpanExporter: every span of the trace as OTLP JSON, in files that need no collector."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from costspan.export.appender import Appender
from costspan.export.auditing.sealing import sealer_of
from costspan.export.child_endings import flush_when_a_child_ends
from costspan.export.folders import SPANS
from costspan.export.gaps import Gap, encoded_gap
from costspan.export.local_files import LocalFiles
from costspan.export.otlp import lines
from costspan.guard import fault_of, quietly

_LEAD = b'{"resourceSpans":[],'
"""A line without spans, whose other fields readers of OTLP pass over."""


class JsonlSpanExporter(SpanExporter):
    """Writes spans to `otlp_trace_<day>.jsonl`, lines of OTLP JSON as the collector reads them.

    What a span holds is written: message content stands there where it was switched on, and what
    other instrumentations wrote in any case. The day is that of writing.

    Args:
        files: a folder, or `LocalFiles` with rules for rotation, retention and compression.

    Raises:
        ConfigurationError: `files` is no folder.
    """

    def __init__(self, files: LocalFiles | str | os.PathLike[str]) -> None:
        self.files = files if isinstance(files, LocalFiles) else LocalFiles(files)
        seal = sealer_of(self.files, _LEAD)
        self._appender = Appender(self.files, SPANS, seal=seal, gap=_gap_line)
        self._is_shut_down = False
        flush_when_a_child_ends()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch; FAILURE where a line could not be written, or a span not be encoded."""
        if self._is_shut_down:
            return SpanExportResult.FAILURE
        found: list[bytes] = []
        is_whole = fault_of(lambda: found.extend(lines(spans))) is None
        if not is_whole:
            found = _one_by_one(spans)
        is_written = not found or self._appender.append_all(found, time.time_ns())
        return SpanExportResult.SUCCESS if is_whole and is_written else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Write what `durability="batch"` still holds back; False where time ran out."""
        return self._appender.flush(timeout_millis / 1e3)

    def shutdown(self) -> None:
        """Close the file; nothing more is written."""
        self._is_shut_down = True
        self._appender.close()

    @property
    def lost(self) -> int:
        """How many lines could not be written in this process."""
        return self._appender.lost


def _gap_line(gap: Gap) -> bytes:
    return _LEAD + encoded_gap(gap)[1:]


def _one_by_one(spans: Sequence[ReadableSpan]) -> list[bytes]:
    """The lines of those spans that can be encoded; the others are logged."""
    found: list[bytes] = []
    for span in spans:
        with quietly("the OTLP line of a span", even_asked_for=True):
            found += lines([span])
    return found
