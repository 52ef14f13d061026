"""A span starts with its attributes in the SDK's own way where anybody may look at them by then."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import NoOpTracerProvider

from costspan import CostSpanProcessor, Instrumentor, record_call
from costspan.instrumentation.onlookers import Onlookers

OPENING = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
}


class Reads(SpanProcessor):
    """Keeps what a span starts with."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.started.append(dict(span.attributes))


class Decides(Sampler):
    """Drops what is asked of one model."""

    def should_sample(
        self, parent_context: Any, trace_id: int, name: str, *more: Any, **named: Any
    ) -> SamplingResult:
        attributes = more[1] if len(more) > 1 else named["attributes"]
        is_ours = "gpt-4o-mini" in (attributes or {}).values()
        return SamplingResult(Decision.DROP if is_ours else Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        return "Decides"


class Blind(SpanProcessor):
    """Looks at nothing when a span starts."""


def watched(provider: Any) -> bool:
    return Onlookers().watch(provider.get_tracer("costspan"))


def provider_of(*processors: Any, sampler: Any = None, active: Any = None) -> TracerProvider:
    provider = TracerProvider(sampler, shutdown_on_exit=False, active_span_processor=active)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


@pytest.mark.parametrize(
    "sampler",
    [
        ALWAYS_ON,
        ALWAYS_OFF,
        TraceIdRatioBased(0.5),
        ParentBased(ALWAYS_ON),
        ParentBasedTraceIdRatio(0.5),
        None,
    ],
)
def test_the_sdks_samplers_look_at_no_attribute(sampler: Any) -> None:
    assert not watched(provider_of(sampler=sampler))


@pytest.mark.parametrize("sampler", [Decides(), ParentBased(Decides())])
def test_another_sampler_may(sampler: Any) -> None:
    assert watched(provider_of(sampler=sampler))


def test_exporting_processors_and_ours_do_not_look() -> None:
    batch = BatchSpanProcessor(InMemorySpanExporter())
    simple = SimpleSpanProcessor(InMemorySpanExporter())
    assert not watched(provider_of(batch, simple, Blind(), CostSpanProcessor()))
    batch.shutdown()


def test_another_processor_may() -> None:
    assert watched(provider_of(Reads()))
    assert watched(provider_of(Reads(), active=ConcurrentMultiSpanProcessor()))
    assert watched(provider_of(CostSpanProcessor(forward_to=Reads())))


def test_a_processor_that_comes_later_is_seen() -> None:
    provider, onlookers = provider_of(), Onlookers()
    tracer = provider.get_tracer("costspan")
    assert not onlookers.watch(tracer)
    provider.add_span_processor(Reads())
    assert onlookers.watch(tracer)


def test_a_tracer_that_is_not_the_sdks_is_taken_for_one_that_looks() -> None:
    assert watched(NoOpTracerProvider())


def spans_of_a_call(*processors: Any, sampler: Any = None) -> list[Any]:
    exporter = InMemorySpanExporter()
    provider = provider_of(*processors, SimpleSpanProcessor(exporter), sampler=sampler)
    Instrumentor().instrument(tracer_provider=provider)
    try:
        with record_call(model="gpt-4o-mini", provider="openai") as call:
            call.set_usage(input_tokens=10, output_tokens=1)
    finally:
        Instrumentor().uninstrument()
    return list(exporter.get_finished_spans())


def test_who_looks_sees_them_when_the_span_starts() -> None:
    reads = Reads()
    (span,) = spans_of_a_call(reads)
    assert reads.started == [OPENING]
    assert OPENING.items() <= span.attributes.items()


def test_who_decides_by_them_does() -> None:
    assert spans_of_a_call(sampler=Decides()) == []


def test_the_span_has_them_where_nobody_looks() -> None:
    (span,) = spans_of_a_call()
    (looked_at,) = spans_of_a_call(Reads())
    assert list(span.attributes) == list(looked_at.attributes)
    assert list(span.attributes)[:3] == list(OPENING)
