"""Asks the calls files which dollars were wasted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, structs

from costspan.call import Call, Response, Usage
from costspan.report import sheet
from costspan.report.passed_over import PassedOver, found_in
from costspan.report.rating import rated
from costspan.report.rating.book import Book
from costspan.report.running import Watch, run, unwatched
from costspan.report.selection import Asked, files_of
from costspan.report.waste import rules
from costspan.report.waste.rules import CLASSES


class Wasted(Struct, frozen=True):
    """Sums of some calls: all of them, and those of each class. US dollars are exact."""

    calls: int = 0
    cost_usd: Decimal | None = None
    waste_calls: int = 0
    waste_usd: Decimal | None = None
    failed_calls: int = 0
    failed_usd: Decimal | None = None
    abandoned_calls: int = 0
    abandoned_usd: Decimal | None = None
    repeated_calls: int = 0
    repeated_usd: Decimal | None = None
    cut_short_calls: int = 0
    cut_short_usd: Decimal | None = None
    cache_missed_calls: int = 0
    cache_missed_usd: Decimal | None = None

    @property
    def share(self) -> float | None:
        """The waste as a part of the cost; None where nothing was spent."""
        if not self.cost_usd:
            return None
        return float((self.waste_usd or 0) / self.cost_usd)

    def of(self, name: str) -> tuple[int, Decimal | None]:
        """Calls and dollars of one class."""
        return getattr(self, f"{name}_calls"), getattr(self, f"{name}_usd")

    def as_dict(self) -> dict[str, Any]:
        """Every sum by its name in the JSON; dollars are `Decimal`."""
        share = None if self.share is None else round(self.share, 6)
        return structs.asdict(self) | {"share": share}


class Row(Struct, frozen=True):
    """The sums of one combination of keys."""

    keys: tuple[str | None, ...]
    sums: Wasted


class Waste(Struct, frozen=True):
    """An answer: the rows with the most waste first; `other` is what is not in them."""

    asked: Asked
    rows: list[Row]
    other: Wasted | None
    others: int
    total: Wasted
    files: int
    passed_over: PassedOver


class _WithPrefixCached(Struct, frozen=True):
    """As if something of the prompt had been read from a cache."""

    no_cache: bool = False

    def of(self, call: Call) -> Call:
        response = call.response or Response()
        usage = structs.replace(response.usage or Usage(), cache_read_tokens=1)
        return structs.replace(call, response=structs.replace(response, usage=usage))


def ask(asked: Asked, book: Book, top: int | None = None, watch: Watch = unwatched) -> Waste:
    """Answer.

    Args:
        book: tells what a read from a cache costs.
        top: so many rows, those with the most waste; the others come as one. All if None or 0.

    Raises:
        ConfigurationError: a place cannot be read, or DuckDB cannot answer or is not installed.
    """

    def work(engine: Any, files: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        columns = rated.columns() | rules.COLUMNS
        sheet.fill(engine, files, asked, columns, rated.READ | rules.FIELDS)
        engine.execute(rules.REPEATED)
        engine.execute(rules.MISSES)
        rated.rate(engine, _WithPrefixCached(), book, "misses")
        engine.execute(rules.missed(rated.judged("misses"), rated.usd("picos")))
        answer = sheet.dearest(_statement(len(asked.by)), len(asked.by), _SUMS, "waste_usd", top)
        return engine.execute(answer).fetchall(), engine.execute(sheet.NOTES).fetchall()

    with files_of(asked, rated.READ | rules.FIELDS) as files:
        found, unreadable = run(files, work, asked.written, watch)
        rows, notes = found or ([], [])
        passed_over = found_in(files, unreadable, notes)
    return Waste(
        asked=asked,
        files=len(files),
        passed_over=passed_over,
        **sheet.answered(rows, asked.by, Row, Wasted),
    )


_SUMS = Wasted.__struct_fields__


def _statement(keys: int) -> str:
    named = [f"k{place}" for place in range(keys)]
    sums = ["count(*)", "sum(cost_usd)", "count(class)", "sum(waste)"]
    for name in CLASSES:
        sums += [f"{what} FILTER (class = '{name}')" for what in ("count(*)", "sum(waste)")]
    listed = [f"{says} AS {name}" for says, name in zip(sums, _SUMS, strict=True)]
    sets = f"({', '.join(named)}), ()" if keys else "()"
    is_total = "grouping(k0) = 1" if keys else "true"
    return f"""
SELECT {", ".join((f"{is_total} AS is_total", *named, *listed))}
FROM ({rules.JUDGED}) GROUP BY GROUPING SETS ({sets})
"""
