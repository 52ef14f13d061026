"""An alert for OpenTelemetry: an event of the call's span, and a log record."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext

from costspan.alerts.alert import Alert
from costspan.semconv.budgets import BUDGET_ALERT, alert_attributes, alerted_call_attributes

_SEVERITIES = {
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


def add_alert(span: Span, alert: Alert) -> None:
    """Add an alert to the span of the call that crossed, as an event."""
    span.add_event(BUDGET_ALERT, alert_attributes(alert), alert.at or None)


def emit_alert(alert: Alert, span: Span | None = None) -> None:
    """Emit an alert as a log record, where the app has set a LoggerProvider.

    Args:
        span: of the call that crossed; without one the record has the alert's trace alone.
    """
    get_logger("costspan").emit(
        LogRecord(
            timestamp=alert.at or None,
            context=trace.set_span_in_context(span or _somewhere_in(alert.trace_id)),
            severity_number=_SEVERITIES[alert.severity],
            severity_text=alert.severity.upper(),
            body=alert.text,
            event_name=BUDGET_ALERT,
            attributes={**alert_attributes(alert), **alerted_call_attributes(alert)},
        )
    )


def _somewhere_in(trace_id: str | None) -> Span:
    """The place of a record whose trace is known and whose span is not."""
    return NonRecordingSpan(SpanContext(int(trace_id or "0", 16), 0, is_remote=False))
