"""Which of a row's rates hold for a call: its service tier, its speed, its region, its moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from costspan.cost.pricing.rows import constraints

_STANDARD_TIERS = frozenset({None, "", "auto", "default", "standard", "unspecified", "on_demand"})
_PLAIN_TIERS = frozenset({("groq", "flex")})
"""Tiers of a provider that cost what its plain one does.

Source: https://console.groq.com/docs/flex-processing, "Pricing matches the on-demand tier".
"""
_STANDARD_GEOS = frozenset({None, "", "global", "not_available"})
_FACTS = {"processing": "service_tier", "service_tier": "service_tier", "speed": "speed"}
"""The table's words for the facts of an answer, and ours."""


def context_of(provider: str, tier: str | None, speed: str | None) -> dict[str, str]:
    """What the table asks of a call, in its own words; empty for the plain rates."""
    context: dict[str, str] = {}
    if tier == "batch":
        context["processing"] = "batch"
    elif tier is not None and tier not in _STANDARD_TIERS and (provider, tier) not in _PLAIN_TIERS:
        context["service_tier"] = tier
    if speed not in (None, "", "standard"):
        context["speed"] = str(speed)
    return context


def lacking(
    info: Any, context: Mapping[str, str], geo: str | None, when: datetime
) -> tuple[str, ...]:
    """The facts of a call for which the row has no rates in force.

    Two facts at once, such as a fast batch, need rates for both together. No row has any for a
    region.
    """
    known = context in [{}, *_known(info, when)]
    lacks = () if known else tuple(_FACTS[key] for key in context)
    return lacks if geo in _STANDARD_GEOS else (*lacks, "inference_geo")


def _known(info: Any, when: datetime) -> Iterator[Mapping[str, str]]:
    for variant in getattr(info, "price_variants", None) or ():
        if variant.constraint is None or variant.constraint.active(when):
            yield variant.when


def next_change(info: Any, when: datetime) -> float:
    """When a rule of the row may pick another price: seconds since the epoch."""
    midnight = (when + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight]
    for constraint in constraints(info):
        for name in ("start_time", "end_time"):
            clock = getattr(constraint, name, None)
            if clock is not None:
                moment = datetime.combine(when.date(), clock.replace(tzinfo=clock.tzinfo or UTC))
                moments += [moment, moment + timedelta(days=1)]
    return min(moment for moment in moments if moment > when).timestamp()
