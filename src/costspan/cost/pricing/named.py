"""A model as a person names it, `gpt-5-mini` or `azure.ai.openai/gpt-5-mini`, and who bills it."""

from __future__ import annotations

import time

from msgspec import Struct

from costspan.call import Call, Request
from costspan.cost.pricing.explain import sellers
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import FlatTariff
from costspan.cost.pricing.sellers import convention_name
from costspan.cost.pricing.tariff import Tariff
from costspan.errors import ConfigurationError


class Named(Struct, frozen=True):
    """A model that has a price by tokens; `provider` as a span says it."""

    provider: str
    model: str


def named(prices: Prices, written: str) -> Named:
    """The model that is meant: of the provider that stands before it, else its maker's.

    Raises:
        ConfigurationError: nobody knows its price, or it is one by time.
    """
    found = [one for one in _meanings(prices, written) if _tariff(prices, one) is not None]
    exact = [one for one in found if not _is_assumed(_tariff(prices, one))]
    meant = next(iter(exact or found), None)
    if meant is None:
        raise ConfigurationError(
            f"no price is known for {written!r}: `costspan prices {written}` names models like it"
        )
    tariff = _tariff(prices, meant)
    if isinstance(tariff, FlatTariff) and tariff.is_by_time:
        raise ConfigurationError(
            f"{written!r} is priced by the second, and nobody knows how long other calls would "
            "take there: name a model that is priced by tokens"
        )
    return meant


def _meanings(prices: Prices, written: str) -> list[Named]:
    """Provider and model, as far as a slash parts them; else all of it is the model."""
    provider, slash, model = written.partition("/")
    parted = [Named(convention_name(provider), model)] if slash and provider and model else []
    sold_by = sellers(prices.load(), written)
    return [*parted, Named(convention_name(sold_by[0]) if sold_by else "", written)]


def _tariff(prices: Prices, model: Named) -> Tariff | None:
    request = Request(operation="chat", provider=model.provider, model=model.model)
    now = time.time_ns()
    return prices.tariff_of(
        Call(request=request, started_at=now, ended_at=now, runtime_seconds=0.0)
    )


def _is_assumed(tariff: Tariff | None) -> bool:
    return tariff is not None and tariff.match == "assumed"
