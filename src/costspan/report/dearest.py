"""The dearest rows of a statement, and all others as one: a million rows cost gigabytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costspan.report.figures import Figures
from costspan.report.statement import NOTES

FIGURES = {name: f"f{index}" for index, name in enumerate(Figures.__struct_fields__)}
"""The column of each figure."""

_COST = FIGURES["cost_usd"]
_SUMMED = tuple(FIGURES.values())[:-2]


def dearest(statement: str, keys: Sequence[str], tops: Mapping[int, int]) -> str:
    """The statement with at most so many rows of a breakdown, and a last column.

    That is 0, but in the row that is all others together: there it says how many they are.

    Args:
        keys: the statement's columns of keys.
        tops: how many rows, by the number of the breakdown; of one that is not named, all.
    """
    notes = [f"n{index}" for index in range(NOTES)]
    columns = ", ".join(
        ["is_call", "is_before", "is_total", *notes, *FIGURES.values(), *keys, "part"]
    )
    by_key = (f"{name} NULLS FIRST" for name in keys)
    order = ", ".join([f"coalesce({_COST}, 0) DESC", "f0 DESC", *by_key])
    sums = ", ".join([f"sum({name})" for name in _SUMMED] + ["NULL"] * (2 + len(keys)))
    most = " ".join(f"WHEN {part} THEN {top}" for part, top in tops.items())
    top = f"CASE part {most} ELSE place END" if tops else "place"
    return f"""
WITH found({columns}) AS MATERIALIZED ({statement}),
ranked AS (SELECT *, CASE WHEN is_call AND NOT is_total
        THEN row_number() OVER (PARTITION BY is_call, is_total, part ORDER BY {order})
        ELSE 0 END AS place
    FROM found)
SELECT * EXCLUDE (place), 0 AS others FROM ranked WHERE place <= {top}
UNION ALL
SELECT true, false, false, {", ".join(["NULL"] * (NOTES - 1))}, false, {sums}, part, count(*)
FROM ranked WHERE place > {top} GROUP BY part
"""
