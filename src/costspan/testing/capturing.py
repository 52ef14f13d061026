"""capture: what costspan saw, for the tests of an app.

with capture() as seen:
    my_app()
assert len(seen.calls) == 1 and seen.spans[0].attributes["costspan.cost.total"] < 0.01
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan.alerts.alert import Alert
from costspan.cost.budgets.budget import Budget
from costspan.cost.pricing.prices import Prices
from costspan.cost.tracker import CostTracker
from costspan.export.schema import Line
from costspan.instrumentation.settlement import settlement
from costspan.instrumentor import Instrumentor
from costspan.totals import Summary


class Captured:
    """The spans, calls and alerts of a block, in their order."""

    def __init__(
        self, exporter: InMemorySpanExporter, costs: CostTracker, alerts: list[Alert]
    ) -> None:
        self._exporter = exporter
        self._costs = costs
        self._alerts = alerts

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The finished spans."""
        settlement.finish()
        return self._exporter.get_finished_spans()

    @property
    def calls(self) -> list[Line]:
        """The settled calls, each with the fields of a line of the calls file."""
        settlement.finish()
        return self._costs.records

    @property
    def alerts(self) -> list[Alert]:
        """The alerts that were delivered."""
        self._costs.flush()
        return list(self._alerts)

    @property
    def summary(self) -> Summary:
        """The sums of all calls."""
        settlement.finish()
        return self._costs.summary()


@contextmanager
def capture(
    *, prices: Prices | None = None, budgets: Sequence[Budget] = (), **settings: Any
) -> Iterator[Captured]:
    """Switch costspan on for a block, with everything kept in memory, and off again after it.

    Args:
        prices, budgets: as for `CostTracker`.
        settings: further arguments of `Instrumentor().instrument()`.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    alerts: list[Alert] = []
    sinks = [alerts.append] if budgets else None  # with no budget there is nothing to be told
    costs = CostTracker(prices=prices, budgets=budgets, alerts=sinks)
    Instrumentor().instrument(tracer_provider=provider, costs=costs, **settings)
    try:
        yield Captured(exporter, costs, alerts)
    finally:
        Instrumentor().uninstrument()
