"""Where the price of a model comes from, as facts for `costspan prices`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct

from costspan.call import Call, Cost, Request, Response, Usage
from costspan.cost.pricing import provenance
from costspan.cost.pricing.nearest import nearest
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.provenance import Variant
from costspan.cost.pricing.rates import FlatTariff, Rate
from costspan.cost.pricing.sellers import CONVENTION_NAMES, convention_name, table_name
from costspan.cost.pricing.table import Table, is_exact
from costspan.cost.pricing.tariff import Tariff, Unit
from costspan.providers.openai_hosts import PROVIDERS, provider_at

_MAKERS = ("openai", "anthropic", "google")
"""Whose price is meant where nobody says who bills the call."""

_MEASURES = {
    "tokens": 10**6,
    "characters": 10**6,
    "pixels": 10**9,
    "seconds": 3600,
}
_MEASURE_OF_TIMES = 1000
"""By the last word of a count, how many of it a price is given for; else a thousand times."""

_NEAREST = 3


class Question(Struct, frozen=True, kw_only=True):
    """A price that somebody asks for.

    `usage` are the counts of a call to be priced, `seconds` the time that it ran; None for rates
    alone.
    """

    model: str
    provider: str | None = None
    host: str | None = None
    port: int | None = None
    tier: str | None = None
    speed: str | None = None
    geo: str | None = None
    at: datetime
    usage: Usage | None = None
    seconds: float | None = None


class Rated(Struct, frozen=True):
    """One rate: US dollars per `per` of a count, for each size of prompt in turn."""

    count: str
    per: int
    usd: tuple[Decimal, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """What is known of a price.

    Attributes:
        source: `table`, `override`, `assumed` (`Prices(unknown=Rate(...))`) or `none`.
        provider: who bills it, as a span says; `seller` as the table says; `lender` is the provider
            whose row serves where the seller has none of its own.
        row, match, rule: the table's row, whether it is `exact` or `approximate`, and why it fits.
        key: of the override.
        since: the day on which the plain rates began, None for as long as the table goes back;
            `hours` are those of the day at which they hold, `next_start` is the next day on which
            the row's prices change.
        starts: sizes of the prompt above which the next of each rate's dollars hold; `band` says
            which of them hold for the call.
        lacks: facts for which the row has no rates; `unrated` are counts for which it has none.
        flat_usd_per_hour: for a price by time; 0 where the model is free.
        nearest: ids that look like the model's where it has no price; `meant_provider` is the name
            that looks like the provider's, where nobody knows that one.
        cost: of the counts that were given, None where none were.
    """

    question: Question
    source: str = "none"
    provider: str
    seller: str | None = None
    lender: str | None = None
    row: str | None = None
    match: str | None = None
    rule: str | None = None
    key: str | None = None
    since: date | None = None
    hours: str | None = None
    next_start: date | None = None
    rates: tuple[Rated, ...] = ()
    starts: tuple[int, ...] = ()
    band: int = 0
    variants: tuple[Variant, ...] = ()
    lacks: tuple[str, ...] = ()
    unrated: tuple[str, ...] = ()
    flat_usd_per_hour: Decimal | None = None
    also_sold_by: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    meant_provider: str | None = None
    prices_as_of: str
    cost: Cost | None = None


def explain(prices: Prices, question: Question) -> Explanation:
    """What `prices` has for a model, and why.

    Raises:
        ConfigurationError: the table cannot be read.
    """
    table = prices.load()
    sold_by = sellers(table, question.model)
    provider = question.provider and convention_name(question.provider)
    if provider is None and question.host is not None:
        provider = provider_at(question.host, question.port)
    if provider is None:
        provider = convention_name(sold_by[0]) if sold_by else ""
    call = _call(question, provider)
    tariff = prices.tariff_of(call)
    facts: dict[str, Any] = {
        "question": question,
        "provider": provider,
        "also_sold_by": tuple(one for one in sold_by if one != table_name(provider)),
        "prices_as_of": prices.as_of,
    }
    if tariff is None:
        close = tuple(_nearest(table, provider, question.model))
        return Explanation(**facts, nearest=close, meant_provider=_meant(table, provider))
    facts |= _rates(tariff, question)
    facts |= _origin(prices, call, tariff)
    if question.seconds is not None or (
        question.usage is not None and not facts.get("flat_usd_per_hour")
    ):
        facts["cost"] = prices.cost(call)
    return Explanation(**facts)


def sellers(table: Table, model: str) -> list[str]:
    """The table's names of those who have a row for a model, the likeliest first."""
    found: dict[str, bool] = {}
    for seller in table.providers:
        info = seller.find_model(model)
        if info is not None:
            found[seller.id] = is_exact(info, model)
    makers = [maker for maker in _MAKERS if maker in found]
    others = sorted((one for one in found if one not in makers), key=lambda one: not found[one])
    return [*makers, *others]


