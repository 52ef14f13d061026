"""Opens a database of calls: for a load, which makes and adds what is lacking, or to read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from costspan.errors import ConfigurationError
from costspan.report.databases import tables
from costspan.report.databases.address import Address
from costspan.report.databases.connection import Connection


@contextmanager
def loading(address: Address) -> Iterator[Connection]:
    """A database that lines are loaded into; its tables are there.

    Raises:
        ConfigurationError: it cannot be reached, or a newer costspan made its tables.
    """
    with _connected(address, is_new=True) as database:
        with database.step():
            _prepare(database, address)
        yield database


@contextmanager
def reading(address: Address) -> Iterator[Connection]:
    """A database that a load filled; nothing in it is changed.

    Raises:
        ConfigurationError: it cannot be reached, holds no calls, or a newer costspan made it.
    """
    if address.is_file and not os.path.exists(address.target):
        raise ConfigurationError(f"{address.shown}: there is no such file")
    with _connected(address, is_new=False) as database:
        if tables.VERSIONS not in database.tables():
            raise ConfigurationError(
                f"{address.shown} holds no calls: costspan load FOLDER --into {address.shown}"
            )
        _check(database, address)
        yield database


@contextmanager
def _connected(address: Address, *, is_new: bool) -> Iterator[Connection]:
    database = _connection(address, is_new=is_new)
    try:
        yield database
    finally:
        database.close()


def _connection(address: Address, *, is_new: bool) -> Connection:
    if address.is_file:
        from costspan.report.databases.sqlite import SQLite

        return SQLite(address, is_new=is_new)
    from costspan.report.databases.postgres import Postgres

    return Postgres(address, is_new=is_new)


def _check(database: Connection, address: Address) -> int:
    """The version of its tables; 0 where they are still to be filled in."""
    found = max((version for (version,) in database.ask(tables.NOTED)), default=0)
    if found > tables.VERSION:
        raise ConfigurationError(
            f"{address.shown} was made by a newer costspan (its tables have version {found}, this "
            f"one knows {tables.VERSION}): pip install --upgrade costspan"
        )
    return int(found)


def _prepare(database: Connection, address: Address) -> None:
    dialect = database.dialect
    if tables.VERSIONS in database.tables() and _check(database, address) == tables.VERSION:
        return
    for statement in tables.made(dialect):
        database.ask(statement)
    for statement in tables.added(dialect, database.columns(tables.calls_in(dialect))):
        database.ask(statement)
    for statement in tables.view_of_calls(dialect):
        database.ask(statement)
    database.ask(tables.NOTE_AGAIN if database.ask(tables.NOTED) else tables.NOTE)
