"""What two price tables say differently of the same models, from today on.

Prices are compared as calls meet them: a price that a table words otherwise, or that held only
in the past, is no change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from msgspec import Struct

from costspan.call import plain
from costspan.cost.pricing.rows import constraints, price_sets
from costspan.cost.pricing.table import Table


class Change(Struct, frozen=True):
    """One rate of one model that differs between two tables.

    Args:
        provider: the table's own name of who bills it, such as `openai` or `google`.
        model: the row's id.
        key: the table's name of the rate, and under which conditions it holds, such as
            `input_mtok` or `input_mtok above 200000 tokens, service_tier=flex, from 2026-12-01`.
        before: US dollars per the key's unit (`_mtok` a million tokens, `_kcount` a thousand
            times); None where the table has no such rate.
        after: the same in the other table.
        kind: `"appeared"` and `"vanished"` are said of a whole model, `"changed"` of one rate. A
            model without any rate comes or goes as one change with an empty key.
    """

    provider: str
    model: str
    key: str
    before: Decimal | None
    after: Decimal | None
    kind: str = "changed"

    @property
    def factor(self) -> Decimal | None:
        """By what the rate is multiplied; None where one of the two is absent or 0."""
        return self.after / self.before if self.before and self.after else None

    def __str__(self) -> str:
        """`openai/gpt-4o input_mtok: 2.5 -> 5 USD (x 2)`."""
        model = f"{self.provider}/{self.model}"
        if not self.key:
            return f"{model}: {self.kind}, without rates"
        if self.kind != "changed":
            rate = self.after if self.before is None else self.before
            return f"{model} {self.key}: {self.kind}, {_amount(rate)} USD"
        times = "" if self.factor is None else f" (x {plain(round(self.factor, 3))})"
        return f"{model} {self.key}: {_amount(self.before)} -> {_amount(self.after)} USD{times}"


def compare(before: Table, after: Table) -> list[Change]:
    """Every rate that is not the same in both, by provider and model in the tables' order."""
    rows, others = dict(_rows(before)), dict(_rows(after))
    found: list[Change] = []
    for provider, model in dict.fromkeys((*rows, *others)):
        old, new = rows.get((provider, model)), others.get((provider, model))
        found += changes(provider, model, old, new)
    return found


def changes(provider: str, model: str, old: Any, new: Any) -> list[Change]:
    """How the rates of one model differ between two rows of tables; None where there is no row."""
    kind = "appeared" if old is None else "vanished" if new is None else "changed"
    today = datetime.now(UTC).date()
    return [
        Change(provider, model, key, was, will_be, kind)
        for key, (was, will_be) in _differences(old, new, today)
    ]


Pair = tuple[Decimal | None, Decimal | None]


class _Key(Struct, frozen=True):
    """A rate and the conditions under which it holds; None where there is none."""

    name: str
    context: tuple[tuple[str, str], ...] = ()
    above: int | None = None
    day: date | None = None
    clock: time | None = None

    def __str__(self) -> str:
        conditions = [f"{name}={value}" for name, value in self.context]
        if self.above is not None:
            conditions.insert(0, f"above {self.above} tokens")
        if self.day is not None:
            conditions.append(f"from {self.day}")
        if self.clock is not None:
            conditions.append(f"from {self.clock:%H:%M} UTC")
        return f"{self.name} {', '.join(conditions)}".rstrip()

    def wider(self) -> Iterator[_Key]:
        """The same rate at the first size, on the first day or at the first hour."""
        if self.above is not None:
            yield _Key(self.name, self.context, None, self.day, self.clock)
        if self.day is not None:
            yield _Key(self.name, self.context, self.above, None, self.clock)
        if self.clock not in (None, time(0)):
            yield _Key(self.name, self.context, self.above, self.day, time(0))


def _rows(table: Table) -> Iterator[tuple[tuple[str, str], Any]]:
    for provider, info in table.models():
        yield (provider, info.id), info


def _differences(old: Any, new: Any, today: date) -> Iterator[tuple[str, Pair]]:
    grid = [info for info in (old, new) if info is not None]
    if len(grid) == 2 and (old.prices, old.price_variants) == (new.prices, new.price_variants):
        return
    were = {} if old is None else _rates(old, grid, today)
    will_be = {} if new is None else _rates(new, grid, today)
    pairs = {key: (were.get(key), will_be.get(key)) for key in {**were, **will_be}}
    if not pairs and len(grid) == 1:
        yield "", (None, None)
    for key, pair in pairs.items():
        # A tier or a later day that changes just as its base does is not said again.
        if pair[0] != pair[1] and all(pairs.get(wider) != pair for wider in key.wider()):
            yield str(key), pair


def _rates(info: Any, grid: list[Any], today: date) -> dict[_Key, Decimal]:
    """The row's rates at every size, day and hour at which one of `grid` changes a price."""
    rates: dict[_Key, Decimal] = {}
    for day, clock in _moments(grid, today):
        when = datetime.combine(day or today, clock or time(0), UTC)
        for context, prices in _in_force(info, when):
            for name, price in prices.items():
                for above in (None, *_starts(grid, name)):
                    rates[_Key(name, context, above, day, clock)] = _at(price, above)
    return rates


def _in_force(
    info: Any, when: datetime
) -> Iterator[tuple[tuple[tuple[str, str], ...], dict[str, Any]]]:
    """The plain rates, and for each context the ones that it changes."""
    yield (), _priced(info.get_prices(when))
    variants = [
        variant
        for variant in info.price_variants or ()
        if variant.constraint is None or variant.constraint.active(when)
    ]
    for context in dict.fromkeys(tuple(sorted(variant.when.items())) for variant in variants):
        own = {
            name
            for variant in variants
            if variant.when.items() <= dict(context).items()
            for name in _priced(variant.prices)
        }
        prices = _priced(info.get_prices(when, dict(context)))
        yield context, {name: prices[name] for name in prices if name in own}


def _priced(prices: Any) -> dict[str, Any]:
    return {name: price for name, price in vars(prices).items() if price is not None}


def _moments(grid: list[Any], today: date) -> Iterator[tuple[date | None, time | None]]:
    """Today and each later day on which a price starts, and each hour at which one does."""
    rules = [rule for info in grid for rule in constraints(info)]
    days = {day for rule in rules if (day := getattr(rule, "start_date", None)) is not None}
    clocks = {
        datetime.combine(today, clock, clock.tzinfo or UTC).astimezone(UTC).time()
        for rule in rules
        for name in ("start_time", "end_time")
        if (clock := getattr(rule, name, None)) is not None
    }
    for day in (None, *sorted(day for day in days if day > today)):
        for clock in sorted(clocks | {time(0)}) if clocks else (None,):
            yield day, clock


def _starts(grid: list[Any], name: str) -> list[int]:
    """The sizes of prompts at which a rate of this name changes in one of the rows."""
    return sorted(
        {
            tier.start
            for info in grid
            for prices in price_sets(info)
            for tier in getattr(vars(prices).get(name), "tiers", ())
        }
    )


def _at(price: Any, above: int | None) -> Decimal:
    """The rate for a prompt of more than `above` tokens."""
    rate: Decimal = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if above is not None and tier.start <= above:
            rate = tier.price
    return rate


def _amount(rate: Decimal | None) -> str:
    return "none" if rate is None else plain(rate)
