"""The file of an SQLite store: made ready, waited for, and changed in whole steps."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from costspan.cost.stores import sqlite_schema as sql
from costspan.cost.stores.contract import StoreDown

_FIRST_USE_SECONDS = 5.0


def opened(path: str) -> sqlite3.Connection:
    """A connection to the file, which is made where there is none."""
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        when_free(lambda: _prepare(db), time.monotonic() + _FIRST_USE_SECONDS)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    """Make the file ready; eight processes may do so at once."""
    db.execute("PRAGMA page_size = 2048")  # of a new file: what a step writes is whole pages
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if _version(db) is None:
        with step(db, "BEGIN IMMEDIATE"):
            for table in sql.TABLES:
                db.execute(table)
            if _version(db) is None:
                db.execute("INSERT INTO costspan_schema VALUES (?, 0)", (sql.VERSION,))
    version = _version(db)
    if version != sql.VERSION:
        raise StoreDown(f"its tables have version {version}, this costspan knows {sql.VERSION}")


@contextmanager
def step(db: sqlite3.Connection, begin: str = "") -> Iterator[None]:
    """All of the block, or nothing of it."""
    if begin:
        db.execute(begin)
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int | None:
    found = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'costspan_schema'").fetchone()
    row = db.execute("SELECT version FROM costspan_schema").fetchone() if found else None
    return None if row is None else int(row[0])


def when_free(work: Callable[[], object], deadline: float) -> None:
    """Do `work` as soon as the file is not locked.

    SQLite's own way of waiting sleeps up to 100 ms at a time, and favours nobody in particular.
    """
    while True:
        try:
            work()
        except sqlite3.OperationalError as busy:
            locked = busy.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not locked or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.0002, 0.002))
        else:
            return
