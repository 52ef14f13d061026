"""Rates of one's own, for models that no table has or that cost something else here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from msgspec import Struct

from costspan.call import Cost
from costspan.cost.tariff import ATTOS_PER_PICO, Tariff, Unit
from costspan.errors import ConfigurationError


class Rate(Struct, frozen=True, kw_only=True):
    """A price of one's own: US dollars per million tokens, or per hour of a GPU.

    `cache_read` and `cache_write` default to the price of input.

    Raises:
        ConfigurationError: a price is negative or no number, or none is given.
    """

    input: Decimal | float | int | None = None
    output: Decimal | float | int | None = None
    cache_read: Decimal | float | int | None = None
    cache_write: Decimal | float | int | None = None
    gpu_usd_per_hour: Decimal | float | int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        given = [getattr(self, name) for name in self.__struct_fields__]
        if all(value is None for value in given):
            raise ConfigurationError(
                "Rate() needs a price: Rate(input=0.10, output=0.40), Rate(gpu_usd_per_hour=1.20), "
                "or Rate.free()"
            )
        for name, value in zip(self.__struct_fields__, given, strict=True):
            _decimal(name, value)

    @classmethod
    def free(cls) -> Rate:
        """A model that costs nothing, such as one on your own machine."""
        return cls(input=0, output=0)


def own_cost(tariff: Tariff, seconds: float) -> Cost:
    """The cost by a rate that asks for no counts: a GPU's time, or nothing."""
    picos = 0
    if tariff.match == "gpu":
        picos = round(tariff.units[0].attos[0] * Fraction(seconds) / ATTOS_PER_PICO)
    return Cost(
        status="priced",
        total=picos,
        input=0,
        cache_read=0,
        cache_write=0,
        output=0,
        tools=picos,
        model=tariff.model,
        match="override",
    )


def own_tariff(rate: Rate, model: str, match: str) -> Tariff:
    """`rate` as the tariff of one model; a count that it does not price has no rate."""
    if rate.gpu_usd_per_hour is not None:
        hourly = Fraction(Decimal(str(rate.gpu_usd_per_hour)))
        second = Unit(key="gpu_seconds", part=4, attos=(hourly * 10**18 / 3600,))
        return Tariff(model=model, match="gpu", prices_as_of=None, units=[second])
    if rate == Rate.free():
        return Tariff(model=model, match="free", prices_as_of=None, units=[])
    read = rate.cache_read if rate.cache_read is not None else rate.input
    written = rate.cache_write if rate.cache_write is not None else rate.input
    rates = {
        "input_tokens": (0, rate.input),
        "cache_read_tokens": (1, read),
        "cache_write_tokens": (2, written),
        "output_tokens": (3, rate.output),
    }
    units = [
        Unit(
            key=key,
            part=part,
            attos=(Fraction(Decimal(str(price))) * 10**12,),
            within=("cache_read_tokens", "cache_write_tokens") if key == "input_tokens" else (),
        )
        for key, (part, price) in reversed(rates.items())
        if price is not None
    ]
    return Tariff(model=model, match=match, prices_as_of=None, units=units)


def _decimal(name: str, value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ConfigurationError(
            f"Rate({name}={value!r}) is no price: give US dollars as a number that is not negative"
        )
    return amount


def checked_overrides(overrides: Mapping[str, Rate] | None) -> list[tuple[str, Rate]]:
    """Keys with their rates, the most exact first."""
    for key, rate in (overrides or {}).items():
        if not isinstance(key, str) or not key or "*" in key[:-1]:
            raise ConfigurationError(
                f"Prices(overrides={{{key!r}: ...}}): a key is a model, 'provider/model' or "
                "'host:port/model', with '*' at its end at most"
            )
        if not isinstance(rate, Rate):
            raise ConfigurationError(
                f"Prices(overrides={{{key!r}: {rate!r}}}): give a Rate(input=..., output=...)"
            )
    return sorted((overrides or {}).items(), key=lambda item: (item[0][-1] == "*", -len(item[0])))
