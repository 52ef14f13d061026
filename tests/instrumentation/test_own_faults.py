"""A fault of costspan's own never reaches the app, and never passes for a fault of the call."""

from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import CostTracker, Instrumentor, guard, record_call
from tests.instrumentation.rig import ASK, answer_chat, openai_client

pytestmark = pytest.mark.faults


class CannotAdmit(CostTracker):
    """A tracker that fails, rather than refuses, when it is asked for leave."""

    asks_leave = True

    def admit(self, *asked: Any) -> Any:
        raise RuntimeError("a fault of ours")


class FailsAtStart(SpanProcessor):
    """A span processor as the SDK lets it be: its exception comes out of `start_span`."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise RuntimeError("a fault in the app's pipeline")


def provider_with(processor: SpanProcessor) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def test_a_fault_in_asking_leave_is_no_refusal() -> None:
    """The call is made, priced and ends unharmed."""
    exporter, before = InMemorySpanExporter(), guard.faults()
    Instrumentor().instrument(
        tracer_provider=provider_with(SimpleSpanProcessor(exporter)), costs=CannotAdmit()
    )
    with openai_client(answer_chat) as client:
        answer = client.chat.completions.create(**ASK)
    Instrumentor().uninstrument()

    (span,) = exporter.get_finished_spans()
    assert answer.usage.prompt_tokens == 1000
    assert "error.type" not in span.attributes
    assert span.attributes["costspan.cost.status"] == "priced"
    assert guard.faults() == before + 1


def test_an_answer_that_cannot_be_read_ends_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The span ends when the call returns, with what is known without its counts."""
    exporter, before = InMemorySpanExporter(), guard.faults()
    Instrumentor().instrument(tracer_provider=provider_with(SimpleSpanProcessor(exporter)))
    monkeypatch.setattr("costspan.instrumentation.requests.fields", lambda result: 1 / 0)
    with openai_client(answer_chat) as client:
        answer = client.chat.completions.create(**ASK)
        (span,) = exporter.get_finished_spans()
    Instrumentor().uninstrument()

    assert answer.usage.prompt_tokens == 1000
    assert "error.type" not in span.attributes
    assert span.attributes["costspan.cost.status"] == "unpriced"
    assert guard.faults() == before + 1


def test_a_recorded_call_survives_both() -> None:
    """Neither a failing tracker nor a failing pipeline comes out of `record_call`."""
    for settings in (
        {"costs": CannotAdmit()},
        {"tracer_provider": provider_with(FailsAtStart())},
    ):
        before = guard.faults()
        Instrumentor().instrument(**settings)
        with record_call(model="llama3.2", provider="ollama") as call:
            call.set_usage(input_tokens=1, output_tokens=1)
        Instrumentor().uninstrument()

        assert guard.faults() > before


class Secretive(Exception):
    """An exception of the app's that answers no question."""

    status_code = code = property(lambda self: {}["code"])
    response = property(lambda self: {}["response"])


@pytest.mark.parametrize("stream", [False, True])
def test_an_exception_that_cannot_be_looked_into(stream: bool) -> None:
    """It passes, and its call is counted and has its span, with the name of the exception."""
    costs, before = CostTracker(), guard.faults()
    exporter = InMemorySpanExporter()
    failing = openai.OpenAI(api_key=_no_key)
    Instrumentor().instrument(
        tracer_provider=provider_with(SimpleSpanProcessor(exporter)), costs=costs
    )
    with failing as client, pytest.raises(Secretive):
        client.chat.completions.create(**ASK, stream=stream)
    Instrumentor().uninstrument()

    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == f"{__name__}.Secretive"
    assert costs.summary().errors == 1
    assert guard.faults() == before


def _no_key() -> str:
    raise Secretive
