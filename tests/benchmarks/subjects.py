"""What is switched on in a measuring process: nothing, costspan in its ways, or a peer."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

_NO_CONTENT = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "no_content",
    "TRACELOOP_TRACE_CONTENT": "false",
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
}
_NATIVE_SPANS = "ANTHROPIC_OPEN_TELEMETRY"

_PEERS = {
    "official": (
        "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor",
        "opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor",
    ),
    "openllmetry": (
        "opentelemetry.instrumentation.openai:OpenAIInstrumentor",
        "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor",
    ),
    "openinference": (
        "openinference.instrumentation.openai:OpenAIInstrumentor",
        "openinference.instrumentation.anthropic:AnthropicInstrumentor",
    ),
}


class NullExporter(SpanExporter):
    """Counts spans and keeps the last one."""

    def __init__(self) -> None:
        self.count = 0
        self.last: Any = None

    def export(self, spans: Any) -> SpanExportResult:
        """Take note of them."""
        self.count += len(spans)
        self.last = spans[-1]
        return SpanExportResult.SUCCESS


class Beginnings(SpanProcessor):
    """Keeps the attributes that the last span started with."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Copy them."""
        self.attributes = dict(span.attributes or {})


def make_provider(*, everywhere: bool = True) -> tuple[TracerProvider, NullExporter]:
    """A tracer provider whose spans go nowhere, the app's global one if `everywhere`."""
    exporter = NullExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    if everywhere:
        trace.set_tracer_provider(provider)
    return provider, exporter


def make_meters() -> MeterProvider:
    """A meter provider whose metrics a reader can collect: `collect()`."""
    provider = MeterProvider([InMemoryMetricReader()])
    _meters.append(provider)
    return provider


_meters: list[MeterProvider] = []


def collect() -> None:
    """Have the readers collect, as they do once a minute."""
    for provider in _meters:
        provider.force_flush()


def prepare_environment(subject: str) -> None:
    """Set what the SDKs and the peers read from the environment; called before their import."""
    os.environ.update(_NO_CONTENT)
    if subject != "native" and not subject.startswith("ours"):
        os.environ[_NATIVE_SPANS] = "false"


@contextlib.contextmanager
def switched_on(subject: str, provider: TracerProvider) -> Iterator[None]:
    """Run the block with `subject` on.

    Args:
        subject: `bare`, `span` and `span+metrics` (the caller makes them), `native` (the Anthropic
            SDK's own span), `ours`, `ours+file`, `ours+line` (one that is written by hand),
            `ours+metrics`, `ours+unread` (metrics too: the caller has a reader collect or not),
            `ours+content`, or a peer's name.
    """
    if subject.startswith("ours"):
        with _ours(subject, provider):
            yield
    else:
        for place in _PEERS.get(subject, ()):
            module, _, name = place.partition(":")
            getattr(importlib.import_module(module), name)().instrument(tracer_provider=provider)
        yield


_WAYS: dict[str, Callable[[str], dict[str, Any]]] = {
    "ours": lambda folder: {},
    "ours+file": lambda folder: {"local": folder},
    "ours+line": lambda folder: {},
    "ours+metrics": lambda folder: {"meter_provider": make_meters()},
    "ours+unread": lambda folder: {"meter_provider": make_meters()},
    "ours+content": lambda folder: {"capture_content": "on"},
}


@contextlib.contextmanager
def _ours(subject: str, provider: TracerProvider) -> Iterator[None]:
    from costspan import Budget, CostTracker, Instrumentor, attribution

    costs = CostTracker(budgets=[Budget("one call", usd=5, per="call")])
    with tempfile.TemporaryDirectory() as folder:
        arguments = _WAYS[subject](folder)
        Instrumentor().instrument(tracer_provider=provider, costs=costs, **arguments)
        if subject == "ours+line":
            costs.writers = (_line_by_hand(folder),)
        with attribution(agent="reviewer", session="ticket-17"):
            yield
        Instrumentor().uninstrument()


def _line_by_hand(folder: str) -> Callable[[Any, Any], None]:
    """Writes a line for each call as an app would do it: `json.dumps`, and one write."""
    descriptor = os.open(f"{folder}/by_hand.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(call: Any, cost: Any) -> None:
        line = {
            "timestamp": call.ended_at / 1e9,
            "provider": call.request.provider,
            "model": call.model,
            "agent": call.agent,
            "session_id": call.session,
            "latency_ms": call.runtime_seconds * 1e3,
            "error": call.error,
            "input_tokens": call.usage.input_tokens,
            "output_tokens": call.usage.output_tokens,
            "cached_tokens": call.usage.cache_read_tokens,
            "cost_usd": cost.total / 1e12,
            "trace_id": f"{call.trace_id:032x}",
            "span_id": f"{call.span_id:016x}",
        }
        os.write(descriptor, json.dumps(line).encode() + b"\n")

    return write
