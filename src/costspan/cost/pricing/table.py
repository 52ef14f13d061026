"""The price table of `genai-prices`: the one file that reads it."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

from costspan.cost.pricing.billed import KEYS
from costspan.cost.pricing.nearest import nearest
from costspan.cost.pricing.rows import checked, newest_change, parsed
from costspan.cost.pricing.sellers import table_name
from costspan.cost.pricing.tariff import PARTS, Tariff, Unit
from costspan.cost.pricing.variants import context_of, lacking, next_change
from costspan.errors import ConfigurationError

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
    """Rows of `genai-prices`, compiled on demand.

    Args:
        providers: the package's own rows.
        source: where they are from, for people.
        fetched_on: the day (UTC) on which they were the newest that there are.
    """

    def __init__(
        self, providers: Sequence[Any], source: str, fetched_on: date | None = None
    ) -> None:
        from genai_prices.units import _get_registry

        self.providers = providers
        self._registry = _get_registry()

        self.source = source
        self.fetched_on = fetched_on
        self.newest_change = newest_change(info for _, info in self.models())
        changes = f" (changes up to {self.newest_change})" if self.newest_change else ""
        self.prices_as_of = source + changes
        """Which table this is, and its newest date."""

    @classmethod
    def bundled(cls) -> Table:
        """The table that the installed package brings."""
        from genai_prices.data import providers

        return cls(providers, f"genai-prices {importlib.metadata.version('genai-prices')}")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Table:
        """The table of a JSON file in the format of genai-prices' `data.json`.

        Raises:
            ConfigurationError: the file cannot be read, or is no such table.
        """
        from genai_prices.types import _providers_from_raw

        try:
            raw = json.loads(Path(path).read_bytes())
            providers = _checked(parsed(raw, _providers_from_raw))
        except OSError as fault:
            raise ConfigurationError(
                f"the price table {path} cannot be read ({fault.strerror})"
            ) from None
        except ValueError as fault:
            raise ConfigurationError(
                f"the price table {path} is no table in genai-prices' format: {fault}"
            ) from None
        return cls(providers, str(path))

    @classmethod
    def fetched(cls, url: str | None = None, timeout: float = 10.0) -> Table:
        """The table that the network has now. Nothing of the library's own state is changed.

        Args:
            url: of the JSON file; by default genai-prices' own.
            timeout: seconds that a connection, and each read, may take.

        Raises:
            Exception: whatever the network or the answer is at fault with; `ValueError` where the
                rows are no such table.
        """
        from genai_prices.update_prices import DEFAULT_UPDATE_URL, UpdatePrices

        updater = UpdatePrices(url=url or DEFAULT_UPDATE_URL, request_timeout=timeout)  # type: ignore[arg-type]
        snapshot = updater.fetch()
        today = datetime.now(UTC).date()
        if snapshot is None:
            raise ValueError("it holds no table")
        return cls(_checked(snapshot.providers), f"genai-prices fetched {today}", today)

    def find(self, provider: str, model: str) -> tuple[Any, Any] | None:
        """The table's provider and model rows for a model that a provider bills."""
        row = self._provider(provider)
        if row is None:
            return None
        found = row.find_model(model, all_providers=self.providers)
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
        """The id in the table that looks most like `model`: the words in any order."""
        row = self._provider(provider)
        ids = [info.id for info in row.models] if row else []
        return next(iter(nearest(model, ids)), None)

    def prepare(self, providers: Iterable[str]) -> None:
        """Have what the first price of these providers would wait for: their rules, compiled."""
        at = datetime.now(UTC).timestamp()
        for provider in providers:
            row = self._provider(provider)
            for model in ("no such model", *(info.id for info in (row.models[:1] if row else ()))):
                self.tariff(provider, model, at=at)

    def models(self) -> Iterator[tuple[str, Any]]:
        """Every row: the provider's id and the model."""
        for row in self.providers:
            for info in row.models:
                yield row.id, info

    def _provider(self, provider: str) -> Any:
        name = table_name(provider)
        return next((row for row in self.providers if row.id == name), None)

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


def _checked(providers: Sequence[Any]) -> Sequence[Any]:
    from genai_prices.units import _get_registry
    from genai_prices.validation import validate_model_price

    return checked(providers, lambda keys: validate_model_price(keys, _get_registry()))


def is_exact(info: Any, model: str) -> bool:
    """Whether the row names this very model, rather than matching it by a rule."""
    return model.lower() in {info.id.lower(), *_equal_ids(info.match)}


def _equal_ids(clause: Any) -> Iterator[str]:
    equal = getattr(clause, "equals", None)
    if equal is not None:
        yield equal.lower()
    for inner in getattr(clause, "or_", ()):
        yield from _equal_ids(inner)


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
    numerator, denominator = rate.as_integer_ratio()
    return Fraction(numerator * 10**18, denominator * per)
