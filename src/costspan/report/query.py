"""Asks the calls files, in one pass over them.

    report = ask(Question(["logs"], by=("agent",), since="7d"))
    report.total.cost_usd

Nothing that stands in a file is fatal: what is no line of a call is counted and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from costspan.errors import ConfigurationError
from costspan.report import answers
from costspan.report.engine import duckdb
from costspan.report.files import bytes_in
from costspan.report.moments import moment
from costspan.report.passed_over import found_in
from costspan.report.percentiles import APPROXIMATE, EXACT
from costspan.report.question import Breakdown, Question, Report, Row
from costspan.report.running import run
from costspan.report.selection import Asked, asked, files_of
from costspan.report.statement import READ
from costspan.report.summing import Found, Keys, Wanted, from_table, while_read
from costspan.report.vocabulary import TIMES

__all__ = ["Breakdown", "Question", "Report", "Row", "ask", "ask_each"]

_MOST_EXACT_BYTES = 4 << 30
"""Exact percentiles keep every value in memory: over this they are approximate. That is for one
breakdown and the total: with more of them it is so much less."""


class _TooMuch(ConfigurationError):
    """The answer does not fit into the memory that a report may take."""


def ask(question: Question) -> Report:
    """Answer.

    Raises:
        ConfigurationError: it cannot be asked: a wrong word, moment or expression, a folder that
            is not there, or DuckDB is not installed.
    """
    return ask_each(question, [Breakdown(question.by, question.top)])[0]


def ask_each(question: Question, breakdowns: Sequence[Breakdown]) -> list[Report]:
    """Answer for each breakdown, in one pass over the files; `by` and `top` are those of each.

    Where that does not fit into memory, as with a million sessions, the calls are put on disk, in
    a second pass, and from there one breakdown after the other is summed up.

    Raises:
        ConfigurationError: as `ask` does.
    """
    wanted = _checked(question, breakdowns)
    with files_of(wanted.asked, READ) as files:
        if bytes_in(files) * (len(breakdowns) + 1) <= 2 * _MOST_EXACT_BYTES:
            try:
                return _answered(question, breakdowns, wanted, files, EXACT)
            except _TooMuch:
                pass
        return _answered(question, breakdowns, wanted, files, APPROXIMATE)


def _checked(question: Question, breakdowns: Sequence[Breakdown]) -> Wanted:
    by = [word for one in breakdowns for word in one.by]
    now = question.now or datetime.now(UTC)
    found = asked(question.places, by, question.since, question.until, question.where, now)
    since = found.since if question.compare else None
    if question.compare:
        before = _before(question, found, found.until or moment("--until", "now", now))
        found = structs.replace(found, since=before)
    parts = [tuple(f"k{found.by.index(w)}" for w in dict.fromkeys(one.by)) for one in breakdowns]
    tops = {} if question.compare else _tops(parts, breakdowns)
    return Wanted(found, since, parts, tops)


def _before(question: Question, found: Asked, until: datetime) -> datetime:
    """Where the time of the same length before begins."""
    if not TIMES.keys().isdisjoint(found.by):
        raise ConfigurationError("--compare is not for rows by day or hour: leave one of both out")
    if found.since is None:
        raise ConfigurationError("--compare needs --since, as in --since 7d --compare")
    try:
        return found.since - (until - found.since)
    except OverflowError:
        raise ConfigurationError(f"--since {question.since} has no time before it") from None


def _tops(parts: Sequence[Keys], breakdowns: Sequence[Breakdown]) -> dict[Keys, int]:
    """How many rows, by the keys: the most that is asked of the same ones."""
    tops: dict[Keys, int | None] = {}
    for keys, one in zip(parts, breakdowns, strict=True):
        same, top = tuple(sorted(keys)), one.top or None
        known = tops.get(same, 0)
        tops[same] = None if top is None or known is None else max(top, known)
    return {keys: top for keys, top in tops.items() if keys and top}


def _answered(
    question: Question,
    breakdowns: Sequence[Breakdown],
    wanted: Wanted,
    files: Sequence[Path],
    percentiles: str,
) -> list[Report]:
    """The reports over these files."""
    way = while_read if percentiles == EXACT else from_table

    def work(engine: Any, chosen: Sequence[Path]) -> Found:
        try:
            return way(engine, chosen, wanted)
        except duckdb().OutOfMemoryException as fault:
            raise _TooMuch(f"DuckDB cannot answer: {str(fault).splitlines()[0]}") from None

    found, unreadable = run(files, work, question.where, question.watch)
    found = found or Found([], [[] for _ in breakdowns])
    is_compared, said = (
        wanted.since is not None,
        {
            "since": wanted.since or wanted.asked.since,
            "until": wanted.asked.until,
            "compared_since": wanted.asked.since if wanted.since else None,
            "where": question.where,
            "files": len(files),
            "percentiles": percentiles,
            "passed_over": found_in(files, unreadable, found.notes),
        },
    )
    reports = []
    for rows_of_one, one in zip(found.parts, breakdowns, strict=True):
        words = tuple(dict.fromkeys(one.by))
        report = answers.answer(rows_of_one, words, is_compared, said)
        reports.append(report if is_compared else answers.cut(report, one.top))
    return reports
