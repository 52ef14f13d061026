"""Calls in a file of SQLite's, through the standard library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from costspan.errors import ConfigurationError
from costspan.report.databases.address import Address
from costspan.report.databases.columns import COLUMNS, GAP_COLUMNS, TEXTS
from costspan.report.databases.dialect import SQLITE
from costspan.report.databases.rows import Row, Values
from costspan.report.databases.tables import GAPS, calls_in, inserted

_PATIENCE = 120.0
"""Seconds to wait for another that writes."""

_CACHE_KIB = 32 << 10
_AT_ONCE = 5_000
_LISTS = [place for place, column in enumerate(COLUMNS) if column.kind == TEXTS]
_CALLS = calls_in(SQLITE)
_ADD = inserted(SQLITE, _CALLS, COLUMNS)
_ADD_GAP = inserted(SQLITE, GAPS, GAP_COLUMNS)
_encode = msgspec.json.Encoder().encode


class SQLite:
    """An open file.

    Args:
        address: where it is.
        is_new: it is made where it is not there; else it is only read.
    """

    dialect = SQLITE

    def __init__(self, address: Address, *, is_new: bool) -> None:
        self._address = address
        mode = "rwc" if is_new else "ro"
        with self._told():
            uri = f"{Path(address.target).as_uri()}?mode={mode}"
            self._db = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
            try:
                self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            except sqlite3.Error:
                self._db.close()
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            raise ConfigurationError(f"{self._address.shown}: {fault}") from None

    def tables(self) -> set[str]:
        """The names of its tables."""
        return {name for (name,) in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def columns(self, table: str) -> set[str]:
        """The names of a table's columns."""
        return {row[1] for row in self.ask(f"PRAGMA table_info({table})")}

    @contextmanager
    def step(self) -> Iterator[None]:
        """All of the block or nothing of it, and no other load between."""
        self.ask("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self.ask("COMMIT")

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self._told():
            return self._db.execute(statement, values).fetchall()

    def add_calls(self, rows: Sequence[Row]) -> dict[str, int]:
        """Add those that are not there: how many, by their hour; within a step."""
        ((last,),) = self.ask(f"SELECT coalesce(max(rowid), 0) FROM {_CALLS}")
        with self._told():
            self._db.executemany(_ADD, ([row.line_id, *_stored(row.values)] for row in rows))
        added = f"SELECT {SQLITE.hour}, count(*) FROM {_CALLS} WHERE rowid > ? GROUP BY 1"
        return dict(self.ask(added, last))

    def add_gaps(self, rows: Sequence[Row]) -> None:
        """Add those that are not there; within a step."""
        with self._told():
            self._db.executemany(_ADD_GAP, ([row.line_id, *row.values] for row in rows))

    def texts(self, query: str) -> Iterator[bytes]:
        """The rows of a query of one text each, as lines with their newlines, a chunk at a time."""
        with self._told():
            found = self._db.execute(query)
            while rows := found.fetchmany(_AT_ONCE):
                yield "".join(f"{text}\n" for (text,) in rows).encode()

    def close(self) -> None:
        """Close it."""
        self._db.close()


def _stored(values: Values) -> Sequence[Any]:
    """The values as SQLite holds them: lists as JSON."""
    found = list(values)
    for place in _LISTS:
        if found[place] is not None:
            found[place] = _encode(found[place]).decode()
    return found
