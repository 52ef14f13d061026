"""The dearest rows of a statement, and all others as one: a million rows cost gigabytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costspan.report.figures import Figures
from costspan.report.statement import NOTES

FIGURES = {name: f"f{index}" for index, name in enumerate(Figures.__struct_fields__)}
"""The column of each figure."""

_COST, _CALLS = FIGURES["cost_usd"], FIGURES["calls"]
_SUMMED = tuple(FIGURES.values())[:-2]
_IS_ROW = "is_call AND NOT is_total"


def keep_dearest(
    engine: Any, statements: Sequence[str], keys: Sequence[str], tops: Mapping[int, int]
) -> None:
    """Make the table `shown`: the rows of statements, at most so many of a breakdown.

    Its last column, `others`, is 0, but in the row that is all others together: there it says how
    many they are.

    Args:
        statements: run one after the other; no two have a row in common.
        keys: their columns of keys.
        tops: how many rows, by the number of the breakdown; of one that is not named, all.
    """
    notes = [f"n{index}" for index in range(NOTES)]
    columns = ["is_call", "is_before", "is_total", *notes, *FIGURES.values(), *keys, "part"]
    for begun, statement in enumerate(statements):
        start = "INSERT INTO summed" if begun else "CREATE OR REPLACE TEMP TABLE summed AS"
        engine.execute(f"{start} SELECT * FROM ({statement}) AS found({', '.join(columns)})")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE few AS {_few(keys, tops)}")
    is_other = f"({' OR '.join(f'part = {part}' for part in tops) or 'false'})"
    is_other += " AND rowid NOT IN (FROM few)"
    sums = ", ".join([f"sum({name})" for name in _SUMMED] + ["NULL"] * (2 + len(keys)))
    engine.execute(f"""
CREATE OR REPLACE TEMP TABLE shown AS
SELECT *, 0 AS others FROM summed WHERE NOT ({_IS_ROW} AND {is_other})
UNION ALL
SELECT true, false, false, {", ".join(["NULL"] * (NOTES - 1))}, false, {sums}, part, count(*)
FROM summed WHERE {_IS_ROW} AND {is_other} GROUP BY part""")
    engine.execute("DROP TABLE summed")


def _few(keys: Sequence[str], tops: Mapping[int, int]) -> str:
    """The places of the dearest rows."""
    by_key = (f"{name} NULLS FIRST" for name in keys)
    order = ", ".join([f"coalesce({_COST}, 0) DESC", f"{_CALLS} DESC", *by_key])
    of_parts = [
        f"(SELECT rowid AS place FROM summed WHERE {_IS_ROW} AND part = {part} "
        f"ORDER BY {order} LIMIT {top})"
        for part, top in tops.items()
    ]
    return " UNION ALL ".join(of_parts) or "SELECT NULL AS place WHERE false"
