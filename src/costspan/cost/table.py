"""The price table of `genai-prices`: the one file that reads it."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from costspan.cost.nearest import nearest
from costspan.cost.rows import checked, newest_change, next_change, parsed
from costspan.cost.sellers import table_name
from costspan.cost.tariff import KEYS, PARTS, Tariff, Unit
from costspan.errors import ConfigurationError

_STANDARD_TIERS = frozenset({None, "", "auto", "default", "standard", "on_demand"})
_STANDARD_GEOS = frozenset({None, "", "global", "not_available"})
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
        context = _context(tier, speed)
        own = any(info is one for one in row.models)
        prices = info.get_prices(when, context if own else None)
        lacks = _lacking(info if own else None, context, when)
        if geo not in _STANDARD_GEOS:
            lacks = (*lacks, "inference_geo")
        units, starts = self._units(prices)
        return Tariff(
            model=info.id,
            match="exact" if is_exact(info, model) else "approximate",
            prices_as_of=self.prices_as_of,
            units=units,
            starts=starts,
            lacks=lacks,
            valid_until=next_change(info, when),
        )

    def nearest(self, provider: str, model: str) -> str | None:
        """The id in the table that looks most like `model`."""
        row = self._provider(provider)
        ids = [info.id for info in row.models] if row else []
        return next(iter(nearest(model, ids)), None)

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
        inside = unit.dimensions.items()
        return Unit(
            key=key,
            part=_part(unit.dimensions),
            attos=tuple(_attos(_rate(price, start), unit.per) for start in [None, *starts]),
            within=tuple(
                other
                for other in ordered
                if other != key and inside <= priced[other][0].dimensions.items()
            ),
            overlaps=tuple(
                (one, other)
                for one in ordered
                for other in ordered
                if one < other
                and key not in (one, other)
                and {**priced[one][0].dimensions, **priced[other][0].dimensions}
                == dict(unit.dimensions)
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


def _context(tier: str | None, speed: str | None) -> dict[str, str]:
    context: dict[str, str] = {}
    if tier == "batch":
        context["processing"] = "batch"
    elif tier is not None and tier not in _STANDARD_TIERS:
        context["service_tier"] = tier
    if speed not in (None, "", "standard"):
        context["speed"] = str(speed)
    return context


def _lacking(info: Any, context: Mapping[str, str], when: datetime) -> tuple[str, ...]:
    """The facts of `context` for which the row has no rates in force."""
    names = {"processing": "service_tier"}
    return tuple(
        names.get(key, key) for key, value in context.items() if not _varies(info, key, value, when)
    )


def _varies(info: Any, key: str, value: str, when: datetime) -> bool:
    for variant in getattr(info, "price_variants", None) or ():
        active = variant.constraint is None or variant.constraint.active(when)
        if active and variant.when.get(key) == value:
            return True
    return False


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
