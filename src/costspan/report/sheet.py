"""The calls of a question as a table of DuckDB's, read in one pass: for what one sum cannot answer.

What does not fit into memory goes to the folder that the connection was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.folders import Place
from costspan.report.conditions import Condition, condition, renamed
from costspan.report.databases.spilling import as_files
from costspan.report.files import files_in
from costspan.report.moments import moment
from costspan.report.source import DEAR_USD, lines, names_of
from costspan.report.statement import IS_CALL, NEEDED, tags_of, within
from costspan.report.vocabulary import TIMES, checked_word, field_of, key_of, type_of


class Asked(Struct, frozen=True):
    """Which calls, and what to sum them by: checked words, moments in UTC without a zone."""

    by: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    where: Condition | None
    written: str | None
    places: tuple[Place, ...]


def asked(
    places: Sequence[Place],
    by: Sequence[str],
    since: str | None = None,
    until: str | None = None,
    where: str | None = None,
    now: datetime | None = None,
) -> Asked:
    """What is asked, as `query.Question` words it.

    Raises:
        ConfigurationError: it cannot be asked.
    """
    words = tuple(dict.fromkeys(checked_word(word) for word in by))
    now = now or datetime.now(UTC)
    start = None if since is None else moment("--since", since, now)
    end = None if until is None else moment("--until", until, now)
    if start is not None and start >= (end or moment("--until", "now", now)):
        raise ConfigurationError(f"--since {since} is not before --until {until or 'now'}")
    return Asked(
        by=words,
        since=start,
        until=end,
        where=None if where is None else condition(where),
        written=where,
        places=tuple(places),
    )


@contextmanager
def files_of(question: Asked, fields: Iterable[str]) -> Iterator[list[Path]]:
    """The files to read; for each database among the places a temporary one.

    Args:
        fields: of a line, that are read beside those that the question names.

    Raises:
        ConfigurationError: a place is not there, or cannot be read.
    """
    wanted = _fields(question, fields) | (
        {"tags"} if tags_of(question.by, question.where) else set()
    )
    with as_files(question.places, wanted, question.since, question.until) as places:
        days = [None if one is None else one.date() for one in (question.since, question.until)]
        yield files_in(places, *days)


def _fields(question: Asked, fields: Iterable[str]) -> set[str]:
    """All that is read of a line."""
    wanted = {*fields, *NEEDED, *map(field_of, question.by)}
    return wanted if question.where is None else wanted | question.where.fields


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
    wanted = _fields(question, fields)
    tags = tags_of(question.by, question.where)
    for as_text in (False, True):
        source = lines(files, wanted - {"tags"}, tags, as_text=as_text)
        engine.execute(_table(source, question, columns, names_of(tags), wanted))
        dear = engine.execute("SELECT coalesce(bool_or(is_dear), false) FROM lines_read").fetchall()
        if not dear[0][0]:
            break
    engine.execute(
        "CREATE OR REPLACE TEMP VIEW calls AS SELECT rowid AS line, * FROM lines_read WHERE is_call"
    )


def _table(
    source: str,
    question: Asked,
    columns: Mapping[str, str],
    tags: Mapping[str, str],
    fields: Iterable[str],
) -> str:
    keys = [f"{key_of(word, tags)}::VARCHAR AS k{place}" for place, word in enumerate(question.by)]
    named = [f"{says} AS {name}" for name, says in columns.items()]
    dollars = [name for name in fields if type_of(name) == type_of("cost_usd")]
    dear = " OR ".join(f"abs({name}) >= {DEAR_USD}" for name in dollars) or "false"
    where = renamed(question.where, tags) if question.where else "true"
    return f"""
CREATE OR REPLACE TEMP TABLE lines_read AS
SELECT {", ".join((*keys, *named))}, is_call, coalesce({dear}, false) AS is_dear,
    CASE WHEN NOT is_call THEN kind END AS kind, CASE WHEN NOT is_call THEN lost END AS lost,
    CASE WHEN NOT is_call AND kind IS NULL THEN filename END AS broken, schema
FROM (SELECT *, {IS_CALL} AS is_call FROM {source})
WHERE NOT is_call OR ({within(question.since, question.until)} AND {where})
"""


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
