"""Metrics in memory."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

DURATION = "gen_ai.client.inference.duration"
FIRST_CHUNK = "gen_ai.client.inference.time_to_first_chunk"
PER_CHUNK = "gen_ai.client.inference.time_per_output_chunk"
TOKENS = "gen_ai.client.inference.usage."
COST = "costspan.cost"
LIMIT = "costspan.budget.limit"
ALERTS = "costspan.budget.alerts"
USED = "costspan.budget.used"
UNDELIVERED = "costspan.alerts.undelivered"
REFUSALS = "costspan.budget.refusals"


class Metered:
    """A meter provider, and what was recorded with it."""

    def __init__(self, **settings: Any) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False, **settings)

    def metrics(self) -> list[Any]:
        """What a reader collects now."""
        data = self.reader.get_metrics_data()
        return [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def points(self) -> dict[str, list[Any]]:
        """The data points by the name of their metric."""
        return {metric.name: list(metric.data.data_points) for metric in self.metrics()}

    def sum(self, name: str, **where: Any) -> float:
        """A counter's value over all its points, those alone that have these attributes."""
        return sum(
            point.value
            for point in self.points().get(name, ())
            if where.items() <= dict(point.attributes).items()
        )
