"""Metrics that only some calls add to: retries, costs that are not whole, what a cache saved."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import SpanContext

from costspan import semconv
from costspan.call import PICOS_PER_USD, Call, Cost, Usage
from costspan.instrumentation.sums import Series, Sums

NOT_WHOLE = frozenset({"unpriced", "partial", "estimated"})
"""The statuses of a cost whose dollars are not known, not all known, or in part a guess."""


class Seldom:
    """The counters of one meter."""

    def __init__(self, sums: Sums, meter: Any) -> None:
        self._retries = sums.counter(
            meter.create_observable_counter,
            "costspan.retries",
            "{retry}",
            "Requests that were sent again",
        )
        self._incomplete = sums.counter(
            meter.create_observable_counter,
            "costspan.cost.incomplete",
            "{call}",
            "Calls whose cost is unpriced, partial or estimated",
            label=semconv.COST_STATUS,
        )
        self._saved = sums.counter(
            meter.create_observable_up_down_counter,
            "costspan.cache.savings",
            "USD",
            "Cost that prompt caches took away, less what writing to them cost",
            divisor=PICOS_PER_USD,
        )

    def add(self, call: Call, cost: Cost | None, series: Series, span: SpanContext) -> None:
        """Add what there is of one call; the caller holds the lock."""
        if call.retries:
            series.add(self._retries, call.retries, span)
        if cost is None:
            return
        if cost.status in NOT_WHOLE:
            series.add(self._incomplete, 1, span, cost.status)
        saved = saved_by_cache(call, cost)
        if saved:
            series.add(self._saved, saved, span)


def saved_by_cache(call: Call, cost: Cost) -> int | None:
    """What the call would have cost more had all its input been plain, in picodollars.

    Below 0 where writing to the cache cost more than reading from it saved. The rate of plain input
    is taken from the plain input that the call was billed for: None where it had none, or had other
    input than text, or another model's usage in its bill.
    """
    usage, response = call.usage, call.response
    if usage is None or response is None or response.also_billed or cost.status != "priced":
        return None
    cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    plain = (usage.input_tokens or 0) - cached
    if cached <= 0 or plain <= 0 or not cost.input or call.corrects or _not_text(usage):
        return None
    return cost.input * cached // plain - (cost.cache_read or 0) - (cost.cache_write or 0)


def _not_text(usage: Usage) -> bool:
    return bool(usage.input_audio_tokens or usage.input_image_tokens or usage.input_video_tokens)
