"""Spans as other instrumentations make them, through a provider that has a CostSpanProcessor."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanKind

from costspan import CostSpanProcessor, CostTracker

OTEL = "opentelemetry.instrumentation.genai.openai"
OPENLLMETRY = "opentelemetry.instrumentation.openai.v1"
LANGCHAIN = "opentelemetry.instrumentation.langchain"
OPENINFERENCE = "openinference.instrumentation.langchain"
OPENLIT = "openlit.instrumentation.openai"

ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
}
COUNTED = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200}
DOLLARS = 0.00027  # gpt-4o-mini: 1,000 x 0.15 + 200 x 0.60 per million (2026-11-22)


class Stage:
    """A provider with a tracker, and the spans that ended."""

    def __init__(self, limits: SpanLimits | None = None, **settings: Any) -> None:
        self.costs = CostTracker(alerts=[])
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, span_limits=limits, **settings)
        self.processor = CostSpanProcessor(self.costs)
        self._tracer = cache(self.provider.get_tracer)  # the SDK 1.40 keeps each that it gives
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.provider.add_span_processor(self.processor)

    def start(
        self,
        scope: str = OTEL,
        attributes: Mapping[str, Any] = ASKED,
        *,
        name: str = "chat gpt-4o-mini",
        kind: SpanKind = SpanKind.CLIENT,
        **others: Any,
    ) -> Span:
        return self._tracer(scope).start_span(
            name, kind=kind, attributes=dict(attributes), **others
        )

    @contextmanager
    def around(
        self, scope: str = OTEL, attributes: Mapping[str, Any] = ASKED, **others: Any
    ) -> Iterator[Span]:
        """A span that is current in the block, and ends with it."""
        with trace.use_span(self.start(scope, attributes, **others), end_on_exit=True) as span:
            yield span

    def call(self, scope: str = OTEL, *, response: str | None = None, **others: Any) -> None:
        """One whole call."""
        with self.around(scope, **others) as span:
            tell(span, response)

    def ended(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def paid(self) -> list[str]:
        """The scopes of the spans that carry dollars, in the order of their ends."""
        return [
            span.instrumentation_scope.name
            for span in self.ended()
            if "costspan.cost.total" in span.attributes
        ]


def tell(span: Span, response: str | None = None) -> None:
    """What an instrumentation adds when the answer is there."""
    span.set_attributes(COUNTED)
    if response is not None:
        span.set_attribute("gen_ai.response.id", response)
