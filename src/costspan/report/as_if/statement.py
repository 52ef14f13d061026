"""The SQL of a comparison: calls as they were, with the rates of both tariffs beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import structs

from costspan.report.as_if.rates import OWN_PRICE, Facts, Rates
from costspan.report.as_if.shapes import COUNTS, IS_FLAT
from costspan.report.vocabulary import MONEY, text

_FACTS = Facts.__struct_fields__
BUCKETS = f"SELECT DISTINCT {', '.join(_FACTS)}, shape, timestamp::DATE FROM calls"
"""Every bucket: the facts, the shape and the day."""

_RATES = {
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
        *("c.shape = r.shape", "c.timestamp::DATE = r.day"),
        *("c.timestamp >= r.since", "c.timestamp < r.until"),
        *("coalesce(c.input, 0) > r.low", "coalesce(c.input, 0) <= r.high"),
    )
)
SINGLES = f"""
SELECT DISTINCT r.rate, {", ".join(f"c.{name}" for name in COUNTS)}
FROM calls c JOIN rates r ON {_FITS} WHERE r.is_single
"""
"""The different counts of calls that must be priced by themselves, with the number of their row."""


def keep_rates(engine: Any, rows: Iterable[Rates]) -> None:
    """Make the table `rates`; the rows are numbered from 0."""
    records = [{"rate": number, **structs.asdict(row)} for number, row in enumerate(rows)]
    _keep(engine, "rates", {"rate": "BIGINT", **_RATES}, records)


def keep_singles(engine: Any, records: Iterable[dict[str, Any]]) -> None:
    """Make the table `singles`: what calls cost that were priced by themselves."""
    _keep(engine, "singles", _SINGLES, list(records))


def _keep(engine: Any, name: str, types: dict[str, Any], records: list[dict[str, Any]]) -> None:
    rows = msgspec.json.encode(records).decode()
    shape = msgspec.json.encode([types]).decode()
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT unnest(from_json($rows, {text(shape)}), recursive := true)",
        {"rows": rows},
    )


def _dollars(rates: str) -> str:
    """Dollars of a call at a list of picodollars by token."""
    counts = (
        "coalesce(c.input, 0) - coalesce(c.cached, 0) - coalesce(c.written, 0)",
        "coalesce(c.cached, 0)",
        "coalesce(c.written, 0) - coalesce(c.hour, 0)",
        "coalesce(c.hour, 0)",
        "coalesce(c.output, 0)",
    )
    parts = (f"({count})::HUGEINT * {rates}[{n}]" for n, count in enumerate(counts, 1))
    return _usd(" + ".join(parts))


def _usd(picos: str) -> str:
    return f"(({picos})::DECIMAL(26, 0) * 0.000000000001::DECIMAL(12, 12))::{MONEY}"


_COMPARED = f"""
SELECT c.*, r.is_kept, coalesce(r.reason, s.reason) AS refused,
    coalesce({_usd("s.own")}, {_dollars("r.own")}) AS own_usd,
    CASE WHEN r.is_kept THEN c.cost_usd ELSE coalesce({_usd("s.other")}, {_dollars("r.other")}) END
        AS other_usd
FROM calls c JOIN rates r ON {_FITS}
LEFT JOIN singles s ON r.is_single AND s.rate = r.rate
    AND {" AND ".join(f"s.{name} IS NOT DISTINCT FROM c.{name}" for name in COUNTS)}
"""
_JUDGED = f"""
SELECT *, CASE WHEN is_kept THEN NULL WHEN refused IS NOT NULL THEN refused
    WHEN NOT {IS_FLAT} AND own_usd IS DISTINCT FROM cost_usd THEN {text(OWN_PRICE)} END AS reason
FROM ({_COMPARED})
"""
SUMS = {
    "calls": "count(*)",
    "converted_calls": "count(*) FILTER (NOT is_kept AND reason IS NULL)",
    "unconverted_calls": "count(reason)",
    "cost_usd": "sum(cost_usd)",
    "unconverted_usd": "sum(cost_usd) FILTER (reason IS NOT NULL)",
    "was_usd": "sum(cost_usd) FILTER (reason IS NULL)",
    "as_if_usd": "sum(other_usd) FILTER (reason IS NULL)",
}
"""The sums of a comparison, and the expressions that they are."""


def statement(keys: int) -> str:
    """Whether it is of all keys together, the keys, and `SUMS`."""
    named = [f"k{place}" for place in range(keys)]
    sums = [f"{says} AS {name}" for name, says in SUMS.items()]
    sets = f"({', '.join(named)}), ()" if keys else "()"
    is_total = "grouping(k0) = 1" if keys else "true"
    return f"""
SELECT {", ".join((f"{is_total} AS is_total", *named, *sums))}
FROM ({_JUDGED}) GROUP BY GROUPING SETS ({sets})
"""


REFUSED = f"""
SELECT provider, model, reason, count(*), sum(cost_usd) FROM ({_JUDGED}) WHERE reason IS NOT NULL
GROUP BY ALL ORDER BY sum(cost_usd) DESC NULLS LAST, count(*) DESC, provider, model, reason
"""
"""Which calls could not be converted, and why: the dearest first."""
