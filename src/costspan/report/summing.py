"""Two ways to sum up the calls: while they are read, or from a table that may lie on disk.

The first needs memory for every value of which there are exact percentiles, and for all breakdowns
at once. The second reads the files no more often: it keeps what it needs of each call, less than a
fifth of a line, and sums up one breakdown after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from costspan.report import sheet
from costspan.report.answers import IS_DEAR, rows_of
from costspan.report.dearest import FIGURES, dearest, keep
from costspan.report.percentiles import APPROXIMATE, VALUES, approximate
from costspan.report.selection import Asked, rows
from costspan.report.statement import READ, kept, part_of, statement

_MOST_GROUPS = 1_000_000
"""DuckDB can put sums of groups on disk, but not of any number: of 8 million it could not."""

Keys = tuple[str, ...]
"""Those of a breakdown: `k0` is the first word that was asked for, and so on."""


class Wanted(Struct, frozen=True):
    """A question, checked.

    Attributes:
        asked: of all breakdowns, and of the time before too.
        since: where the time before ends; None where nothing is compared.
        parts: the keys of each breakdown.
        tops: how many rows, by the keys in their order; of keys that are not named, all.
    """

    asked: Asked
    since: datetime | None
    parts: list[Keys]
    tops: dict[Keys, int]


class Found(Struct, frozen=True):
    """The statement's rows: with what was passed over, and of each breakdown."""

    notes: list[Any]
    parts: list[list[Any]]


def while_read(engine: Any, files: Sequence[Path], wanted: Wanted) -> Found:
    """In one pass over the files; percentiles are exact."""
    asked, keys = wanted.asked, [f"k{place}" for place in range(len(wanted.asked.by))]
    tops = {part_of(keys, names): top for names, top in wanted.tops.items()}

    found: list[Any] = []
    for as_text in (False, True):
        calls = rows(files, asked, kept(wanted.since), READ, as_text=as_text)
        keep(engine, [statement(f"({calls})", keys, [*wanted.parts, ()])], keys)
        found = engine.execute(dearest(keys, tops)).fetchall()
        if not any(row[IS_DEAR] for row in found):
            break
    return Found(found, [list(rows_of(found, keys, names)) for names in wanted.parts])


def from_table(engine: Any, files: Sequence[Path], wanted: Wanted) -> Found:
    """From what is kept of each call; percentiles are approximate."""
    sheet.fill(engine, files, wanted.asked, kept(wanted.since), READ)
    totals = _summed(engine, (), None)
    found: dict[Keys, list[Any]] = {(): []}
    for keys in wanted.parts:
        if keys not in found:
            found[keys] = _summed(engine, keys, wanted.tops.get(tuple(sorted(keys))))
    return Found(totals, [totals + found[keys] for keys in wanted.parts])


def _summed(engine: Any, keys: Keys, top: int | None) -> list[Any]:
    """The rows of one breakdown, as `answers.rows_of` gives them."""
    pieces = _in_pieces(engine, keys)
    keep(engine, (statement(some, keys, [keys], APPROXIMATE) for some in pieces), keys)
    rows_shown = dearest(keys, {0: top} if top else {})
    engine.execute(f"CREATE OR REPLACE TEMP TABLE shown AS {rows_shown}")
    engine.execute("DROP TABLE summed")
    groups = ["is_before", *keys]
    alike = " AND ".join(f"s.{name} IS NOT DISTINCT FROM t.{name}" for name in groups)
    times = ", ".join(f"t.{name} AS {FIGURES[name]}" for name in VALUES)
    calls = "(FROM lines_read WHERE is_call)"
    found: list[Any] = engine.execute(f"""
SELECT s.* EXCLUDE (part) REPLACE ({times}) FROM shown s
LEFT JOIN ({approximate(calls, groups, only="shown")}) t
ON s.is_call AND s.others = 0 AND {alike}""").fetchall()
    return found


def _in_pieces(engine: Any, keys: Keys) -> list[str]:
    """The table in pieces, each with about so many groups as can be summed up at once."""
    if not keys:
        return ["lines_read"]
    group = f"hash({', '.join(keys)})"
    found = engine.execute(f"SELECT approx_count_distinct({group}) FROM lines_read").fetchall()
    pieces = found[0][0] // _MOST_GROUPS + 1
    return [f"(FROM lines_read WHERE {group} % {pieces} = {place})" for place in range(pieces)]
