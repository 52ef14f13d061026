"""Ended spans, as plain data."""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor


class Spans(SpanProcessor):
    """Keeps what ends, until it is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span."""
        with self._lock:
            self._ended.append(span)

    def take(self) -> list[dict[str, Any]]:
        """What ended since the last time."""
        with self._lock:
            ended, self._ended = self._ended, []
        return [as_data(span) for span in ended]


def as_data(span: ReadableSpan) -> dict[str, Any]:
    """A span as JSON can hold it."""
    context, scope = span.get_span_context(), span.instrumentation_scope
    assert context is not None
    return {
        "name": span.name,
        "kind": span.kind.name,
        "scope": scope.name if scope else None,
        "scope_version": scope.version if scope else None,
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "status": span.status.status_code.name,
        "status_description": span.status.description,
        "started": span.start_time,
        "ended": span.end_time,
        "events": [event.name for event in span.events],
        "attributes": {key: _plain(value) for key, value in (span.attributes or {}).items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
