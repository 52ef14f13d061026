"""What the page tells of single calls: the dearest, the failures by kind, and what the cache saved.

One more pass over the files, beside that of the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from costspan.report.conditions import condition, renamed
from costspan.report.files import files_in
from costspan.report.question import Question, Report
from costspan.report.running import run
from costspan.report.selection import IS_CALL, within
from costspan.report.source import lines, names_of
from costspan.report.statement import IS_DEAR, READ

_MOST = 50
"""Kinds of failures and models; the rarer ones are left out, and counted in the totals."""

_WRITTEN = "coalesce(cache_write_tokens, 0)"
_FRESH = f"(input_tokens - cached_tokens - {_WRITTEN})"
_SAVED = f"""CASE WHEN {_FRESH} > 0 AND input_usd > 0 AND cached_tokens + {_WRITTEN} > 0
    THEN input_usd::DOUBLE / {_FRESH} * (cached_tokens + {_WRITTEN})
        - cache_read_usd::DOUBLE - coalesce(cache_write_usd::DOUBLE, 0) END"""
"""What the tokens that were read from the cache, and written to it, would have cost more at the
price that this very call paid for the rest of its input. NULL where it paid for no other input."""


class DearCall(Struct, frozen=True):
    """One call. Dollars stand first and the moment next: this is how calls are ordered."""

    cost_usd: Decimal
    timestamp: datetime
    span_id: str | None
    trace_id: str | None
    model: str | None
    agent: str | None
    endpoint: str | None
    session_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: float
    error: str | None


class Failure(Struct, frozen=True):
    """Calls whose caller got the same exception. `cost_usd` is None where no cost is known."""

    error: str
    error_code: str | None
    calls: int
    cost_usd: Decimal | None
    first: datetime
    last: datetime


class Saving(Struct, frozen=True):
    """About what the cache saved, in US dollars, and of how many tokens of cache reads that is."""

    saved_usd: float | None = None
    tokens: int = 0


class Particulars(Struct, frozen=True):
    """The dearest calls first, the most frequent failures first, savings by model and in all."""

    calls: list[DearCall]
    failures: list[Failure]
    savings: dict[str | None, Saving]
    saving: Saving


def particulars(question: Question, report: Report, most: int) -> Particulars:
    """Of the calls that a report is of.

    Args:
        question: what was asked.
        report: the answer, which says from when until when.
        most: how many single calls.

    Raises:
        ConfigurationError: as `ask` does.
    """
    files = files_in(question.places, _day(report.since), _day(report.until))

    def rows(engine: Any, chosen: Sequence[Path]) -> list[Any]:
        ask = partial(_statement, chosen, question, report, most)
        found: list[Any] = engine.execute(ask(as_text=False)).fetchall()
        if any(row[_IS_DEAR] for row in found):
            found = engine.execute(ask(as_text=True)).fetchall()
        return found

    found, _ = run(files, rows, question.where)
    calls: list[DearCall] = []
    failures, savings, saving = [], {}, Saving()
    for part, _, error, code, model, number, cost, first, last, saved, tokens, dearest in (
        found or ()
    ):
        if part == _BY_ERROR and error is not None:
            failures.append(Failure(error, code, number, cost, first, last))
        elif part == _BY_MODEL:
            savings[model] = Saving(saved, tokens or 0)
        elif part == _ALL:
            saving = Saving(saved, tokens or 0)
            calls = [DearCall(**call) for call in dearest or ()]
    failures.sort(key=lambda one: (-one.calls, one.error, one.error_code or ""))
    return Particulars(calls, failures, savings, saving)


_IS_DEAR = 1
_BY_ERROR, _BY_MODEL, _ALL = 1, 2, 3
"""What DuckDB's grouping(error, model) is."""


def _statement(
    files: Sequence[Path], question: Question, report: Report, most: int, as_text: bool
) -> str:
    asked = condition(question.where) if question.where is not None else None
    fields, tags, wanted = (
        set(READ | {*DearCall.__struct_fields__, "error_code"}),
        frozenset[str](),
        "true",
    )
    if asked is not None:
        fields |= asked.fields - {"tags"}
        tags = asked.tags
        wanted = renamed(asked, names_of(tags))
    call = ", ".join(f"{name} := {name}" for name in DearCall.__struct_fields__)
    part, order = "grouping(error, model)", "count(*) DESC, error, error_code, model"
    return f"""
SELECT {part} AS part, {IS_DEAR}, error, error_code, model,
    count(*), sum(cost_usd), min(timestamp), max(timestamp),
    sum(saved), sum(cached_tokens) FILTER (saved IS NOT NULL),
    CASE WHEN part = {_ALL}
        THEN max(struct_pack({call}), {most}) FILTER (cost_usd IS NOT NULL) END
FROM (SELECT *, {_SAVED} AS saved FROM {lines(files, fields, tags, as_text=as_text)})
WHERE {IS_CALL} AND {within(report.since, report.until)} AND {wanted}
GROUP BY GROUPING SETS ((error, error_code), (model), ())
QUALIFY row_number() OVER (PARTITION BY {part} ORDER BY {order}) <= {_MOST}
"""


def _day(instant: datetime | None) -> Any:
    return None if instant is None else instant.date()
