"""Rates of one's own, for models that no table has or that cost something else here."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from msgspec import Struct

from costspan.call import Cost, Usage
from costspan.cost.pricing.tariff import ATTOS_PER_PICO, Parts, Tariff, Unit
from costspan.errors import ConfigurationError

Amount = Decimal | float | int | str
"""US dollars, taken as they are written: 0.1 is a tenth and no binary fraction near it."""

SECONDS_PER_HOUR = 3600


class Rate(Struct, frozen=True, kw_only=True):
    """A price of one's own: US dollars per million tokens, or per hour of a GPU.

    `cache_read` and `cache_write` default to the price of input. A call is billed either by its
    tokens or by its time.

    Raises:
        ConfigurationError: a price is negative or no number, none is given, or both kinds are.
    """

    input: Amount | None = None
    output: Amount | None = None
    cache_read: Amount | None = None
    cache_write: Amount | None = None
    gpu_usd_per_hour: Amount | None = None

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        named = [name for name, value in given.items() if value is not None]
        for name in named:
            _check(name, given[name])
        if not named:
            raise ConfigurationError(
                "Rate() needs a price: Rate(input=0.10, output=0.40), Rate(gpu_usd_per_hour=1.20), "
                "or Rate.free()"
            )
        if self.gpu_usd_per_hour is not None and len(named) > 1:
            raise ConfigurationError(
                f"Rate({', '.join(f'{name}={given[name]!r}' for name in named)}) is billed either "
                "by tokens or by time: leave out gpu_usd_per_hour, or all the others"
            )

    @classmethod
    def free(cls) -> Rate:
        """A model that costs nothing, such as one on your own machine."""
        return cls(input=0, output=0)


class FlatTariff(Tariff):
    """A price of a whole call that asks for no counts: nothing, or the time that it ran."""

    __slots__ = ("_attos_per_second",)

    def __init__(self, model: str | None, match: str, usd_per_hour: Fraction) -> None:
        super().__init__(model=model, match=match, prices_as_of=None, units=[])
        self._attos_per_second = usd_per_hour * 10**18 / SECONDS_PER_HOUR

    @property
    def is_by_time(self) -> bool:
        """Whether it costs the time that a call ran, and not nothing."""
        return self._attos_per_second > 0

    def per_token(self, prompt: int) -> tuple[int, ...] | None:
        """Nothing for each, or None where time is billed."""
        return None if self.is_by_time else super().per_token(prompt)

    def parts(self, usage: Usage) -> Parts:
        """Nothing: no count is billed."""
        return Parts()

    def cost(self, seconds: float) -> Cost:
        """The cost of a call that ran for `seconds`."""
        picos = round(self._attos_per_second * Fraction(seconds) / ATTOS_PER_PICO)
        return Cost(
            status="priced",
            total=picos,
            input=0,
            cache_read=0,
            cache_write=0,
            output=0,
            tools=picos,
            model=self.model,
            match=self.match,
        )


def own_tariff(rate: Rate, model: str | None, match: str) -> Tariff:
    """`rate` as the tariff of one model; a count that it does not price has no rate.

    `match` is `override` or `assumed`.
    """
    if rate.gpu_usd_per_hour is not None:
        return FlatTariff(model, match, _exact(rate.gpu_usd_per_hour))
    read = rate.cache_read if rate.cache_read is not None else rate.input
    written = rate.cache_write if rate.cache_write is not None else rate.input
    prices = {
        "output_tokens": rate.output,
        "cache_write_tokens": written,
        "cache_read_tokens": read,
        "input_tokens": rate.input,
    }
    rates = {key: _exact(price) for key, price in prices.items() if price is not None}
    if len(rates) == len(prices) and not any(rates.values()):
        return FlatTariff(model, match, Fraction(0))
    units = [
        Unit(
            key=key,
            part=_PARTS[key],
            attos=(price * 10**12,),
            within=("cache_read_tokens", "cache_write_tokens") if key == "input_tokens" else (),
        )
        for key, price in rates.items()
    ]
    return Tariff(model=model, match=match, prices_as_of=None, units=units)


_PARTS = {"input_tokens": 0, "cache_read_tokens": 1, "cache_write_tokens": 2, "output_tokens": 3}


def _exact(amount: Amount) -> Fraction:
    return Fraction(Decimal(str(amount)))


def _check(name: str, value: Any) -> None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ConfigurationError(
            f"Rate({name}={value!r}) is no price: give US dollars as a number that is not negative"
        )
