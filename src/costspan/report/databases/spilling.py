"""The calls of a database as lines of a file, for the time that a report is made of them.

DuckDB's own ways of reading databases are downloads. So the fields that are asked for are written
to a temporary file, which then is read like any other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from costspan.export.folders import Place
from costspan.report.databases import tables
from costspan.report.databases.address import Address, address, is_address
from costspan.report.databases.columns import COLUMNS, GAP_COLUMNS, Column
from costspan.report.databases.connection import Connection
from costspan.report.databases.opening import reading
from costspan.report.files import SPILLED
from costspan.report.moments import written
from costspan.report.vocabulary import quoted, text

FIELDS = frozenset(column.field for column in COLUMNS)
"""All of them."""

_AROUND = timedelta(days=2)
"""A report of some days names the gaps of the files around them too."""


@contextmanager
def as_files(
    places: Iterable[Place],
    fields: Collection[str],
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[list[Place]]:
    """The places, with a temporary file for each database that is one.

    Args:
        fields: those of a line that are read.
        since, until: UTC without a zone; calls that ended before, or then and later, may be left
            out.

    Raises:
        ConfigurationError: a database cannot be read.
    """
    with ExitStack() as stack:
        found: list[Place] = []
        for place in places:
            if not is_address(place):
                found.append(place)
                continue
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="costspan-"))
            path = Path(folder, SPILLED)
            _spill(address(str(place)), path, fields, since, until)
            if path.stat().st_size:
                found.append(path)
        yield found


def _spill(
    source: Address,
    path: Path,
    fields: Collection[str],
    since: datetime | None,
    until: datetime | None,
) -> None:
    with reading(source) as database, path.open("wb") as file:
        known = database.columns(tables.calls_in(database.dialect))
        name = database.dialect.column
        wanted = [c for c in COLUMNS if c.field in fields and name(c).strip('"') in known]
        for query in (
            _query(database, tables.calls_in(database.dialect), wanted, since, until),
            _gaps(database, since and since - _AROUND, until and until + _AROUND),
        ):
            for chunk in database.texts(query):
                file.write(chunk)


def _query(
    database: Connection,
    table: str,
    columns: Iterable[Column],
    since: datetime | None,
    until: datetime | None,
    kind: str = "",
) -> str:
    parts = [part for one in columns for part in (text(one.field), database.dialect.in_json(one))]
    parts += ["'kind'", text(kind)] if kind else []
    window = [f"timestamp >= {text(written(since))}"] if since else []
    window += [f"timestamp < {text(written(until))}"] if until else []
    chosen = f" WHERE {' AND '.join(window)}" if window else ""
    return f"SELECT {database.dialect.line.format(', '.join(parts))} FROM {quoted(table)}{chosen}"


def _gaps(database: Connection, since: datetime | None, until: datetime | None) -> str:
    columns = [column for column in GAP_COLUMNS if column.field in ("schema", "lost")]
    return _query(database, tables.GAPS, columns, since, until, "gap")
