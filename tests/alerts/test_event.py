"""Alerts for OpenTelemetry: the event of a span and the log record, in literals."""

from decimal import Decimal

import pytest
from opentelemetry import _logs
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import Alert
from costspan.alerts.event import add_alert, emit_alert
from costspan.semconv.budgets import ALERT, ALERTED_CALL
from tests.alerts.alerts import AT, alert

BUDGET = {
    "costspan.budget.name": "the month",
    "costspan.budget.per": "user",
    "costspan.budget.scope": "u1",
    "costspan.budget.state": "reached",
    "costspan.budget.severity": "warning",
    "costspan.budget.unit": "usd",
    "costspan.budget.limit": 500.0,
    "costspan.budget.spent": 412.5,
    "costspan.budget.threshold": 0.8,
    "costspan.budget.forecast": 620.0,
    "costspan.budget.action": "warn",
    "costspan.budget.window": "month",
    "costspan.budget.resets_at": 1796083200.0,
    "costspan.budget.alert.key": "the month/u1/2026-11",
    "costspan.budget.alert.calls_since": 0,
    "costspan.budget.alert.usd_since": 0.0,
}


def test_an_event_of_the_span(provider: TracerProvider):
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("chat m") as span:
        add_alert(span, alert())
    ((event,),) = (span.events for span in exporter.get_finished_spans())
    assert (event.name, event.timestamp) == ("costspan.budget.alert", AT)
    assert dict(event.attributes) == BUDGET


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch):
    exporter = InMemoryLogRecordExporter()
    made = LoggerProvider(shutdown_on_exit=False)
    made.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(_logs._internal, "_LOGGER_PROVIDER", made)
    yield lambda: [one.log_record for one in exporter.get_finished_logs()]
    made.shutdown()


def test_a_log_record(records):
    emit_alert(alert())
    (record,) = records()
    assert record.event_name == "costspan.budget.alert"
    assert record.body == alert().text
    assert (record.severity_number, record.severity_text) == (SeverityNumber.WARN, "WARNING")
    assert (record.timestamp, f"{record.trace_id:032x}", record.span_id) == (
        AT,
        "0af7651916cd43dd8448eb211c80319c",
        0,
    )
    assert dict(record.attributes) == {
        **BUDGET,
        "gen_ai.response.model": "gpt-5.2",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "code_reviewer",
        "session.id": "ticket-17",
        "user.id": "u1",
        "costspan.endpoint": "/review",
        "costspan.cost.total": 0.0123,
        "gen_ai.usage.input_tokens": 4200,
        "gen_ai.usage.output_tokens": 340,
    }


def test_a_log_record_of_a_span(records, provider: TracerProvider):
    with provider.get_tracer("test").start_as_current_span("chat m") as span:
        pass
    emit_alert(alert(trace_id=None), span)
    (record,) = records()
    found = span.get_span_context()
    assert (record.trace_id, record.span_id) == (found.trace_id, found.span_id)


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        ({"threshold": 0.5}, SeverityNumber.INFO),
        ({"threshold": 1.0}, SeverityNumber.ERROR),
        ({"threshold": 1.0, "state": "blocked"}, SeverityNumber.FATAL),
    ],
)
def test_its_severity(records, facts: dict, number: SeverityNumber):
    emit_alert(alert(**facts))
    assert records()[0].severity_number is number


def test_what_is_not_known_is_absent(records):
    emit_alert(Alert(budget="b", per="total", limit=Decimal(1), spent=Decimal(1)))
    assert set(records()[0].attributes) == {
        "costspan.budget.name",
        "costspan.budget.per",
        "costspan.budget.state",
        "costspan.budget.severity",
        "costspan.budget.unit",
        "costspan.budget.limit",
        "costspan.budget.spent",
        "costspan.budget.threshold",
        "costspan.budget.action",
        "costspan.budget.alert.calls_since",
        "costspan.budget.alert.usd_since",
    }


def test_every_field_of_an_alert_is_told():
    told = {*ALERT, *ALERTED_CALL}
    apart = {"trace_id", "at", "gathered", "last_calls"}  # the record's own, or of no use there
    assert {*Alert.__struct_fields__, "severity"} - told == apart
