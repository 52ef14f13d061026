"""Sums in an SQLite file, for the processes of one machine."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import msgspec
from msgspec import structs

from costspan.cost.ledger import MOST_KEYS
from costspan.cost.stores import keeping
from costspan.cost.stores import sqlite_schema as sql
from costspan.cost.stores.contract import (
    Bucket,
    Claim,
    Counter,
    Notice,
    Refusal,
    Standing,
)
from costspan.cost.stores.entries import Key, Settlement, bounded, by_cost, summed
from costspan.cost.stores.pool import Pool
from costspan.cost.stores.sqlite_file import opened, step, when_free
from costspan.totals import Summary

_encode = msgspec.json.Encoder().encode
_entry = msgspec.json.Decoder(tuple[tuple[Key, ...], tuple[int, ...]]).decode

_FOLDED_AT_ONCE = 500


class SQLite:
    """The backend of `sqlite:///` stores. One connection, used by one thread at a time.

    Args:
        path: absolute; the file is made on the first use.
        deadline: seconds that one operation may take.
    """

    name = "sqlite"
    faults: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: str, deadline: float) -> None:
        self._deadline = deadline
        # A child that inherits a connection shares its locks, and may harm the file.
        self.pool = Pool(partial(opened, path), sqlite3.Connection.close, most=1, exclusive=True)

    def reason(self, fault: Exception) -> str:
        """The kind of error, such as `SQLITE_BUSY`."""
        return getattr(fault, "sqlite_errorname", None) or type(fault).__name__

    def reach(self) -> None:
        """Take the lock that every operation takes."""
        with self._writing():
            pass

    def settle(self, settlement: Settlement, at: int) -> tuple[Sequence[int], bool]:
        """Count it, unless its token was counted before."""
        token = settlement.token
        entry = _encode((settlement.keys, settlement.amounts)).decode()
        with self._writing() as db:
            counted = db.execute(sql.COUNT, (token, at, entry))
            new, number = counted.rowcount == 1, counted.lastrowid or 0
            for charge in settlement.charges if new else ():
                one = charge.counter
                row = (one.budget, one.scope, one.bucket, one.until, charge.amount, at)
                db.execute(sql.CHARGE, row)
            db.execute(sql.RELEASE, (token,))
            spent = [_spent(db, charge.counter) for charge in settlement.charges]
        return spent, new and number % keeping.TENDED_EVERY == 0

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """Reserve all of `claims`, or none."""
        with self._writing() as db:
            db.execute(sql.EXPIRED, (token, now))
            for claim in claims:
                standing = _standing(db, claim.counter, now)
                if standing.spent + standing.held + claim.amount > claim.limit:
                    return Refusal(claim, standing)
            db.execute(sql.LIVE, (expires, token, expires))
            for claim in claims:
                one = claim.counter
                row = (token, one.budget, one.scope, one.bucket, claim.amount, expires)
                db.execute(sql.RESERVE, row)
        return None

    def prolong(self, token: str, expires: int) -> None:
        """Let what is reserved under `token` live on."""
        with self._writing() as db:
            db.execute("UPDATE costspan_reserved SET expires = ? WHERE token = ?", (expires, token))

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """How counters stand."""
        with self._reading() as db:
            return [_standing(db, counter, now) for counter in counters]

    def buckets(self, budget: str, now: int, least: int) -> list[Bucket]:
        """All amounts of a budget that still count."""
        with self._reading() as db:
            rows = db.execute(sql.BUCKETS, (budget, now, least)).fetchall()
        return [Bucket(*row) for row in rows]

    def claim(self, notice: Notice, now: int) -> bool:
        """Take on the sending of an alert."""
        with self._writing() as db:
            return db.execute(sql.CLAIM, {**structs.asdict(notice), "now": now}).rowcount == 1

    def mark(self, key: str, level: int, state: str) -> None:
        """Say how far an alert is."""
        marked = "UPDATE costspan_notices SET state = ? WHERE key = ? AND level = ?"
        with self._writing() as db:
            db.execute(marked, (state, key, level))

    def due(self, now: int) -> list[Notice]:
        """Alerts to be taken over or resolved."""
        with self._reading() as db:
            return [_notice(row) for row in db.execute(sql.DUE, (now, now))]

    def notices(self, most: int) -> list[Notice]:
        """The latest alerts, the newest first."""
        latest = f"SELECT {sql.NOTICE} FROM costspan_notices ORDER BY at DESC LIMIT ?"
        with self._reading() as db:
            return [_notice(row) for row in db.execute(latest, (most,))]

    def reset(self, budget: str, scope: str | None) -> int:
        """Forget a budget's sums, reservations and alerts."""
        which = "budget = :budget AND (:scope IS NULL OR scope = :scope)"
        wanted = {"budget": budget, "scope": scope}
        counters = f"""SELECT count(*) FROM (
            SELECT scope FROM costspan_spent WHERE {which}
            UNION SELECT scope FROM costspan_reserved WHERE {which})"""
        with self._writing() as db:
            (count,) = db.execute(counters, wanted).fetchone()
            for table in ("costspan_spent", "costspan_reserved", "costspan_notices"):
                db.execute(f"DELETE FROM {table} WHERE {which}", wanted)
        return int(count)

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is; empty to forget it."""
        with self._writing() as db:
            if description:
                db.execute(sql.DECLARE, (budget, description))
            else:
                db.execute("DELETE FROM costspan_budgets WHERE budget = ?", (budget,))

    def declared(self) -> dict[str, bytes]:
        """What was said of each budget last."""
        with self._reading() as db:
            return dict(db.execute("SELECT budget, description FROM costspan_budgets"))

    def sums(self, dimension: str) -> dict[str, Summary]:
        """By the keys of a dimension, or of `total`."""
        while self._fold():
            pass
        with self._reading() as db:
            rows = db.execute("SELECT * FROM costspan_sums WHERE dimension = ?", (dimension,))
            return by_cost({name: numbers for _, name, *numbers in rows})

    def tend(self, now: int, thoroughly: bool) -> None:
        """Add up what was settled, and forget what counts no more."""
        while self._fold():
            pass
        for forget in sql.FORGET if thoroughly else sql.FORGET[:1]:
            while self._forgets(forget, now):
                pass

    def _forgets(self, forget: str, now: int) -> bool:
        """Forget some rows; whether there may be more."""
        with self._writing() as db:
            return db.execute(forget, keeping.moments(now)).rowcount == sql.AT_ONCE

    def _fold(self) -> bool:
        """Add some settled calls to the sums; whether there may be more."""
        with self._writing() as db:
            rows = db.execute(sql.UNFOLDED, (_FOLDED_AT_ONCE,)).fetchall()
            sums = summed(_entry(entry) for _, entry in rows)
            kept = bounded(sums, _Room(db), MOST_KEYS)
            db.executemany(sql.FOLD, [(*key, *amounts) for key, amounts in kept.items()])
            folded = [(number,) for number, _ in rows]
            db.executemany("UPDATE costspan_settled SET entry = NULL WHERE id = ?", folded)
            db.executemany("UPDATE costspan_schema SET folded = ?", folded[-1:])
        return len(rows) == _FOLDED_AT_ONCE

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One moment's view of the file."""
        deadline = time.monotonic() + self._deadline
        with self.pool.lent(self._deadline) as db:
            when_free(lambda: db.execute(sql.LOOK), deadline)
            with step(db, "BEGIN"):
                yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One step that is done as a whole, or not at all."""
        deadline = time.monotonic() + self._deadline
        with self.pool.lent(self._deadline) as db:
            when_free(lambda: db.execute("BEGIN IMMEDIATE"), deadline)
            with step(db):
                yield db


class _Room:
    """Which keys the file has sums of."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def known(self, key: Key) -> bool:
        wanted = "SELECT 1 FROM costspan_sums WHERE dimension = ? AND name = ?"
        return self._db.execute(wanted, key).fetchone() is not None

    def count(self, dimension: str) -> int:
        return self._number("SELECT count(*) FROM costspan_sums WHERE dimension = ?", dimension)

    def dimensions(self) -> int:
        return self._number("SELECT count(DISTINCT dimension) FROM costspan_sums")

    def _number(self, wanted: str, *which: str) -> int:
        return int(self._db.execute(wanted, which).fetchone()[0])


def _spent(db: sqlite3.Connection, counter: Counter) -> int:
    row = db.execute(sql.SPENT, (counter.budget, counter.scope, counter.since)).fetchone()
    return int(row[0])


def _standing(db: sqlite3.Connection, counter: Counter, now: int) -> Standing:
    held = (counter.budget, counter.scope, now, counter.since)
    return Standing(_spent(db, counter), int(db.execute(sql.HELD, held).fetchone()[0]))


def _notice(row: tuple[str, int, str, str, bytes, str, int, int, int]) -> Notice:
    key, level, budget, scope, alert, state, lease, rearms, at = row
    return Notice(
        key=key,
        level=level,
        budget=budget,
        scope=scope,
        alert=alert,
        state=state,
        lease=lease,
        rearms=rearms,
        at=at,
    )
