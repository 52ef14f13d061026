"""The details event: one log record per call with its messages, where events were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.trace import Span

from costspan.semconv import DETAILS_EVENT


def emit_details(span: Span, attributes: Mapping[str, Any], at: int) -> None:
    """Emit the event in the span's context.

    Args:
        span: the call's span.
        attributes: all that is known of the call, messages included.
        at: when the call ended, nanoseconds since the epoch.
    """
    get_logger("costspan").emit(
        LogRecord(
            timestamp=at,
            context=trace.set_span_in_context(span),
            severity_number=SeverityNumber.DEBUG,
            event_name=DETAILS_EVENT,
            attributes=dict(attributes),
        )
    )
