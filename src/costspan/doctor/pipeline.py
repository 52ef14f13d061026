"""Where spans go: the provider, its processors in their order, its sampler, its exporters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from costspan.cost.foreign import enriching
from costspan.cost.foreign.processor import CostSpanProcessor
from costspan.doctor.finding import Finding
from costspan.instrumentation.wiring import Tracers

_ALL = "AlwaysOnSampler"
_ALL_ROOTS = "ParentBased{root:AlwaysOnSampler,"


def provider_of(tracers: Tracers, given: Any) -> Any:
    """The provider that spans are made with; None where it is none of an SDK.

    Args:
        given: what `instrument(tracer_provider=)` was given, or None.
    """
    from opentelemetry import trace

    _ = tracers.tracer  # a private provider is made for the first span only
    provider = given or tracers.private or trace.get_tracer_provider()
    return provider if hasattr(provider, "_active_span_processor") else None


def provider_is_private(destination: str) -> bool:
    """Whether the words for a destination say that no provider is the app's."""
    return destination.startswith("a private ")


def processors_of(provider: Any) -> list[Any]:
    """The processors of a provider, in the order in which they are told of spans."""
    return list(getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ()))


def exporters_of(processors: list[Any]) -> list[Any]:
    """What processors hand spans to."""
    found = (getattr(one, "span_exporter", None) for one in processors)
    return [one for one in found if one is not None]


def pipeline(destination: str, provider: Any) -> Iterator[Finding]:
    """The way of a span through the provider in use.

    Args:
        destination: where spans go and why, in words.
        provider: of an SDK, or None.
    """
    processors = processors_of(provider)
    yield _destination(destination, processors)
    if provider is None:
        return
    if processors:
        yield Finding("processors", ", then ".join(map(_shown, processors)))
        if not provider_is_private(destination):
            yield _foreign(processors)
    yield from _sampler(provider)


def _destination(destination: str, processors: list[Any]) -> Finding:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Finding(
            "spans",
            f"{destination}; OTEL_SDK_DISABLED=true, so that none is made",
            "warning",
            "unset OTEL_SDK_DISABLED; costs, budgets and the calls file work all the same",
        )
    if any(not isinstance(one, CostSpanProcessor) for one in processors):
        return Finding("spans", destination)
    if provider_is_private(destination):
        return Finding(
            "spans",
            destination,
            "note",
            "set OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318, or a provider in the program; "
            "`opentelemetry-instrument costspan doctor` looks at what that command sets up",
        )
    return Finding(
        "spans",
        f"{destination}, which hands them to nobody",
        "warning",
        "provider.add_span_processor(BatchSpanProcessor(exporter))",
    )


def _shown(processor: Any) -> str:
    exporter = getattr(processor, "span_exporter", None)
    name = type(processor).__name__
    return name if exporter is None else f"{name}({type(exporter).__name__})"


def _foreign(processors: list[Any]) -> Finding:
    """Whether the spans of others are priced, and how their costs get onto them."""
    topic = "enrichment"
    if not any(isinstance(one, CostSpanProcessor) and one.costs for one in processors):
        return Finding(
            topic,
            "no CostSpanProcessor: spans that others make are not priced",
            "note",
            "where others make GenAI spans: provider.add_span_processor(CostSpanProcessor(costs))",
        )
    if enriching.works():
        return Finding(
            topic, "costs are added as spans end: the order of the processors does not matter"
        )
    return Finding(
        topic,
        f"opentelemetry-sdk {version('opentelemetry-sdk')} lets no span be enriched as it ends: "
        "calls that others record are counted, and their spans have no cost",
        "error",
        "CostSpanProcessor(costs, forward_to=exporter) hands on copies that have it",
    )


def _sampler(provider: Any) -> Iterator[Finding]:
    sampler = getattr(provider, "sampler", None)
    if sampler is None:
        return
    said = sampler.get_description()
    if said == _ALL or said.startswith(_ALL_ROOTS):
        yield Finding("sampler", "every trace that begins here")
        return
    yield Finding(
        "sampler",
        f"{said}: a call may have no span",
        "note",
        "sums, budgets, metrics and the calls file count every call; sums over spans do not",
    )
