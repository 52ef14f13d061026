"""The price table of `genai-prices`: the one file that reads it."""

from __future__ import annotations

import difflib
import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import combinations
from typing import Any

from costspan.cost.billed import KEYS
from costspan.cost.tariff import PARTS, Tariff, Unit
from costspan.cost.variants import constraints, context_of, lacking, next_change

_PROVIDERS: Mapping[str, str] = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gcp.vertex_ai": "google",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
}
"""The conventions' provider names that the table spells otherwise."""

_LEAST_SECONDS = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}
"""The shortest audio that is billed; no unit of the table, but its own calculation has it too."""

_PLAIN = (
    ("google", "", "input_audio_tokens"),
    ("google", "-tts", "output_audio_tokens"),
    ("openai", "-tts", "output_audio_tokens"),
    ("openai", "gpt-image-", "output_image_tokens"),
)
"""Providers, what is in a model's id, and counts that its row bills at the rate of their whole.

Google prints a rate for audio where it is not that of text; what speaks or draws has no other
output. Sources: https://ai.google.dev/gemini-api/docs/pricing and
https://developers.openai.com/api/docs/pricing, read in the notes of genai-prices 0.2.3.
"""

_FREE = ":free"
"""How OpenRouter ends the ids of its free models, whose rows hold no rate at all."""

_PRICED_KEYS = frozenset(KEYS.values()) | {"requests"}


class Table:
    """Rows of `genai-prices`, compiled on demand."""

    def __init__(self) -> None:
        from genai_prices.data_snapshot import get_snapshot
        from genai_prices.units import _get_registry

        self._snapshot = get_snapshot()
        self._registry = _get_registry()

        self.prices_as_of = self._as_of()
        """The table's version, and the newest date on which one of its prices changed."""

    def _as_of(self) -> str:
        version = importlib.metadata.version("genai-prices")
        today = datetime.now(UTC).date()
        newest = max((day for day in self._start_dates() if day <= today), default=None)
        return f"genai-prices {version}" + (f" (changes up to {newest})" if newest else "")

    def find(self, provider: str, model: str) -> tuple[Any, Any] | None:
        """The table's provider and model rows for a model that a provider bills."""
        row = self._provider(provider)
        if row is None:
            return None
        found = row.find_model(model, all_providers=self._snapshot.providers)
        return None if found is None else (row, found)

    def tariff(
        self,
        provider: str,
        model: str,
        *,
        tier: str | None = None,
        speed: str | None = None,
        geo: str | None = None,
        at: float,
    ) -> Tariff | None:
        """The rates for `model` at a moment (seconds since the epoch); None where no row fits."""
        found = self.find(provider, model)
        if found is None:
            return None
        row, info = found
        when = datetime.fromtimestamp(at, UTC)
        context = context_of(row.id, tier, speed)
        own = any(info is one for one in row.models)
        prices = info.get_prices(when, context if own else None)
        lacks = lacking(info if own else None, context, geo, when)
        units, starts = self._units(prices)
        if not units and info.id.endswith(_FREE):
            units = _nothing_to_pay()
        return Tariff(
            model=info.id,
            match="exact" if is_exact(info, model) else "approximate",
            prices_as_of=self.prices_as_of,
            units=units,
            starts=starts,
            lacks=lacks,
            plain=_plain(row, info, own),
            least_seconds=_LEAST_SECONDS.get((row.id, info.id), 0),
            valid_until=next_change(info, when),
        )

    def nearest(self, provider: str, model: str) -> str | None:
        """The id in the table that looks most like `model`: the same words in any order first."""
        row = self._provider(provider)
        ids: list[str] = [info.id for info in row.models] if row else []
        words = _words(model)
        same = [one for one in ids if words <= _words(one)] if len(words) > 1 else []
        if same:
            return min(same, key=lambda one: len(_words(one)))
        close = difflib.get_close_matches(model, ids, n=1, cutoff=0.7)
        return close[0] if close else None

    def models(self) -> Iterator[tuple[str, Any]]:
        """Every row: the provider's id and the model."""
        for row in self._snapshot.providers:
            for info in row.models:
                yield row.id, info

    def _provider(self, provider: str) -> Any:
        name = _PROVIDERS.get(provider, provider)
        return next((row for row in self._snapshot.providers if row.id == name), None)

    def _start_dates(self) -> Iterator[date]:
        for _, info in self.models():
            for constraint in constraints(info):
                day = getattr(constraint, "start_date", None)
                if day is not None:
                    yield day

    def _units(self, prices: Any) -> tuple[list[Unit], list[int]]:
        """The priced counts, parts before the wholes, and where the bands of rates start."""
        priced: dict[str, tuple[Any, Any]] = {}
        for key, price in vars(prices).items():
            if price is None or key.startswith("_"):
                continue
            unit = self._registry.unit_for_price_key(key)
            if unit.usage_key in _PRICED_KEYS:
                priced[unit.usage_key] = (unit, price)
        starts = sorted({tier.start for _, price in priced.values() for tier in _tiers(price)})
        ordered = sorted(priced, key=lambda key: (-len(priced[key][0].dimensions), key))
        return [self._unit(key, priced, ordered, starts) for key in ordered], starts

    def _unit(
        self,
        key: str,
        priced: Mapping[str, tuple[Any, Any]],
        ordered: list[str],
        starts: list[int],
    ) -> Unit:
        unit, price = priced[key]
        own = unit.dimensions
        kinds = {other: priced[other][0].dimensions for other in ordered if other != key}
        wholes = sorted(other for other, kind in kinds.items() if kind.items() <= own.items())
        return Unit(
            key=key,
            part=_part(own),
            attos=tuple(_attos(_rate(price, start), unit.per) for start in [None, *starts]),
            within=tuple(other for other, kind in kinds.items() if own.items() <= kind.items()),
            overlaps=tuple(
                (one, other)
                for one, other in combinations(wholes, 2)
                if {**kinds[one], **kinds[other]} == dict(own)
            ),
        )


