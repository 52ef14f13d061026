"""The calls of a question as a table of DuckDB's, read in one pass: for what one sum cannot answer.

What does not fit into memory goes to the folder that the connection was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from costspan.report import selection
from costspan.report.selection import Asked
from costspan.report.vocabulary import TIMES


def fill(
    engine: Any,
    files: Sequence[Path],
    question: Asked,
    columns: Mapping[str, str],
    fields: Iterable[str],
) -> None:
    """Make the table `calls`: a number, `line`, the keys `k0`, `k1` and so on, and `columns`.

    Args:
        columns: by their names, expressions over `fields` and the columns before.
        fields: of a line, of which those of dollars are exact.
    """
    for as_text in (False, True):
        found = selection.rows(files, question, columns, fields, as_text=as_text)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE lines_read AS {found}")
        dear = engine.execute("SELECT coalesce(bool_or(is_dear), false) FROM lines_read").fetchall()
        if not dear[0][0]:
            break
    engine.execute(
        "CREATE OR REPLACE TEMP VIEW calls AS SELECT rowid AS line, * FROM lines_read WHERE is_call"
    )


NOTES = """
SELECT is_call, false, true,
    count(*) FILTER (kind = 'gap'), sum(greatest(lost, 0)) FILTER (kind = 'gap'),
    count(*) FILTER (kind <> 'gap'), broken, max(schema), false, count(*)
FROM lines_read GROUP BY is_call, broken
"""
"""What was passed over, as `passed_over.found_in` takes it."""


def dearest(statement: str, keys: int, sums: Sequence[str], by: str, top: int | None) -> str:
    """A statement with at most `top` rows, and the others as one.

    Args:
        statement: gives the columns `is_total`, `k0` and so on, and `sums`.
        by: what the dearest row has the most of: an expression over `sums`.

    Returns:
        A statement whose last column says how many rows the others are, 0 for a row itself.
    """
    named = [f"k{place}" for place in range(keys)]
    columns = ", ".join(("is_total", *named, *sums))
    order = ", ".join((f"coalesce({by}, 0) DESC", *(f"{name} NULLS FIRST" for name in named)))
    added = ", ".join(f"sum({name})" for name in sums)
    is_shown = f"place <= {top}" if top else "true"
    return f"""
WITH found AS MATERIALIZED ({statement}),
ranked AS (SELECT *, CASE WHEN is_total THEN 0
    ELSE row_number() OVER (PARTITION BY is_total ORDER BY {order}) END AS place FROM found)
SELECT * EXCLUDE (place) FROM (
    SELECT {columns}, 0 AS others, place FROM ranked WHERE {is_shown}
    UNION ALL
    SELECT false, {"NULL, " * keys}{added}, count(*), NULL FROM ranked WHERE NOT ({is_shown})
    HAVING count(*) > 0)
ORDER BY place
"""


def answered(
    found: Sequence[Any], by: Sequence[str], row: Callable[..., Any], sums_of: Callable[..., Any]
) -> dict[str, Any]:
    """Rows, the others together, how many these are, and the total, of what `dearest` gave.

    Args:
        row: makes a row of its keys and sums.
        sums_of: makes sums of their values.
    """
    rows, other, others, total = [], None, 0, sums_of()
    for is_total, *values, more in found:
        sums = sums_of(*values[len(by) :])
        if is_total:
            total = sums
        elif more:
            other, others = sums, more
        else:
            rows.append(row(tuple(values[: len(by)]), sums))
    if by and by[0] in TIMES:
        rows.sort(key=lambda one: [key or "" for key in one.keys])
    return {"rows": rows, "other": other, "others": others, "total": total}
