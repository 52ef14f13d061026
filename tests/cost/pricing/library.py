"""What genai-prices itself makes of a call: the oracle for our compiled prices."""

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import Any

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    _collect_resolved_model_prices,
    _compute_registry_priced_counts,
    calc_unit_price,
)
from genai_prices.units import _get_registry

PICO = Decimal("1e-12")
_NO_DIGIT = Decimal("1e-60")
"""Of 80 digits the last ones hang on the order of a sum: a third of a minute has no last digit."""
_WORDS = {
    "reasoning_tokens": "output_reasoning_tokens",
    "citation_tokens": "output_citation_tokens",
}
Row = tuple[Any, Any]
"""A provider and a model of the table."""


@cache
def rows() -> list[Row]:
    """Every model of every provider, as its own id finds it."""
    providers = get_snapshot().providers
    found = []
    for provider in providers:
        for listed in provider.models:
            info = provider.find_model(listed.id, all_providers=providers)
            if info is not None:
                found.append((provider, listed.id, info))
    return found


def contexts(info: Any) -> Iterator[dict[str, str]]:
    """No context, and each one that a variant of the row asks for."""
    seen: list[dict[str, str]] = [{}]
    for variant in info.price_variants or ():
        if dict(variant.when) not in seen:
            seen.append(dict(variant.when))
    yield from seen


def rated(info: Any, at: datetime, context: dict[str, str]) -> set[str]:
    """The counts for which the row has a rate then."""
    prices = vars(info.get_prices(at, context))
    registry = _get_registry()
    return {registry.unit_for_price_key(k).usage_key for k, v in prices.items() if v is not None}


def parts(
    provider: Any, info: Any, counts: dict[str, float], at: datetime, context: dict[str, str]
) -> dict[str, Decimal]:
    """US dollars by part, each rounded once, half to even, to 10^-12.

    Before they are rounded they are held against what `calc_price` returns.
    """
    with localcontext() as exact:
        exact.prec = 80
        usage = genai_prices.Usage(**{_WORDS.get(key, key): n for key, n in counts.items()})
        if provider.id == "groq" and "whisper" in info.id and usage.audio_seconds:
            # What calc_price does to the counts before it prices them.
            heard = max(usage.audio_seconds, 10)
            usage.audio_seconds = usage.input_audio_seconds = heard
        whole = info.calc_price(
            usage, provider, genai_request_timestamp=at, price_context=context or None
        )
        sums = _unrounded(whole.model_price, usage)
        inputs = sums["input"] + sums["cache_read"] + sums["cache_write"]
        assert abs(inputs - whole.input_price) < _NO_DIGIT
        assert abs(sums["output"] - whole.output_price) < _NO_DIGIT
        assert abs(sum(sums.values()) - whole.total_price) < _NO_DIGIT
        return {name: usd.quantize(PICO, ROUND_HALF_EVEN) for name, usd in sums.items()}


def _unrounded(price: Any, usage: Any) -> dict[str, Decimal]:
    resolved = _collect_resolved_model_prices(price, _get_registry())
    leaves = _compute_registry_priced_counts(resolved, usage)
    sums = dict.fromkeys(("input", "cache_read", "cache_write", "output", "tools"), Decimal(0))
    prompt = usage.reported_value("input_tokens")
    for unit, rate in resolved:
        sums[_part(unit)] += calc_unit_price(rate, leaves[unit.usage_key], prompt, unit.per)
    return sums


def _part(unit: Any) -> str:
    kind = unit.dimensions.get("token_type")
    direction = unit.dimensions.get("direction", "tools")
    return kind if kind in ("cache_read", "cache_write") else direction