def is_exact(info: Any, model: str) -> bool:
    """Whether the row names this very model, rather than matching it by a rule."""
    return model.lower() in {info.id.lower(), *_equal_ids(info.match)}


def _equal_ids(clause: Any) -> Iterator[str]:
    equal = getattr(clause, "equals", None)
    if equal is not None:
        yield equal.lower()
    for inner in getattr(clause, "or_", ()):
        yield from _equal_ids(inner)


def _words(model: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", model.lower()))


def _plain(row: Any, info: Any, own: bool) -> list[str]:
    """What `_PLAIN` says of a row, also where another provider sells the model."""
    sellers = {row.id} if own else {row.id, *(row.fallback_model_providers or ())}
    return [count for name, part, count in _PLAIN if name in sellers and part in info.id]


def _nothing_to_pay() -> list[Unit]:
    return [
        Unit(key=key, part=PARTS.index(part), attos=(Fraction(0),))
        for key, part in (("input_tokens", "input"), ("output_tokens", "output"))
    ]


def _part(dimensions: Mapping[str, str]) -> int:
    direction = dimensions.get("direction")
    if direction == "output":
        return PARTS.index("output")
    if direction == "input":
        kind = dimensions.get("token_type")
        return PARTS.index(kind if kind in ("cache_read", "cache_write") else "input")
    return PARTS.index("tools")


def _tiers(price: Any) -> list[Any]:
    return getattr(price, "tiers", None) or []


def _rate(price: Any, start: int | None) -> Any:
    """The rate above `start` tokens of prompt; the base rate for None."""
    if not hasattr(price, "tiers"):
        return price
    rate = price.base
    for tier in price.tiers:
        if start is not None and tier.start <= start:
            rate = tier.price
    return rate


def _attos(rate: Any, per: int) -> Fraction:
    return Fraction(rate) * 10**18 / per