def _call(question: Question, provider: str) -> Call:
    request = Request(
        operation="chat",
        provider=provider,
        model=question.model,
        server_address=question.host,
        server_port=question.port,
    )
    response = Response(
        usage=question.usage,
        service_tier=question.tier,
        speed=question.speed,
        inference_geo=question.geo,
    )
    at = round(question.at.timestamp() * 10**6) * 1000
    seconds = question.seconds or 0.0
    return Call(
        request=request, response=response, started_at=at, ended_at=at, runtime_seconds=seconds
    )


def _rates(tariff: Tariff, question: Question) -> dict[str, Any]:
    tokens = 0 if question.usage is None else question.usage.input_tokens or 0
    return {
        "match": tariff.match,
        "rates": tuple(_rated(unit.key, unit.attos) for unit in sorted(tariff.units, key=_order)),
        "starts": tariff.starts,
        "band": sum(tokens > start for start in tariff.starts),
        "lacks": tariff.lacks,
        "unrated": tuple(_unrated(tariff)),
    }


def _order(unit: Unit) -> tuple[int, int, str]:
    """Input, cache, output, fees; of each the whole before its parts."""
    return unit.part, len(unit.key), unit.key


def _rated(key: str, attos: tuple[Fraction, ...]) -> Rated:
    per = _MEASURES.get(key.rpartition("_")[2], _MEASURE_OF_TIMES)
    dollars = (rate * per / 10**18 for rate in attos)
    return Rated(key, per, tuple(Decimal(one.numerator) / one.denominator for one in dollars))


def _unrated(tariff: Tariff) -> Iterator[str]:
    """Each count that would make a call partial, found by pricing a call that has it."""
    if isinstance(tariff, FlatTariff):
        return
    for name in Usage.__struct_fields__:
        if name in ("input_tokens", "output_tokens", "total_tokens"):
            continue
        counts = {"input_tokens": 1, "output_tokens": 1, name: 1}
        if name.startswith("cache_write_"):
            counts["cache_write_tokens"] = 1
        if name in tariff.parts(Usage(**counts)).missing:
            yield name


def _origin(prices: Prices, call: Call, tariff: Tariff) -> dict[str, Any]:
    """Where the tariff is from."""
    override = prices.overrides.find(call.request, call.model)
    if override is not None:
        return {"source": "override", "key": override.key, **_flat(tariff, override.rate)}
    if isinstance(prices.unknown, Rate) and tariff.match == "assumed":
        return {"source": "assumed", **_flat(tariff, prices.unknown)}
    return {"source": "table", **_row(prices.load(), call)}


def _flat(tariff: Tariff, rate: Rate) -> dict[str, Decimal]:
    if not isinstance(tariff, FlatTariff):
        return {}
    return {"flat_usd_per_hour": Decimal(str(rate.gpu_usd_per_hour or 0))}


def _row(table: Table, call: Call) -> dict[str, Any]:
    model = call.model or ""
    found = table.find(call.request.provider, model)
    assert found is not None
    seller, info = found
    own = any(info is one for one in seller.models)
    lender = None if own else next(name for name, one in table.models() if one is info)
    when = datetime.fromtimestamp(call.ended_at / 1e9, UTC)
    day, hours = provenance.period(info, when)
    return {
        "seller": seller.id,
        "lender": lender,
        "row": info.id,
        "rule": provenance.rule(info, model),
        "since": day,
        "hours": hours,
        "next_start": provenance.next_start(info, when),
        "variants": tuple(provenance.variants(info, when)) if own else (),
    }


def known_providers(table: Table) -> set[str]:
    """Every name of a provider, in the table's spelling and in the conventions'."""
    return {row.id for row in table.providers} | PROVIDERS | set(CONVENTION_NAMES)


def _meant(table: Table, provider: str) -> str | None:
    known = known_providers(table)
    return None if not provider or provider in known else next(iter(nearest(provider, known)), None)


def _nearest(table: Table, provider: str, model: str) -> Iterator[str]:
    """Ids that look like the one that was asked for, of this provider, else of any."""
    ids = list(table.models())
    own = [info.id for seller, info in ids if seller == table_name(provider)]
    close = nearest(model, own, _NEAREST)
    if close:
        yield from close
        return
    known = dict.fromkeys(info.id for seller, info in ids if seller in _MAKERS)
    yield from nearest(model, known, _NEAREST)
