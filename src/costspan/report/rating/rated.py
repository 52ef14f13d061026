"""The SQL that puts calls beside their rates: exact, as dollars are decimals throughout.

Calls are a table with the columns of `columns()`, and a `timestamp`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import structs

from costspan.report.rating.book import Book
from costspan.report.rating.rates import OWN_PRICE, Bucket, Facts, Otherwise, Rates, rates_of
from costspan.report.rating.shapes import (
    COUNTS,
    FIELDS,
    IS_FLAT,
    counts_of,
    packed,
    unpacked,
    usage_of,
)
from costspan.report.vocabulary import MONEY, text

_FACTS = Facts.__struct_fields__
_TIME = "least(greatest(timestamp, TIMESTAMP '1970-01-01'), TIMESTAMP '9000-01-01')"
"""A call's end, where Python has a name for it."""

READ = FIELDS | frozenset(_FACTS)
"""The fields of a line that are read for it."""

_RATES = {
    "rate": "BIGINT",
    **dict.fromkeys(_FACTS, "VARCHAR"),
    "server_port": "INTEGER",
    "shape": "BIGINT",
    "day": "DATE",
    **dict.fromkeys(("since", "until"), "TIMESTAMP"),
    **dict.fromkeys(("low", "high"), "BIGINT"),
    "own": ["BIGINT"],
    "other": ["BIGINT"],
    **dict.fromkeys(("is_kept", "is_single"), "BOOLEAN"),
    "reason": "VARCHAR",
}
_SINGLES = {
    "rate": "BIGINT",
    **dict.fromkeys(COUNTS, "BIGINT"),
    "own": "BIGINT",
    "other": "BIGINT",
    "reason": "VARCHAR",
}
_FITS = " AND ".join(
    (
        *(f"c.{name} IS NOT DISTINCT FROM r.{name}" for name in _FACTS),
        *("c.shape = r.shape", "c.moment::DATE = r.day"),
        *("c.moment >= r.since", "c.moment < r.until"),
        "(r.low IS NULL OR coalesce(c.input, 0) > r.low)",
        "(r.high IS NULL OR coalesce(c.input, 0) <= r.high)",
    )
)


def columns() -> dict[str, str]:
    """What is needed of a call, each as SQL over its line."""
    facts = {name: name for name in _FACTS}
    return {**facts, **counts_of(), "shape": packed(), "moment": _TIME, "cost_usd": "cost_usd"}


def rate(engine: Any, changes: Otherwise, book: Book, calls: str = "calls") -> list[Bucket]:
    """Make the tables `rates` and `singles` for a table of calls; its buckets."""
    buckets = list(_buckets(engine, calls))
    rows = [row for bucket in buckets for row in rates_of(bucket, changes, book)]
    records = [{"rate": number, **structs.asdict(row)} for number, row in enumerate(rows)]
    _keep(engine, "rates", _RATES, records)
    _keep(engine, "singles", _SINGLES, list(_singles(engine, rows, changes, book, calls)))
    return buckets


def judged(calls: str = "calls") -> str:
    """The calls, with `other_usd`, what they come to otherwise, and `reason`, why nobody knows it.

    `is_kept` says that nothing of a call is otherwise; `own` are its picodollars by token, as
    `Tariff.per_token` gives them.
    """
    alike = " AND ".join(f"s.{name} IS NOT DISTINCT FROM c.{name}" for name in COUNTS)
    return f"""
SELECT *, CASE WHEN is_kept THEN NULL WHEN refused IS NOT NULL THEN refused
    WHEN NOT {IS_FLAT} AND own_usd IS DISTINCT FROM cost_usd THEN {text(OWN_PRICE)}
    WHEN other_usd IS NULL THEN 'price' END AS reason
FROM (
    SELECT c.*, r.is_kept, r.is_single, r.own, coalesce(r.reason, s.reason) AS refused,
        coalesce({usd("s.own")}, {_dollars("r.own")}) AS own_usd,
        CASE WHEN r.is_kept THEN c.cost_usd
            ELSE coalesce({usd("s.other")}, {_dollars("r.other")}) END AS other_usd
    FROM {calls} c JOIN rates r ON {_FITS}
    LEFT JOIN singles s ON r.is_single AND s.rate = r.rate AND {alike})
"""


def _buckets(engine: Any, calls: str) -> Iterator[Bucket]:
    statement = f"SELECT DISTINCT {', '.join(_FACTS)}, shape, moment::DATE FROM {calls}"
    for *facts, number, day in engine.execute(statement).fetchall():
        yield Bucket(Facts(*facts), unpacked(number), number, day)


def _singles(
    engine: Any, rows: Sequence[Rates], changes: Otherwise, book: Book, calls: str
) -> Iterator[dict[str, Any]]:
    """What calls cost that must be priced by themselves; of those that are alike, one."""
    counts = ", ".join(f"c.{name}" for name in COUNTS)
    statement = f"SELECT DISTINCT r.rate, {counts} FROM {calls} c JOIN rates r ON {_FITS}"
    for number, *found in engine.execute(f"{statement} WHERE r.is_single").fetchall():
        row = rows[number]
        own = _bucket_of(row).call(datetime.fromisoformat(row.since), usage_of(tuple(found)))
        before, after = book.cost(own), book.cost(changes.of(own))
        yield {
            "rate": number,
            **dict(zip(COUNTS, found, strict=True)),
            "own": before.total,
            "other": after.total,
            "reason": ", ".join(after.missing) or None,
        }


def _bucket_of(row: Rates) -> Bucket:
    facts = {name: getattr(row, name) for name in _FACTS}
    return Bucket(Facts(**facts), unpacked(row.shape), row.shape, date.fromisoformat(row.day))


def _keep(engine: Any, name: str, types: dict[str, Any], records: Iterable[Any]) -> None:
    rows = msgspec.json.encode(records).decode()
    shape = msgspec.json.encode([types]).decode()
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT unnest(from_json($rows, {text(shape)}), recursive := true)",
        {"rows": rows},
    )


def _dollars(rates: str) -> str:
    """Dollars of a call at a list of picodollars as `Tariff.per_token` gives them."""
    total, read, written, hour, output, searches = (
        f"coalesce(c.{name}, 0)::HUGEINT"
        for name in ("input", "cached", "written", "hour", "output", "searches")
    )
    counts = (f"{total} - {read} - {written}", read, f"{written} - {hour}", hour, output, searches)
    parts = (f"({count}) * {rates}[{n}]" for n, count in enumerate(counts, 1))
    return usd(" + ".join(parts))


def usd(picos: str) -> str:
    """Whole picodollars as dollars, in SQL; NULL where they are more than there are anywhere."""
    return f"(try_cast({picos} AS DECIMAL(26, 0)) * 0.000000000001::DECIMAL(12, 12))::{MONEY}"
