"""Calls in a PostgreSQL database, through psycopg: in by COPY, out by COPY."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from costspan.call import usd
from costspan.errors import ConfigurationError
from costspan.report.databases.address import Address
from costspan.report.databases.columns import COLUMNS, GAP_COLUMNS, OBJECT, PICOS, Column
from costspan.report.databases.dialect import POSTGRES
from costspan.report.databases.rows import Row, Values
from costspan.report.databases.tables import CALLS, GAPS

_LOCK = 0x636F7374_6C6F6164
"""Of our advisory locks, the one that a load holds while it writes."""

_CONNECT_SECONDS = 15
_MONEY = [place for place, column in enumerate(COLUMNS) if column.kind == PICOS]
_TAGS = next(place for place, column in enumerate(COLUMNS) if column.kind == OBJECT)
_AS_IT_IS = "(FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')"
"""How COPY writes a text without a change: JSON holds no control characters."""

_NUL, _NUL_WITHIN_JSON, _INSTEAD = "\0", "\\u0000", "\N{REPLACEMENT CHARACTER}"
_HUGE = re.compile(r"[eE][+-]?\d{4}")


class Postgres:
    """An open connection.

    Args:
        address: where it is.
        is_new: tables may be made; else it is only read.
    """

    dialect = POSTGRES

    def __init__(self, address: Address, *, is_new: bool) -> None:
        self._address = address
        with self._told():
            self._db = psycopg.connect(
                address.target,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                application_name="costspan",
            )
            if not is_new:
                self._db.execute("SET default_transaction_read_only = on")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as fault:
            said = self._address.masked(str(fault)) or type(fault).__name__
            raise ConfigurationError(f"{self._address.shown}: {said}") from None

    def tables(self) -> set[str]:
        """The names of its tables, as far as its search path leads to them."""
        found = self.ask("SELECT relname FROM pg_class WHERE pg_table_is_visible(oid)")
        return {name for (name,) in found}

    def columns(self, table: str) -> set[str]:
        """The names of a table's columns."""
        found = self.ask(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 "
            "AND NOT attisdropped",
            table,
        )
        return {name for (name,) in found}

    @contextmanager
    def step(self) -> Iterator[None]:
        """All of the block or nothing of it, and no other load between."""
        with self._told(), self._db.transaction():
            self._db.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            yield

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self._told():
            done = self._db.execute(statement.encode(), values or None)
            return done.fetchall() if done.description else []

    def add_calls(self, rows: Sequence[Row]) -> dict[str, int]:
        """Add those that are not there: how many, by their hour; within a step."""
        # Those of an earlier load are not sent again.
        asked = f"SELECT line_id FROM {CALLS} WHERE line_id = ANY(%s)"
        known = {bytes(found) for (found,) in self.ask(asked, [row.line_id for row in rows])}
        new = [row for row in rows if row.line_id not in known]
        if not new:
            return {}
        adding = self._staged(CALLS, COLUMNS, map(_stored, new))
        return dict(
            self.ask(
                f"WITH added AS ({adding} RETURNING timestamp) "
                f"SELECT {POSTGRES.hour}, count(*) FROM added GROUP BY 1"
            )
        )

    def add_gaps(self, rows: Sequence[Row]) -> None:
        """Add those that are not there; within a step."""
        self.ask(self._staged(GAPS, GAP_COLUMNS, ((row.line_id, *row.values) for row in rows)))

    def _staged(self, table: str, columns: Sequence[Column], rows: Iterable[Values]) -> str:
        """Send rows to a table of this connection alone: the statement that adds the new ones."""
        staging = f"{table}_staged"
        names = ", ".join(["line_id", *map(POSTGRES.column, columns)])
        self.ask(f"CREATE TEMP TABLE IF NOT EXISTS {staging} (LIKE {table}) ON COMMIT DELETE ROWS")
        copying = f"COPY {staging} ({names}) FROM STDIN".encode()
        with self._told(), self._db.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows:
                copy.write_row([_storable(value) for value in row])
        return f"INSERT INTO {table} ({names}) SELECT {names} FROM {staging} ON CONFLICT DO NOTHING"

    def texts(self, query: str) -> Iterator[bytes]:
        """The rows of a query of one text each, as lines with their newlines, a chunk at a time."""
        copying = f"COPY ({query}) TO STDOUT WITH {_AS_IT_IS}".encode()
        with self._told(), self._db.cursor() as cursor, cursor.copy(copying) as copy:
            yield from map(bytes, copy)

    def close(self) -> None:
        """Close it."""
        self._db.close()


def _stored(row: Row) -> Values:
    """Identity and values of a call as PostgreSQL holds them: dollars, and tags that it takes."""
    found = list(row.values)
    for place in _MONEY:
        if found[place] is not None:
            found[place] = usd(found[place])
    if _NUL_WITHIN_JSON in found[_TAGS] or _HUGE.search(found[_TAGS]):
        found[_TAGS] = _acceptable(found[_TAGS])
    return (row.line_id, *found)


def _storable(value: Any) -> Any:
    """A text without NUL, which PostgreSQL does not hold."""
    if isinstance(value, str):
        return value.replace(_NUL, _INSTEAD) if _NUL in value else value
    return [_storable(one) for one in value] if isinstance(value, list) else value


def _acceptable(tags: str) -> str:
    """Tags without what JSON has and PostgreSQL has not: NUL, numbers beyond all measure."""
    try:
        found = json.loads(tags, parse_float=_number)
    except (ValueError, RecursionError):
        return "{}"
    return json.dumps(_without_nul(found), ensure_ascii=False)


def _number(text: str) -> float | str:
    return text if _HUGE.search(text) else float(text)


def _without_nul(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(key): _without_nul(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    return _storable(value)
