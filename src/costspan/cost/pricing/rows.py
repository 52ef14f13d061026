"""The dates in the rows of a price table, and what rows from outside must be like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


def constraints(info: Any) -> Iterator[Any]:
    """The rules by which a row's prices start, end or come back every day."""
    rows = info.prices if isinstance(info.prices, list) else []
    for row in [*rows, *(info.price_variants or ())]:
        if row.constraint is not None:
            yield row.constraint


def price_sets(info: Any) -> Iterator[Any]:
    """All the prices of a row, of any day and any variant."""
    dated = info.prices if isinstance(info.prices, list) else None
    yield from (row.prices for row in dated) if dated is not None else (info.prices,)
    yield from (variant.prices for variant in info.price_variants or ())


def newest_change(infos: Iterable[Any]) -> date | None:
    """The newest day, today (UTC) at most, on which one of the prices started."""
    today = datetime.now(UTC).date()
    starts = (getattr(rule, "start_date", None) for info in infos for rule in constraints(info))
    return max((day for day in starts if day is not None and day <= today), default=None)


def parsed(raw: Any, parse: Callable[[list[Any]], list[Any]]) -> list[Any]:
    """A decoded JSON table as providers.

    Raises:
        ValueError: it is no list of providers; the text names the provider and model at fault.
    """
    if not isinstance(raw, list):
        raise ValueError("expected a list of providers")
    providers: list[Any] = []
    for provider in raw:
        try:
            providers += parse([provider])
        except ValueError as fault:
            raise ValueError(f"{_place(provider, parse)}: {reason_of(fault)}") from None
    return providers


def reason_of(fault: Exception) -> str:
    """The first thing that an exception says, on one line; of a validator's list, the first."""
    errors = getattr(fault, "errors", None)
    if not callable(errors):
        return str(fault).partition("\n")[0]
    first = errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def checked(providers: Sequence[Any], coherent: Callable[[set[str]], None]) -> Sequence[Any]:
    """`providers`, whose every row can be priced.

    Args:
        providers: rows as `genai-prices` has them.
        coherent: raises ValueError for names of rates that are unknown or lack another.

    Raises:
        ValueError: naming the provider and the model at fault.
    """
    rows = [(provider, info) for provider in providers for info in provider.models]
    if not rows:
        raise ValueError("it holds no models")
    if len({provider.id for provider in providers}) < len(providers):
        raise ValueError("two of its providers have the same id")
    for provider, info in rows:
        try:
            _check(info, coherent)
        except ValueError as fault:
            raise ValueError(f"{provider.id}/{info.id}: {fault}") from None
    return providers


def _check(info: Any, coherent: Callable[[set[str]], None]) -> None:
    if info.prices == []:
        raise ValueError("its list of prices is empty")
    for pattern in _patterns(info.match):
        try:
            re.compile(pattern)
        except re.error as fault:
            raise ValueError(f"{pattern!r} is no regular expression: {fault}") from None
    variants = info.price_variants or ()
    for prices in price_sets(info):
        named = {name: price for name, price in vars(prices).items() if price is not None}
        for name, price in named.items():
            for rate in (getattr(price, "base", price), *(t.price for t in _tiers(price))):
                if not (isinstance(rate, Decimal) and rate.is_finite() and rate >= 0):
                    raise ValueError(f"{name} = {rate} is no price")
        if all(prices is not variant.prices for variant in variants):
            coherent(set(named))


def _patterns(clause: Any) -> Iterator[str]:
    """The regular expressions in a rule that matches models."""
    if hasattr(clause, "regex"):
        yield clause.regex
    for inner in (*getattr(clause, "or_", ()), *getattr(clause, "and_", ())):
        yield from _patterns(inner)


def _tiers(price: Any) -> Iterable[Any]:
    return getattr(price, "tiers", ())


def _place(provider: Any, parse: Callable[[list[Any]], list[Any]]) -> str:
    """The provider that cannot be read, and the first of its models that is at fault."""
    if not isinstance(provider, dict):
        return f"{provider!r:.40}"
    models = provider.get("models")
    for model in models if isinstance(models, list) else ():
        try:
            parse([{**provider, "models": [model]}])
        except ValueError:
            named = model.get("id") if isinstance(model, dict) else model
            return f"{provider.get('id')}/{named}"
    return str(provider.get("id"))
