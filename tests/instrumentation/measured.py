"""When, and in whose thread, the SDK measures how long calls took."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.baggage import get_all
from opentelemetry.sdk.metrics import ExemplarReservoir, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader
from opentelemetry.sdk.metrics.view import View

from costspan import record_call
from tests.instrumentation.metered import DURATION, TOKENS

INPUT = f"{TOKENS}input_tokens"


def one_call(tokens: int = 1) -> None:
    """A call of `tokens` in."""
    with record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=tokens, output_tokens=0)


class Measured(ExemplarReservoir):
    """A meter provider, and the measurements of its calls' durations in their order.

    The SDK offers each one to an exemplar reservoir, in the thread that measures: to this one.
    """

    def __init__(self, *readers: MetricReader, views: Sequence[View] = ()) -> None:
        self.reader = InMemoryMetricReader()
        self.threads: list[int] = []
        self.spans: list[int] = []
        self.baggage: list[dict[str, object]] = []
        self.meanwhile: Callable[[], object] = bool
        noting = View(
            instrument_name=DURATION, exemplar_reservoir_factory=lambda of: lambda **size: self
        )
        self.provider = MeterProvider(
            [self.reader, *readers], shutdown_on_exit=False, views=[noting, *views]
        )

    def offer(self, value: Any, time_unix_nano: int, attributes: Any, context: Any) -> None:
        """Take note, and do what a test wants done in the middle."""
        self.threads.append(threading.get_ident())
        self.spans.append(trace.get_current_span(context).get_span_context().span_id)
        self.baggage.append(dict(get_all(context)))
        self.meanwhile()

    def collect(self, point_attributes: Any) -> list[Any]:
        """Nothing: no exemplar is kept."""
        return []

    def seen(self, reader: InMemoryMetricReader | None = None) -> tuple[int, int]:
        """What one collection shows of calls of one token in: their tokens, and their number."""
        points = points_of(reader or self.reader)
        tokens = sum(point.value for point in points.get(INPUT, ()))
        return tokens, sum(point.count for point in points.get(DURATION, ()))


def points_of(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    """The data points of one collection, by metric."""
    data = reader.get_metrics_data()
    return {
        metric.name: list(metric.data.data_points)
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
