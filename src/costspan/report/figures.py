"""What is said of some calls: sums that can be added up, and percentiles that cannot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

_PERCENTILES = ("p50", "p95", "p99")


class Figures(Struct, frozen=True):
    """Figures of some calls. None is what none of them said, and not the same as 0.

    Tokens, seconds and US dollars are sums over the calls that have them. `latency` and
    `first_token` are the 50th, 95th and 99th percentile in milliseconds. The five fields before
    them serve the rates: input and cached tokens of the calls that say both, output tokens and
    seconds of the calls that put some out, and seconds of the calls that are priced by them.
    """

    calls: int = 0
    errors: int = 0
    unpriced_calls: int = 0
    partial_calls: int = 0
    estimated_calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    input_usd: Decimal | None = None
    cache_read_usd: Decimal | None = None
    cache_write_usd: Decimal | None = None
    output_usd: Decimal | None = None
    tools_usd: Decimal | None = None
    runtime_seconds: Decimal | None = None
    cacheable_tokens: int | None = None
    hit_tokens: int | None = None
    timed_tokens: int | None = None
    timed_seconds: Decimal | None = None
    gpu_seconds: Decimal | None = None
    latency: tuple[float, ...] | None = None
    first_token: tuple[float, ...] | None = None

    @property
    def cache_hit_rate(self) -> float | None:
        """The part of the input that came from the provider's cache, 0 to 1."""
        if not self.cacheable_tokens or self.hit_tokens is None:
            return None
        return self.hit_tokens / self.cacheable_tokens

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens by the seconds of the calls that made them."""
        if not self.timed_seconds or self.timed_tokens is None:
            return None
        return self.timed_tokens / float(self.timed_seconds)

    @property
    def gpu_hours(self) -> float | None:
        """Hours of the calls that are priced by their time, as those of a local model are."""
        return None if self.gpu_seconds is None else float(self.gpu_seconds / 3600)

    def as_dict(self) -> dict[str, Any]:
        """Every figure by its name in the JSON of a report; sums with decimals are `Decimal`."""
        found = {name: getattr(self, name) for name in SUMS}
        found["cache_hit_rate"] = _rounded(self.cache_hit_rate, 6)
        found["tokens_per_second"] = _rounded(self.tokens_per_second, 3)
        found["gpu_hours"] = _rounded(self.gpu_hours, 6)
        for name, values in (("latency", self.latency), ("ttft", self.first_token)):
            for index, percentile in enumerate(_PERCENTILES):
                value = None if values is None else values[index]
                found[f"{name}_{percentile}_ms"] = _rounded(value, 3)
        return found


_SUMMED = Figures.__struct_fields__[:-2]
SUMS = _SUMMED[:-5]
"""The sums that a report names."""


def together(figures: list[Figures]) -> Figures:
    """The sums of several; percentiles of parts say nothing of the whole and are None."""
    if not figures:
        return Figures()
    return Figures(**{name: _sum([getattr(one, name) for one in figures]) for name in _SUMMED})


def _sum(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
