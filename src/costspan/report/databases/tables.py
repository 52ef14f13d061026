"""The tables that `load` fills, and what becomes of those of an older version.

A version only ever adds columns and tables, so that what reads an older one goes on to read it.
"""

from __future__ import annotations

from collections.abc import Iterator

from costspan.report.databases.columns import COLUMNS, GAP_COLUMNS, PICOS, Column
from costspan.report.databases.dialect import Dialect
from costspan.report.vocabulary import quoted

VERSION = 1

CALLS = "costspan_calls"
GAPS = "costspan_gaps"
ROLLUPS = "costspan_rollups"
STALE = "costspan_stale"
VERSIONS = "costspan_loaded"

NOTED = f"SELECT version FROM {VERSIONS}"
NOTE = f"INSERT INTO {VERSIONS} VALUES ({VERSION})"
NOTE_AGAIN = f"UPDATE {VERSIONS} SET version = {VERSION}"


def made(dialect: Dialect) -> Iterator[str]:
    """The statements that make the tables where they are not there."""
    types, calls = dialect.types, calls_in(dialect)
    key = f"line_id {types['line_id']} NOT NULL PRIMARY KEY"
    yield f"CREATE TABLE IF NOT EXISTS {VERSIONS} (version {types['integer']} NOT NULL)"
    yield f"CREATE TABLE IF NOT EXISTS {calls} ({key}, {_columns(dialect, COLUMNS)})"
    yield f"CREATE INDEX IF NOT EXISTS costspan_calls_timestamp ON {calls} (timestamp)"
    yield f"CREATE INDEX IF NOT EXISTS costspan_calls_trace ON {calls} (trace_id)"
    yield f"CREATE TABLE IF NOT EXISTS {GAPS} ({key}, {_columns(dialect, GAP_COLUMNS)})"
    yield (
        f"CREATE TABLE IF NOT EXISTS {ROLLUPS} ("
        f"name {types['text']} NOT NULL PRIMARY KEY, unit {types['text']} NOT NULL, "
        f"words {types['text']} NOT NULL)"
    )
    yield (
        f"CREATE TABLE IF NOT EXISTS {STALE} (name {types['text']} NOT NULL, "
        f"period {types['text']} NOT NULL, PRIMARY KEY (name, period))"
    )


def added(dialect: Dialect, there: set[str]) -> Iterator[str]:
    """The statements that add the columns which an older version's table of calls lacks."""
    for column in COLUMNS:
        name = dialect.column(column)
        if name.strip('"') not in there:
            kind = dialect.types[column.kind]
            yield f"ALTER TABLE {calls_in(dialect)} ADD COLUMN {name} {kind}"


def viewed(dialect: Dialect, view: str, columns: list[tuple[str, bool]]) -> Iterator[str]:
    """The statements that make a view in dollars of a table in picodollars, where there is one.

    Args:
        columns: names, and whether they are of dollars.
    """
    if dialect.exact:
        shown = ", ".join(
            f"{quoted(dialect.money(name))} / 1e12 AS {quoted(name)}" if is_money else quoted(name)
            for name, is_money in columns
        )
        yield f"DROP VIEW IF EXISTS {quoted(view)}"
        yield f"CREATE VIEW {quoted(view)} AS SELECT {shown} FROM {quoted(view + dialect.exact)}"


def view_of_calls(dialect: Dialect) -> Iterator[str]:
    """The view of all calls."""
    return viewed(dialect, CALLS, [(one.field, one.kind == PICOS) for one in COLUMNS])


def calls_in(dialect: Dialect) -> str:
    """The table of calls."""
    return CALLS + dialect.exact


def inserted(dialect: Dialect, table: str, columns: tuple[Column, ...]) -> str:
    """The statement that adds a row, unless it is there."""
    names = ", ".join(map(dialect.column, columns))
    marks = ", ".join([dialect.mark] * (len(columns) + 1))
    return f"INSERT INTO {table} (line_id, {names}) VALUES ({marks}) ON CONFLICT DO NOTHING"


def _columns(dialect: Dialect, columns: tuple[Column, ...]) -> str:
    return ", ".join(f"{dialect.column(one)} {dialect.types[one.kind]}" for one in columns)
