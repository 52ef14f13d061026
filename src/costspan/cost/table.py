"""The price table of `genai-prices`: the one file that reads it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from costspan.cost.nearest import nearest
from costspan.cost.sellers import table_name
from costspan.cost.tariff import KEYS, PARTS, Tariff, Unit

_STANDARD_TIERS = frozenset({None, "", "auto", "default", "standard", "on_demand"})
_STANDARD_GEOS = frozenset({None, "", "global", "not_available"})
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
            valid_until=_next_change(info, when),
        )

    def nearest(self, provider: str, model: str) -> str | None:
        """The id in the table that looks most like `model`."""
        row = self._provider(provider)
        ids = [info.id for info in row.models] if row else []
        return next(iter(nearest(model, ids)), None)

    def models(self) -> Iterator[tuple[str, Any]]:
        """Every row: the provider's id and the model."""
        for row in self._snapshot.providers:
            for info in row.models:
                yield row.id, info

    def _provider(self, provider: str) -> Any:
        name = table_name(provider)
        return next((row for row in self._snapshot.providers if row.id == name), None)

    def _start_dates(self) -> Iterator[date]:
        for _, info in self.models():
            for constraint in _constraints(info):
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


def _constraints(info: Any) -> Iterator[Any]:
    rows = info.prices if isinstance(info.prices, list) else []
    for row in [*rows, *(info.price_variants or ())]:
        if row.constraint is not None:
            yield row.constraint


def _next_change(info: Any, when: datetime) -> float:
    """When a rule of the row may pick another price: seconds since the epoch."""
    midnight = (when + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight]
    for constraint in _constraints(info):
        for name in ("start_time", "end_time"):
            clock = getattr(constraint, name, None)
            if clock is not None:
                moment = datetime.combine(when.date(), clock.replace(tzinfo=clock.tzinfo or UTC))
                moments += [moment, moment + timedelta(days=1)]
    return min(moment for moment in moments if moment > when).timestamp()
