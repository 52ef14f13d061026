"""Sums in PostgreSQL, for any number of machines: one statement for each operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from costspan.cost.ledger import MOST_KEYS
from costspan.cost.stores import keeping
from costspan.cost.stores import postgres_schema as sql
from costspan.cost.stores.contract import (
    Bucket,
    Claim,
    Counter,
    Notice,
    Refusal,
    Standing,
    StoreDown,
)
from costspan.cost.stores.entries import Key, Settlement, bounded, by_cost, summed
from costspan.cost.stores.pool import Pool
from costspan.cost.stores.postgres_wire import Refused, Row, Wire
from costspan.totals import Summary

_decode = msgspec.json.decode
_entry = msgspec.json.Decoder(tuple[tuple[Key, ...], tuple[int, ...]]).decode

MOST_CONNECTIONS = 4
_FIRST_CONNECT_SECONDS = 5.0
_FOLDED_AT_ONCE = 500
_FOLD_SECONDS = 2

_SESSION = """SET application_name = 'costspan';
SET client_encoding = 'UTF8';
SET default_transaction_isolation = 'read committed';
SET idle_in_transaction_session_timeout = 5000;
SET statement_timeout = """
"""Read committed, whatever the database has: who waited for a lock sees what the other wrote."""


_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The character 0 in JSON, and not a backslash before `u0000`."""


