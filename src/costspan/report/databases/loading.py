"""Loads calls files into a database: each line once, however often, and whatever came between.

    loaded = load(["logs"], address("sqlite:///calls.db"), [rollup("day", ["endpoint", "model"])])

A batch of lines is one step of the database, and what a load has not finished the next one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from costspan.export.folders import Place, Unreadable, lines_of
from costspan.report.databases import rollups, tables
from costspan.report.databases.address import Address
from costspan.report.databases.connection import Connection
from costspan.report.databases.opening import loading
from costspan.report.databases.rollups import Rollup
from costspan.report.databases.rows import Reader, Row
from costspan.report.files import files_in
from costspan.report.passed_over import Noted, PassedOver

BATCH = 5_000
"""Lines of one step."""

_BATCH_BYTES = 16 << 20
_encode = msgspec.json.Encoder().encode


class Loaded(Struct, frozen=True):
    """What a load did.

    Attributes:
        files: how many were read.
        calls: how many lines of calls they hold; `new` of them were not in the database before.
        rollups: of each that the database keeps, how many periods were summed up anew.
        passed_over: lines and files that hold no calls.
    """

    files: int
    calls: int
    new: int
    rollups: dict[str, int]
    passed_over: PassedOver


Told = Callable[[int], object]


def load(
    places: Iterable[Place],
    into: Address,
    kept: Sequence[Rollup] = (),
    told: Told = lambda calls: None,
) -> Loaded:
    """Load the calls files of folders, or files themselves.

    Args:
        kept: rollups that the database keeps from now on.
        told: is told now and then how many calls were read so far.

    Raises:
        ConfigurationError: a folder is not there, or the database does not do as it is told.
    """
    files = files_in(places)
    with loading(into) as database:
        for one in kept:
            _keep(database, one)
        work = _Load(database, told)
        try:
            for path in files:
                work.file(path)
            work.write()
        finally:
            work.reader.close()
        summed_up = _summed_up(database)
        return Loaded(len(files), work.calls, work.new, summed_up, work.noted.found())


class _Load:
    """One load: rows that wait for their step, and what was passed over."""

    def __init__(self, database: Connection, told: Told) -> None:
        self.reader = Reader()
        self.calls = self.new = self._bytes = 0
        self._database = database
        self._told = told
        self._rows: list[Row] = []
        self.noted = Noted()

    def file(self, path: Path) -> None:
        """Read one file, to its end or as far as it can be read."""
        self.reader.begin(path)
        number = 0
        try:
            for number, text in lines_of(path):
                found = self.reader.row(text)
                if isinstance(found, Row):
                    self._take(found, len(text or b""))
                else:
                    self.noted.line(path, number, found)
        except Unreadable as why:
            self.noted.unreadable(path, number, why)
            return
        if not number:
            self.noted.empty(path)

    def _take(self, row: Row, size: int) -> None:
        self._rows.append(row)
        self._bytes += size
        self.noted.newest = max(self.noted.newest, row.values[0] or 0)
        if row.is_gap:
            self.noted.gap(row.values[2])
        else:
            self.calls += 1
        if len(self._rows) >= BATCH or self._bytes >= _BATCH_BYTES:
            self.write()

    def write(self) -> None:
        """Have the database take what waits, in one step."""
        rows, self._rows, self._bytes = self._rows, [], 0
        if not rows:
            return
        with self._database.step():
            gaps = [row for row in rows if row.is_gap]
            hours = self._database.add_calls([row for row in rows if not row.is_gap])
            if gaps:
                self._database.add_gaps(gaps)
            _mark(self._database, _kept_by(self._database), hours)
        self.new += sum(hours.values())
        self._told(self.calls)


def _kept_by(database: Connection) -> list[Rollup]:
    found = database.ask(f"SELECT unit, words FROM {tables.ROLLUPS} ORDER BY name")
    return [rollups.read(unit, words) for unit, words in found]


def _keep(database: Connection, kept: Rollup) -> None:
    """Have a rollup from now on; of what is in the database already too."""
    dialect = database.dialect
    with database.step():
        if kept in _kept_by(database):
            return
        for statement in rollups.made(kept, dialect):
            database.ask(statement)
        for statement in tables.viewed(dialect, kept.name, rollups.shown(kept)):
            database.ask(statement)
        marks = ", ".join([dialect.mark] * 3)
        noted = kept.name, kept.unit, _encode(kept.words).decode()
        database.ask(f"INSERT INTO {tables.ROLLUPS} VALUES ({marks})", *noted)
        hours = database.ask(f"SELECT DISTINCT {dialect.hour} FROM {tables.calls_in(dialect)}")
        _mark(database, [kept], [hour for (hour,) in hours])


def _mark(database: Connection, kept: Iterable[Rollup], hours: Iterable[str]) -> None:
    """Note which periods are to be summed up anew."""
    mark = database.dialect.mark
    for one in kept:
        for period in {hour[: rollups.LENGTHS[one.unit]] for hour in hours}:
            database.ask(
                f"INSERT INTO {tables.STALE} VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING",
                *(one.name, period),
            )


def _summed_up(database: Connection) -> dict[str, int]:
    """Sum up what is stale, also what a killed load left: how many periods of each rollup."""
    found: dict[str, int] = {}
    dialect = database.dialect
    for kept in _kept_by(database):
        stale = f"SELECT period FROM {tables.STALE} WHERE name = {dialect.mark} ORDER BY 1"
        periods = database.ask(stale, kept.name)
        for (period,) in periods:
            with database.step():
                _sum_up(database, kept, period)
        found[str(kept)] = len(periods)
    return found


def _sum_up(database: Connection, kept: Rollup, period: str) -> None:
    dialect = database.dialect
    since, until, written = rollups.bounds(kept.unit, period)
    database.ask(rollups.emptied(kept, dialect), written)
    database.ask(rollups.summed(kept, dialect), since, until)
    mark = dialect.mark
    database.ask(
        f"DELETE FROM {tables.STALE} WHERE name = {mark} AND period = {mark}", kept.name, period
    )
