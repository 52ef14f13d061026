"""The rates that hold for calls as they were, and as they are asked about.

A bucket is all calls of one day that are priced alike but for their numbers. It gets a row of rates
for each size of prompt and each time of the day at which one of its two tariffs changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Protocol

from msgspec import Struct, structs

from costspan.call import Call, Request, Response, Usage
from costspan.report.moments import written
from costspan.report.rating.book import Book, Tariff
from costspan.report.rating.shapes import Shape

_DAY = timedelta(days=1)
OWN_PRICE = "own_price"


class Facts(Struct, frozen=True):
    """What of a call decides its tariff."""

    provider: str
    model: str | None
    request_model: str | None
    server_address: str | None
    server_port: int | None
    service_tier: str | None


class Bucket(Struct, frozen=True):
    """Calls of a day (UTC) that are priced alike; `number` is their shape as it was packed."""

    facts: Facts
    shape: Shape
    number: int
    day: date

    @property
    def start(self) -> datetime:
        """When its day begins."""
        return datetime.combine(self.day, time.min, UTC)

    def call(self, at: datetime, usage: Usage) -> Call:
        """A call of it that ended then."""
        facts = self.facts
        ended = round(at.timestamp() * 10**6) * 1000
        return Call(
            request=Request(
                operation="chat",
                provider=facts.provider,
                model=facts.request_model,
                server_address=facts.server_address,
                server_port=facts.server_port,
            ),
            response=Response(model=facts.model, service_tier=facts.service_tier, usage=usage),
            started_at=ended,
            ended_at=ended,
            runtime_seconds=0.0,
        )


class Rates(Struct, frozen=True, kw_only=True):
    """How calls of a bucket are converted, from `since` to `until`, of `low` < input <= `high`,
    where they say so.

    `own` and `other` are picodollars of a count, as `Tariff.per_token` gives them. `is_kept` says
    that nothing of the calls is otherwise, `is_single` that each must be priced by itself, `reason`
    why they cannot be converted.
    """

    provider: str
    model: str | None
    request_model: str | None
    server_address: str | None
    server_port: int | None
    service_tier: str | None
    shape: int
    day: str
    since: str
    until: str
    low: int | None = None
    high: int | None = None
    own: tuple[int, ...] | None = None
    other: tuple[int, ...] | None = None
    is_kept: bool = False
    is_single: bool = False
    reason: str | None = None


class Otherwise(Protocol):
    """What is taken to be otherwise of calls."""

    @property
    def no_cache(self) -> bool:
        """Whether what was read from a cache or written to one is plain input."""

    def of(self, call: Call) -> Call:
        """The call as it is asked about; itself where nothing of it is otherwise."""


def rates_of(bucket: Bucket, changes: Otherwise, book: Book) -> Iterator[Rates]:
    """Every row that calls of a bucket need."""
    at, end = bucket.start, bucket.start + _DAY
    while at < end:
        own = bucket.call(at, bucket.shape.usage)
        other = changes.of(own)
        tariffs = book.tariff_of(own), book.tariff_of(other)
        until = min([end, *(_valid_until(one) for one in tariffs if one is not None)])
        until = until if until > at else end
        row = Rates(
            **structs.asdict(bucket.facts),
            shape=bucket.number,
            day=bucket.day.isoformat(),
            since=written(at.replace(tzinfo=None)),
            until=written(until.replace(tzinfo=None)),
        )
        yield from _banded(row, bucket, own, other, *tariffs, no_cache=changes.no_cache)
        at = until


def _banded(
    row: Rates,
    bucket: Bucket,
    own: Call,
    other: Call,
    own_tariff: Tariff | None,
    other_tariff: Tariff | None,
    no_cache: bool,
) -> Iterator[Rates]:
    """The row for each size of prompt."""
    if _is_kept(bucket.shape, own, other) or _is_same(own, other, own_tariff, other_tariff):
        yield structs.replace(row, is_kept=True)
        return
    reason = _reason(bucket.shape, other, own_tariff, other_tariff)
    if reason is not None or other_tariff is None:
        yield structs.replace(row, reason=reason)
        return
    explained = None if bucket.shape.is_flat else own_tariff
    starts = {*other_tariff.starts, *(explained.starts if explained else ())}
    edges = [None, *sorted(starts), None]
    for low, high in pairwise(edges):
        prompt = 0 if low is None else low + 1
        before = explained.per_token(prompt) if explained else None
        after = other_tariff.per_token(prompt)
        is_single = after is None or (explained is not None and before is None)
        if is_single and bucket.shape.is_correction:
            yield structs.replace(row, low=low, high=high, reason="correction")
            continue
        if after is not None and no_cache:
            after = (*after[:1] * 4, *after[4:])
        yield structs.replace(row, low=low, high=high, own=before, other=after, is_single=is_single)


def _is_kept(shape: Shape, own: Call, other: Call) -> bool:
    """Whether nothing is otherwise, or nothing that the price of such a call asks for."""
    is_of_the_same = own.request is other.request
    return other is own or shape.is_not_billed or (shape.is_flat and is_of_the_same)


def _is_same(own: Call, other: Call, before: Tariff | None, after: Tariff | None) -> bool:
    """Whether another name means the row of the table that the call has already."""
    return (
        before is not None
        and after is not None
        and before.model == after.model
        and own.request.provider == other.request.provider
        and _tier(own) == _tier(other)
        and own.usage == other.usage
    )


def _tier(call: Call) -> str | None:
    return None if call.response is None else call.response.service_tier


def _reason(shape: Shape, other: Call, before: Tariff | None, after: Tariff | None) -> str | None:
    """Why calls of a shape cannot be converted; None where they can."""
    if shape.is_unpriced:
        return "unpriced"
    if shape.is_partial:
        return "partial"
    if after is None:
        return "price"
    assert other.usage is not None
    missing = after.parts(other.usage).missing
    if missing:
        return ", ".join(missing)
    if shape.is_correction and (after.starts or (before is not None and before.starts)):
        return "correction"
    if before is None and not shape.is_flat:
        return OWN_PRICE
    return None


def _valid_until(tariff: Tariff) -> datetime:
    try:
        return datetime.fromtimestamp(tariff.valid_until, UTC)
    except (OverflowError, ValueError):  # for ever
        return datetime.max.replace(tzinfo=UTC)