class Postgres:
    """The backend of `postgresql://` stores.

    Args:
        url: as libpq reads it. The tables are made in the first schema of the search path.
        deadline: seconds that one operation may take.
    """

    name = "postgresql"
    faults: tuple[type[Exception], ...] = (Refused, psycopg.Error, OSError)

    def __init__(self, url: str, deadline: float) -> None:
        self._deadline = deadline
        self._url = url
        self.pool = Pool(self._open, Wire.close, MOST_CONNECTIONS, is_open=Wire.is_open)

    def reason(self, fault: Exception) -> str:
        """The SQLSTATE, or the kind of error."""
        return str(fault) if isinstance(fault, Refused) else type(fault).__name__

    def reach(self) -> None:
        """Have an answer."""
        self._ask(sql.LOOK)

    def settle(self, settlement: Settlement, at: int) -> tuple[Sequence[int], bool]:
        """Count it, unless its token was counted before."""
        entry = _encode((settlement.keys, settlement.amounts))
        charges = [
            (one.budget, one.scope, one.bucket, one.since, one.until, charge.amount)
            for charge in settlement.charges
            for one in (charge.counter,)
        ]
        ((answer,),) = self._ask(sql.SETTLE, settlement.token, at, entry, _encode(charges))
        number, spent = _decode(answer)
        return [int(text) for text in spent], number > 0 and number % keeping.TENDED_EVERY == 0

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """Reserve all of `claims`, or none."""
        wanted = [
            (one.budget, one.scope, one.bucket, one.since, claim.amount, claim.limit)
            for claim in claims
            for one in (claim.counter,)
        ]
        ((answer,),) = self._ask(sql.RESERVE, token, _encode(wanted), now, expires)
        if not answer:
            return None
        position, spent, held = _decode(answer)
        return Refusal(claims[position - 1], Standing(int(spent), int(held)))

    def prolong(self, token: str, expires: int) -> None:
        """Let what is reserved under `token` live on."""
        self._ask(sql.PROLONG, expires, token)

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """How counters stand."""
        wanted = [(one.budget, one.scope, one.since) for one in counters]
        rows = self._ask(sql.STANDINGS, _encode(wanted), now)
        return [Standing(int(spent), int(held)) for spent, held in rows]

    def buckets(self, budget: str, now: int, least: int) -> list[Bucket]:
        """All amounts of a budget that still count."""
        return [
            Bucket(name, scope, int(bucket), int(until), int(amount))
            for name, scope, bucket, until, amount in self._ask(
                sql.BUCKETS, _plain(budget), now, least
            )
        ]

    def claim(self, notice: Notice, now: int) -> bool:
        """Take on the sending of an alert."""
        one = notice
        names = (_plain(one.budget), _plain(one.scope), one.alert.hex())
        moments = (one.state, one.lease, one.rearms, one.at, now)
        return bool(self._ask(sql.CLAIM, _plain(one.key), one.level, *names, *moments))

    def mark(self, key: str, level: int, state: str) -> None:
        """Say how far an alert is."""
        self._ask(sql.MARK, _plain(key), level, state)

    def due(self, now: int) -> list[Notice]:
        """Alerts to be taken over or resolved."""
        return [_notice(row) for row in self._ask(sql.DUE, now)]

    def notices(self, most: int) -> list[Notice]:
        """The latest alerts, the newest first."""
        return [_notice(row) for row in self._ask(sql.LATEST, most)]

    def reset(self, budget: str, scope: str | None) -> int:
        """Forget a budget's sums, reservations and alerts."""
        which = None if scope is None else _plain(scope)
        ((count,),) = self._ask(sql.RESET, _plain(budget), which)
        return int(count)

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is; empty to forget it."""
        if description:
            self._ask(sql.DECLARE, _plain(budget), description.hex())
        else:
            self._ask(sql.WITHDRAW, _plain(budget))

    def declared(self) -> dict[str, bytes]:
        """What was said of each budget last."""
        return {name: bytes.fromhex(said) for name, said in self._ask(sql.DECLARED)}

    def sums(self, dimension: str) -> dict[str, Summary]:
        """By the keys of a dimension, or of `total`."""
        while self._fold():
            pass
        rows = self._ask(sql.SUMS, _plain(dimension))
        return by_cost({name: [int(number) for number in numbers] for name, *numbers in rows})

    def tend(self, now: int, thoroughly: bool) -> None:
        """Add up what was settled, and forget what counts no more."""
        while self._fold():
            pass
        moments = keeping.moments(now)
        for forget, moment in sql.FORGET if thoroughly else sql.FORGET[:1]:
            while self._ask(forget, moments[moment]) == [(str(sql.FORGOTTEN_AT_ONCE),)]:
                pass

    def _fold(self) -> bool:
        """Add some settled calls to the sums; whether there may be more."""
        with self.pool.lent(self._deadline) as wire:
            wire.ask("BEGIN")
            with wire.patient(_FOLD_SECONDS):
                wire.ask(f"SET LOCAL statement_timeout = {_FOLD_SECONDS * 1000}")
                wire.ask(sql.LOCK_SUMS)
                rows = wire.ask(sql.UNFOLDED, _FOLDED_AT_ONCE)
                sums = summed(_entry(entry) for _, entry in rows)
                kept = bounded(sums, _Room(wire, sums), MOST_KEYS)
                wire.ask(sql.FOLD, _encode([(*key, *amounts) for key, amounts in kept.items()]))
                wire.ask(sql.FOLDED, _encode([int(number) for number, _ in rows]))
                wire.ask("COMMIT")
        return len(rows) == _FOLDED_AT_ONCE

    def _ask(self, statement: str, *values: Any) -> list[Row]:
        with self.pool.lent(self._deadline) as wire:
            return wire.ask(statement, *values)

    def _open(self) -> Wire:
        wire = Wire(self._url, _FIRST_CONNECT_SECONDS, self._deadline)
        try:
            with wire.patient(_FIRST_CONNECT_SECONDS):
                if wire.ask(sql.IS_THERE) != [("t",)]:
                    _make_tables(wire)
                version = int(wire.ask(sql.LOOK)[0][0])
                if version != sql.VERSION:
                    known = sql.VERSION
                    raise StoreDown(
                        f"its tables have version {version}, this costspan knows {known}"
                    )
                wire.ask(_SESSION + str(int(self._deadline * 1000)))
        except BaseException:
            wire.close()
            raise
        return wire


def check(url: str) -> None:
    """Raise something where `url` cannot be read; nothing is connected to."""
    for option in psycopg.pq.Conninfo.parse(url.encode()):
        if option.keyword == b"port":  # libpq reads it when it connects
            for port in (option.val or b"5432").split(b","):
                int(port or 5432)


class _Room:
    """Which of some keys the database has sums of."""

    def __init__(self, wire: Wire, keys: Iterable[Key]) -> None:
        self._wire = wire
        self._known = set(wire.ask(sql.KNOWN, _encode(list(keys))))

    def known(self, key: Key) -> bool:
        return key in self._known

    def count(self, dimension: str) -> int:
        return int(self._wire.ask(sql.KEYS, dimension)[0][0])

    def dimensions(self) -> int:
        return int(self._wire.ask(sql.DIMENSIONS)[0][0])


def _make_tables(wire: Wire) -> None:
    """Make the tables; eight processes may do so at once."""
    version = f"INSERT INTO costspan_schema VALUES ({sql.VERSION}) ON CONFLICT DO NOTHING"
    for statement in ("BEGIN", sql.LOCK_SCHEMA, sql.TABLES, sql.FUNCTIONS, version, "COMMIT"):
        wire.ask(statement)


def _encode(value: Any) -> str:
    """As JSON, but for what no text of PostgreSQL can hold."""
    text = msgspec.json.encode(value).decode()
    return _NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text


def _plain(text: str) -> str:
    return text.replace("\0", "\ufffd")


def _notice(row: Row) -> Notice:
    key, level, budget, scope, alert, state, lease, rearms, at = row
    return Notice(
        key=key,
        level=int(level),
        budget=budget,
        scope=scope,
        alert=bytes.fromhex(alert),
        state=state,
        lease=int(lease),
        rearms=int(rearms),
        at=int(at),
    )
