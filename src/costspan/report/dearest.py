"""The dearest rows of a statement, and all others as one: a million rows cost gigabytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from costspan.report.figures import Figures
from costspan.report.statement import NOTES

FIGURES = {name: f"f{index}" for index, name in enumerate(Figures.__struct_fields__)}
"""The column of each figure."""

_COST, _CALLS = FIGURES["cost_usd"], FIGURES["calls"]
_SUMMED = tuple(FIGURES.values())[:-2]
_IS_ROW = "is_call AND NOT is_total"


def keep(engine: Any, statements: Iterable[str], keys: Sequence[str]) -> None:
    """Make the table `summed` of the rows of statements, which have no row in common.

    Args:
        keys: their columns of keys.
    """
    notes = [f"n{index}" for index in range(NOTES)]
    columns = ["is_call", "is_before", "is_total", *notes, *FIGURES.values(), *keys, "part"]
    start = "CREATE OR REPLACE TEMP TABLE summed AS"
    for statement in statements:
        engine.execute(f"{start} SELECT * FROM ({statement}) AS found({', '.join(columns)})")
        start = "INSERT INTO summed"


def dearest(keys: Sequence[str], tops: Mapping[int, int]) -> str:
    """The rows of `summed`, at most so many of a breakdown, and one of all others together.

    A last column, `others`, is 0, but in that row: there it says how many the others are.

    Args:
        keys: the columns of keys.
        tops: how many rows, by the number of the breakdown; of one that is not named, all.
    """
    if not tops:
        return "SELECT *, 0 AS others FROM summed"
    is_other = f"{_IS_ROW} AND part IN ({', '.join(map(str, tops))}) AND rowid NOT IN (FROM few)"
    sums = ", ".join([f"sum({name})" for name in _SUMMED] + ["NULL"] * (2 + len(keys)))
    return f"""
WITH few AS MATERIALIZED ({_few(keys, tops)})
SELECT *, 0 AS others FROM summed WHERE NOT ({is_other})
UNION ALL
SELECT true, false, false, {", ".join(["NULL"] * (NOTES - 1))}, false, {sums}, part, count(*)
FROM summed WHERE {is_other} GROUP BY part
"""


def _few(keys: Sequence[str], tops: Mapping[int, int]) -> str:
    """The places of the dearest rows."""
    by_key = (f"{name} NULLS FIRST" for name in keys)
    order = ", ".join([f"coalesce({_COST}, 0) DESC", f"{_CALLS} DESC", *by_key])
    return " UNION ALL ".join(
        f"(SELECT rowid AS place FROM summed WHERE {_IS_ROW} AND part = {part} "
        f"ORDER BY {order} LIMIT {top})"
        for part, top in tops.items()
    )
