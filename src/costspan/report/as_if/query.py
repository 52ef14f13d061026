"""Asks the calls files what the same calls would come to at another tariff."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from costspan.call import Usage
from costspan.report import sheet
from costspan.report.as_if import statement
from costspan.report.as_if.changes import Changes
from costspan.report.passed_over import PassedOver, found_in
from costspan.report.rating import rated
from costspan.report.rating.book import Book
from costspan.report.running import Watch, run, unwatched
from costspan.report.selection import Asked, files_of


class Compared(Struct, frozen=True):
    """Sums of some calls. US dollars are exact; None is what no call has.

    `cost_usd` is `was_usd` and `unconverted_usd` together; `was_usd` and `as_if_usd` are of the
    same calls: those that were converted, and those of which nothing is otherwise.
    """

    calls: int = 0
    converted_calls: int = 0
    unconverted_calls: int = 0
    cost_usd: Decimal | None = None
    unconverted_usd: Decimal | None = None
    was_usd: Decimal | None = None
    as_if_usd: Decimal | None = None

    @property
    def difference_usd(self) -> Decimal | None:
        """How much more, or less where it is negative."""
        if self.was_usd is None or self.as_if_usd is None:
            return None
        return self.as_if_usd - self.was_usd

    @property
    def change(self) -> float | None:
        """The difference as a part of what it was; None where that was nothing."""
        difference = self.difference_usd
        return float(difference / self.was_usd) if self.was_usd and difference is not None else None


class Row(Struct, frozen=True):
    """The sums of one combination of keys."""

    keys: tuple[str | None, ...]
    sums: Compared


class Refused(Struct, frozen=True):
    """Calls of one model that could not be converted, for one reason."""

    provider: str
    model: str | None
    reason: str
    calls: int
    cost_usd: Decimal | None


class Comparison(Struct, frozen=True):
    """An answer: the rows are the dearest first; `other` is what is not in them, of `others` rows.

    `unmatched` are models that were named and that no call is of.
    """

    asked: Asked
    changes: Changes
    rows: list[Row]
    other: Compared | None
    others: int
    total: Compared
    refused: list[Refused]
    unmatched: list[str]
    files: int
    passed_over: PassedOver


def ask(
    asked: Asked, changes: Changes, book: Book, top: int | None = None, watch: Watch = unwatched
) -> Comparison:
    """Answer.

    Args:
        top: so many rows, the dearest; the others come as one. All if None or 0.

    Raises:
        ConfigurationError: a place cannot be read, or DuckDB cannot answer or is not installed.
    """

    def work(engine: Any, files: Sequence[Path]) -> dict[str, Any]:
        sheet.fill(engine, files, asked, rated.columns(), rated.READ)
        buckets = rated.rate(engine, changes, book)
        answer = sheet.dearest(
            statement.statement(len(asked.by)), len(asked.by), list(statement.SUMS), "cost_usd", top
        )
        return {
            "found": engine.execute(answer).fetchall(),
            "refused": [Refused(*row) for row in engine.execute(statement.REFUSED).fetchall()],
            "notes": engine.execute(sheet.NOTES).fetchall(),
            "named": {changes.named(bucket.call(bucket.start, Usage())) for bucket in buckets},
        }

    with files_of(asked, rated.READ) as files:
        found, unreadable = run(files, work, asked.written, watch)
        done = found or {"found": [], "refused": [], "notes": [], "named": set()}
        passed_over = found_in(files, unreadable, done["notes"])
    return Comparison(
        asked=asked,
        changes=changes,
        refused=done["refused"],
        unmatched=[name for name, _ in changes.some if name not in done["named"]],
        files=len(files),
        passed_over=passed_over,
        **sheet.answered(done["found"], asked.by, Row, Compared),
    )


def as_dict(sums: Compared) -> dict[str, Any]:
    """Every sum by its name in the JSON; dollars are `Decimal`."""
    change = None if sums.change is None else round(sums.change, 6)
    return structs.asdict(sums) | {"difference_usd": sums.difference_usd, "change": change}
