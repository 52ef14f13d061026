"""Percentiles of the times that calls took: from every value, or from counts of close ones.

Exact ones keep each value in memory. For the others, values that are less than 1 % apart are
counted together and stand for their mean; how many such counts there are depends on the spread of
the values and not on their number, and DuckDB can put them on disk. A percentile lies between two
calls in proportion, as `quantile_cont` has it, and each of the two is less than 1 % off.
"""

from __future__ import annotations

from collections.abc import Sequence

EXACT, APPROXIMATE = "exact", "approximate"

RANKS = (0.5, 0.95, 0.99)
"""Which percentiles: a half, 95 % and 99 % of the calls took at most so long."""

VALUES = {
    "latency": "latency_ms",
    "first_token": "CASE WHEN isfinite(time_to_first_token_ms) THEN time_to_first_token_ms END",
}
"""What they are of, each as SQL over a line, in milliseconds; NULL is left out."""

_APART = 1.01
_SMALLEST = 100_000
"""More than the logarithm of any double to the base of 1.01, so that each keeps its sign."""

_NUMBER = f"""CASE WHEN value = 0 THEN 0
    ELSE (sign(value) * ({_SMALLEST} + floor(ln(abs(value)) / ln({_APART}))))::INTEGER END"""
"""The number of a value among those that are close to it: it grows with the value."""


def exact() -> list[str]:
    """A list of percentiles for each of `VALUES`, as aggregates over rows with these columns."""
    return [f"quantile_cont({name}, {list(RANKS)})" for name in VALUES]


def approximate(rows: str, groups: Sequence[str], *, only: str | None = None) -> str:
    """A statement with a column for each of `groups` and each of `VALUES`.

    Args:
        rows: a table with these columns.
        only: a table with the columns `groups`; of other groups nothing is counted.
    """
    named = "".join(f"{name}, " for name in groups)
    alike = " AND ".join(f"r.{name} IS NOT DISTINCT FROM o.{name}" for name in groups) or "true"
    chosen = f"WHERE EXISTS (SELECT 1 FROM {only} o WHERE {alike})" if only else ""
    values = " UNION ALL ".join(
        f"SELECT {named}{place} AS what, {name} AS value FROM {rows} r {chosen}"
        for place, name in enumerate(VALUES)
    )
    lists = ", ".join(
        f"any_value(found) FILTER (what = {place}) AS {name}" for place, name in enumerate(VALUES)
    )
    return f"""
SELECT {named}{lists} FROM (
    SELECT {named}what, [{", ".join(map(_between, RANKS))}] AS found FROM (
        SELECT *, sum(calls) OVER (part ORDER BY number) AS upto, sum(calls) OVER part AS calls_in
        FROM (
            SELECT {named}what, {_NUMBER} AS number, count(*) AS calls, avg(value) AS value
            FROM ({values}) WHERE value IS NOT NULL GROUP BY ALL)
        WINDOW part AS (PARTITION BY {named}what))
    GROUP BY {named}what)
{f"GROUP BY {named.removesuffix(', ')}" if groups else ""}
"""


def _between(rank: float) -> str:
    """The value at a rank of the calls in order; between two of them, in proportion."""
    place = f"({rank} * (calls_in - 1))"
    low, high = (f"min(value) FILTER (upto > {side}({place}))" for side in ("floor", "ceil"))
    return f"{low} + ({high} - {low}) * any_value({place} - floor({place}))"
