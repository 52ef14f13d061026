"""Rollups: the sums of calls by a day or an hour and some words, kept in a table of their own.

What is added to the calls marks the periods that it changes as stale, in the same step; a stale
period is then summed up anew, as a whole. So a rollup is right after every load, also after one
that was killed, and after lines that come late.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.report.databases.columns import COLUMNS
from costspan.report.databases.dialect import Dialect
from costspan.report.databases.tables import calls_in
from costspan.report.statement import TOTAL_TOKENS
from costspan.report.vocabulary import TAG, TIMES, checked_word, field_of, quoted

_FORMS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
LENGTHS = {"day": 10, "hour": 13}
"""How many characters of a moment name the period."""

_LASTS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
_LONGEST_NAME = 63
"""Characters of a name in PostgreSQL."""

_COUNTED = {
    "calls": "count(*)",
    "errors": "count(error)",
    "unpriced_calls": (
        "count(CASE WHEN status = 'unpriced' OR ({cost} IS NULL AND status <> 'not_billed') "
        "THEN 1 END)"
    ),
    "partial_calls": "count(CASE WHEN status = 'partial' THEN 1 END)",
    "estimated_calls": "count(CASE WHEN status = 'estimated' THEN 1 END)",
}
_TOKENS = ("input", "output", "total", "cached", "cache_write", "reasoning")
_DOLLARS = ("cost", "input", "cache_read", "cache_write", "output", "tools")
_SUMMED = (*(f"{name}_tokens" for name in _TOKENS), *(f"{name}_usd" for name in _DOLLARS))

SUMS = (*_COUNTED, *_SUMMED, "runtime_seconds")
"""What is summed, as a report names it."""

_KINDS = {column.field: column.kind for column in COLUMNS}


class Rollup(Struct, frozen=True):
    """Sums by `unit`, which is `day` or `hour`, and `words`, which are checked."""

    unit: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of its table, such as `costspan_rollup_day_endpoint_model`."""
        written = "_".join((self.unit, *self.words)).replace(TAG, "tag_")
        name = f"costspan_rollup_{written}"
        if re.fullmatch("[a-z0-9_]+", written) and len(name) <= _LONGEST_NAME:
            return name
        digest = hashlib.sha256(written.encode()).hexdigest()[:8]
        return f"{re.sub('[^a-z0-9_]', '_', name)[: _LONGEST_NAME - 9]}_{digest}"

    @property
    def keys(self) -> list[str]:
        """The names of the columns that it sums by, without the period's."""
        return [word if word.startswith(TAG) else field_of(word) for word in self.words]

    def __str__(self) -> str:
        return ", ".join((self.unit, *self.words))


def rollup(unit: str, words: list[str]) -> Rollup:
    """A rollup, checked.

    Raises:
        ConfigurationError: it cannot be kept.
    """
    if unit not in TIMES:
        raise ConfigurationError(f"--rollup {unit!r}: write day or hour")
    for word in map(checked_word, words):
        if word in TIMES or word in ("trace", "call"):
            raise ConfigurationError(
                f"--rollup {unit} --by {word}: a rollup is by agent, session, endpoint, user, "
                "model, provider or tag:KEY"
            )
    return Rollup(unit, tuple(dict.fromkeys(words)))


def read(unit: str, words: str) -> Rollup:
    """A rollup as the database notes it."""
    return Rollup(unit, tuple(json.loads(words)))


def made(kept: Rollup, dialect: Dialect) -> Iterator[str]:
    """The statements that make its table."""
    columns = [f"{quoted(kept.unit)} {dialect.types[kept.unit]} NOT NULL"]
    columns += [f"{quoted(key)} {dialect.types['text']}" for key in kept.keys]
    columns += [f"{quoted(dialect_name(name, dialect))} {_type(name, dialect)}" for name in SUMS]
    table = quoted(kept.name + dialect.exact)
    yield f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns)})"
    index = quoted(f"{kept.name[:58]}_at")
    yield f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({quoted(kept.unit)})"


def shown(kept: Rollup) -> list[tuple[str, bool]]:
    """The columns of its view, and whether they are of dollars."""
    names = [kept.unit, *kept.keys, *SUMS]
    return [(name, name.endswith("_usd")) for name in names]


def dialect_name(name: str, dialect: Dialect) -> str:
    """The column of a sum."""
    return dialect.money(name) if name.endswith("_usd") else name


def _type(name: str, dialect: Dialect) -> str:
    if name == "runtime_seconds":
        return dialect.types["seconds"]
    return dialect.types["integer" if name in _COUNTED else _KINDS[name]]


def emptied(kept: Rollup, dialect: Dialect) -> str:
    """The statement that forgets one period."""
    table = quoted(kept.name + dialect.exact)
    return f"DELETE FROM {table} WHERE {quoted(kept.unit)} = {dialect.mark}"


def summed(kept: Rollup, dialect: Dialect) -> str:
    """The statement that sums up the calls from a moment to before another."""
    keys = [dialect.tag(w[len(TAG) :]) if w.startswith(TAG) else field_of(w) for w in kept.words]
    grouped = [dialect.periods[kept.unit], *keys]
    sums = [_sum(name, dialect) for name in SUMS]
    places = ", ".join(str(place + 1) for place in range(len(grouped)))
    return (
        f"INSERT INTO {quoted(kept.name + dialect.exact)} SELECT {', '.join([*grouped, *sums])} "
        f"FROM {calls_in(dialect)} "
        f"WHERE timestamp >= {dialect.mark} AND timestamp < {dialect.mark} GROUP BY {places}"
    )


def _sum(name: str, dialect: Dialect) -> str:
    if name in _COUNTED:
        return _COUNTED[name].format(cost=quoted(dialect_name("cost_usd", dialect)))
    if name == "runtime_seconds":
        return dialect.seconds
    if name == "total_tokens":
        return f"sum({TOTAL_TOKENS})"
    return f"sum({quoted(dialect_name(name, dialect))})"


class Bounds(NamedTuple):
    """A period: from when on, before when, and what stands for it in the table."""

    since: str
    until: str
    written: str


def bounds(unit: str, period: str) -> Bounds:
    """The bounds of `2026-11-21` or `2026-11-21T14`, as the files write moments."""
    since = datetime.strptime(period, _FORMS[unit]).replace(tzinfo=UTC)
    written = period if unit == "day" else f"{period}:00:00Z"
    return Bounds(_moment(since), _end(since, unit), written)


def _end(since: datetime, unit: str) -> str:
    try:
        return _moment(since + _LASTS[unit])
    except OverflowError:  # of the last day of all, after which Python has no moment
        return f"{since:%Y-%m-%d}T24:00:00.000000Z"


def _moment(instant: datetime) -> str:
    return instant.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
