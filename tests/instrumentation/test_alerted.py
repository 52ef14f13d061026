"""Alerts of real calls: the event on the span, the log record, and nothing of what was said."""

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from costspan import (
    Alert,
    Budget,
    BudgetExceeded,
    CostSpanProcessor,
    Instrumentor,
    attribution,
)
from costspan.testing import LLMServer
from tests.cost.stage import ASKED, OTEL, tell
from tests.instrumentation.budgeted import ASK, client, tracker, under
from tests.instrumentation.rig import attributes_of, watched

CANARY = "xylophone-canary-4711"


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch):
    exporter = InMemoryLogRecordExporter()
    made = LoggerProvider(shutdown_on_exit=False)
    made.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(_logs._internal, "_LOGGER_PROVIDER", made)
    yield exporter.get_finished_logs
    made.shutdown()


def test_a_crossing_is_on_the_calls_span_and_in_the_log(
    server: LLMServer, records: Callable[[], list[ReadableLogRecord]]
):
    budget = Budget("b", usd="0.002", per="session", window="day", thresholds=(0.5, 1.0))
    with under(budget) as (_, spans), client(server) as openai_, attribution(session="s1"):
        openai_.chat.completions.create(**ASK)
        span = spans.one()
    (event,) = span.events
    assert event.name == "costspan.budget.alert"
    assert event.attributes["costspan.budget.name"] == "b"
    assert event.attributes["costspan.budget.scope"] == "s1"
    assert event.attributes["costspan.budget.threshold"] == 1.0
    assert event.attributes["costspan.budget.spent"] == 0.002
    (record,) = [one.log_record for one in records()]
    assert record.event_name == "costspan.budget.alert"
    assert record.trace_id == span.context.trace_id
    assert record.attributes["costspan.budget.name"] == "b"


def test_an_alert_says_what_the_last_calls_were(server: LLMServer):
    told: list[Alert] = []
    with under(Budget("b", calls=3), alerts=[told.append]) as (costs, _), client(server) as openai_:
        with attribution(agent="ann", endpoint="/ask"):
            for _ in range(3):
                openai_.chat.completions.create(**ASK)
        assert costs.flush(20)
    (alert,) = told
    assert (alert.agent, alert.endpoint, alert.model) == ("ann", "/ask", "m")
    assert (alert.input_tokens, alert.output_tokens) == (1000, 100)
    assert [(one.agent, one.cost_usd) for one in alert.last_calls] == [
        ("ann", Decimal("0.002"))
    ] * 3


def test_a_function_is_called_in_the_thread_of_the_call(server: LLMServer):
    told: list[Alert] = []
    with under(Budget("b", calls=1, action=told.append)) as _, client(server) as openai_:
        openai_.chat.completions.create(**ASK)
        assert [alert.budget for alert in told] == ["b"]
        openai_.chat.completions.create(**ASK)
    assert len(told) == 1


@pytest.mark.faults
def test_a_function_that_fails_harms_nobody(
    server: LLMServer, caplog: pytest.LogCaptureFixture, provider: TracerProvider
):
    def action(alert: Alert) -> None:
        raise BudgetExceeded("not like this", reason="limit")

    costs = tracker(Budget("b", calls=1, action=action))
    Instrumentor().instrument(tracer_provider=provider, costs=costs)
    with client(server) as openai_:
        assert openai_.chat.completions.create(**ASK).choices
    Instrumentor().uninstrument()
    assert "calling the action of budget 'b'" in caplog.text


def test_spans_that_others_made_count_and_block_nothing(provider: TracerProvider):
    """Their dollars are counted, whoever asks next is refused, and they themselves never are."""
    costs = tracker(
        Budget("blocking", calls=1, action="block"),
        Budget("raising", calls=1, action="raise"),
        Budget("telling", calls=2),
    )
    provider.add_span_processor(CostSpanProcessor(costs))
    for _ in range(3):
        span = provider.get_tracer(OTEL).start_span("chat", attributes=ASKED)
        tell(span, None)
        span.end()
    assert {one.name: one.alerts for one in costs.budget_states()} == {
        "blocking": 1,
        "raising": 1,
        "telling": 1,
    }
    assert [costs.remaining(name) for name in ("blocking", "raising", "telling")] == [0, 0, 0]
    with watched(costs=costs), client_of_nobody() as openai_, pytest.raises(BudgetExceeded):
        openai_.chat.completions.create(**ASK)


def client_of_nobody():
    """A client whose provider must not be reached."""
    import openai

    return openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="any", max_retries=0)


def test_nothing_of_what_was_said_is_told_or_kept(
    server: LLMServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    records: Callable[[], list[ReadableLogRecord]],
):
    caplog.set_level(logging.DEBUG, logger="costspan")
    told: list[Alert] = []
    ask = {**ASK, "messages": [{"role": "user", "content": CANARY}]}
    budgets = (
        Budget("same", calls=2, per="request", window="10m", action="block"),
        Budget("dear", usd="0.000001", per="call"),
        Budget("all", usd="0.001"),
    )
    store = f"sqlite:///{tmp_path}/costs.db"
    with under(*budgets, store=store, alerts=[told.append]) as (costs, spans):
        with client(server, "echo") as openai_:
            for _ in range(2):
                assert CANARY in openai_.chat.completions.create(**ask).choices[0].message.content
            with pytest.raises(BudgetExceeded) as raised:
                openai_.chat.completions.create(**ask)
        assert costs.flush(20)
        ended = spans.wait(3)
    assert {alert.budget for alert in told} >= {"same", "dear"}
    with closing(sqlite3.connect(tmp_path / "costs.db")) as db:
        kept = "\n".join(db.iterdump())
    assert "dear" in kept or "same" in kept
    seen = [
        *map(repr, told),
        repr(vars(raised.value)),
        kept,
        caplog.text,
        *(
            one.log_record.to_json() if hasattr(one.log_record, "to_json") else repr(one.log_record)
            for one in records()
        ),
        *(json.dumps(attributes_of(span), default=repr) for span in ended),
        *(repr(dict(event.attributes)) for span in ended for event in span.events),
    ]
    assert [text for text in seen if CANARY in text] == []
