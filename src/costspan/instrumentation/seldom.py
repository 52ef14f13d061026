"""Metrics that only some calls add to: retries, costs that are not whole, what a cache saved."""

from __future__ import annotations

from typing import Any

from costspan import semconv
from costspan.call import PICOS_PER_USD, Call, Cost, Usage
from costspan.instrumentation.labels import Labelled

NOT_WHOLE = frozenset({"unpriced", "partial", "estimated"})
"""The statuses of a cost whose dollars are not known, not all known, or in part a guess."""


class Seldom:
    """The instruments of one meter; a call that has nothing for them costs no measurement."""

    def __init__(self, meter: Any) -> None:
        self._retries = meter.create_counter(
            "costspan.retries", unit="{retry}", description="Requests that were sent again"
        )
        self._incomplete = meter.create_counter(
            "costspan.cost.incomplete",
            unit="{call}",
            description="Calls whose cost is unpriced, partial or estimated",
        )
        self._saved = meter.create_up_down_counter(
            "costspan.cache.savings",
            unit="USD",
            description="Cost that prompt caches took away, less what writing to them cost",
        )

    def record(self, call: Call, cost: Cost | None, labels: Labelled, context: Any) -> None:
        """Record what there is of one call."""
        if call.retries:
            self._retries.add(call.retries, labels, context)
        if cost is None:
            return
        if cost.status in NOT_WHOLE:
            self._incomplete.add(1, {**labels, semconv.COST_STATUS: cost.status}, context)
        saved = saved_by_cache(call, cost)
        if saved:
            self._saved.add(saved / PICOS_PER_USD, labels, context)


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
