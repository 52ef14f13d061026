"""The provider in use: processors in their order, whether others' spans are priced, the sampler."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, TraceIdRatioBased

from costspan import CostSpanProcessor
from costspan.cost.foreign import enriching
from costspan.doctor.finding import Finding
from costspan.doctor.pipeline import exporters_of, pipeline, processors_of

APPS = "the app's global TracerProvider"


@pytest.fixture
def made() -> Iterator[list[TracerProvider]]:
    providers: list[TracerProvider] = []
    yield providers
    for one in providers:
        one.shutdown()


def seen(provider: TracerProvider, made: list[TracerProvider]) -> dict[str, Finding]:
    made.append(provider)
    return {one.topic: one for one in pipeline(APPS, provider)}


def test_processors_in_their_order(made: list[TracerProvider]) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.add_span_processor(CostSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    found = seen(provider, made)

    assert found["spans"] == Finding("spans", APPS)
    assert found["processors"].text == (
        "BatchSpanProcessor(InMemorySpanExporter), then CostSpanProcessor, "
        "then SimpleSpanProcessor(InMemorySpanExporter)"
    )
    assert found["enrichment"].severity == "ok"
    assert found["sampler"].text == "every trace that begins here"
    assert exporters_of(processors_of(provider)) == [exporter, exporter]


def test_an_sdk_that_lets_no_span_be_enriched(
    made: list[TracerProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(CostSpanProcessor())
    monkeypatch.setattr(enriching, "works", lambda: False)

    enrichment = seen(provider, made)["enrichment"]

    assert enrichment.severity == "error"
    assert "forward_to" in str(enrichment.remedy)


def test_nobody_prices_the_spans_of_others(made: list[TracerProvider]) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))

    assert seen(provider, made)["enrichment"].severity == "note"


@pytest.mark.parametrize("with_ours", [False, True])
def test_a_provider_that_hands_spans_to_nobody(made: list[TracerProvider], with_ours: bool) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    if with_ours:
        provider.add_span_processor(CostSpanProcessor())

    spans = seen(provider, made)["spans"]

    assert (spans.severity, spans.text) == ("warning", f"{APPS}, which hands them to nobody")


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, TraceIdRatioBased(0.1)])
def test_a_sampler_that_drops(made: list[TracerProvider], sampler: Any) -> None:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)

    found = seen(provider, made)["sampler"]

    assert found.severity == "note"
    assert "a call may have no span" in found.text


def test_an_sdk_that_is_disabled(
    made: list[TracerProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "True")

    assert seen(TracerProvider(shutdown_on_exit=False), made)["spans"].severity == "warning"
