"""Asks the calls files, in one pass over them.

    report = ask(Question(["logs"], by=("agent",), since="7d"))
    report.total.cost_usd

Nothing that stands in a file is fatal: what is no line of a call is counted and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from costspan.errors import ConfigurationError
from costspan.export.folders import Place
from costspan.report.conditions import condition
from costspan.report.databases.spilling import as_files
from costspan.report.dearest import dearest
from costspan.report.engine import duckdb
from costspan.report.figures import Figures, together
from costspan.report.files import bytes_in, files_in
from costspan.report.moments import day, moment
from costspan.report.passed_over import PassedOver, found_in
from costspan.report.running import Watch, run, unwatched
from costspan.report.statement import (
    APPROXIMATE,
    EXACT,
    LEFT_OUT,
    NOTES,
    fields_read,
    part_of,
    statement,
)
from costspan.report.vocabulary import TIMES, checked_word

_MOST_EXACT_BYTES = 4 << 30
"""Percentiles keep every value in memory; over this they are close instead of exact. That is for
one breakdown and the total: with more of them it is so much less."""

_IS_TOTAL = 2
_IS_DEAR = _IS_TOTAL + NOTES
_WIDTH = len(Figures.__struct_fields__)


class _TooMuch(ConfigurationError):
    """The answer does not fit into the memory that a report may take."""


class Question(Struct, frozen=True):
    """What is asked.

    Args:
        places: folders, files themselves, or URLs of databases that a load filled.
        by: words to sum by, such as `agent` or `tag:team`; none gives the total alone.
        since, until: moments as `moments.moment` reads them; a call counts when it ended.
        where: an expression that `conditions.condition` reads.
        compare: also the period of the same length before `since`.
        top: so many rows, the dearest; the others come as one. All if None or 0, or to compare.
        now: the present moment; now, if left out.
        watch: looks on while DuckDB works, as for a progress bar.
    """

    places: Sequence[Place]
    by: tuple[str, ...] = ("model",)
    since: str | None = None
    until: str | None = None
    where: str | None = None
    compare: bool = False
    top: int | None = None
    now: datetime | None = None
    watch: Watch = unwatched


class Breakdown(Struct, frozen=True):
    """One of several answers that are given in one pass: `by` and `top` as in a `Question`."""

    by: tuple[str, ...]
    top: int | None = None


class Row(Struct, frozen=True):
    """The figures of one combination of keys; a key is None where a call has none."""

    keys: tuple[str | None, ...]
    figures: Figures
    before: Figures | None = None


class Report(Struct, frozen=True):
    """An answer. The rows are the dearest first; `before` is None where nothing is compared.

    `other` is what is not in the rows, together, and `others` how many rows that would be.

    `since`, `until` and `compared_since` are UTC without a zone, None where the files decide.
    """

    by: tuple[str, ...]
    rows: list[Row]
    other: Figures | None
    others: int
    total: Figures
    before: Figures | None
    since: datetime | None
    until: datetime | None
    compared_since: datetime | None
    where: str | None
    percentiles: str
    files: int
    passed_over: PassedOver


def ask(question: Question) -> Report:
    """Answer.

    Raises:
        ConfigurationError: it cannot be asked: a wrong word, moment or expression, a folder that
            is not there, or DuckDB is not installed.
    """
    return ask_each(question, [Breakdown(question.by, question.top)])[0]


def ask_each(question: Question, breakdowns: Sequence[Breakdown]) -> list[Report]:
    """Answer for each breakdown, in one pass over the files; `by` and `top` are those of each.

    Where that does not fit into memory, as with a million sessions, each has a pass of its own, and
    where one alone does not, its percentiles are approximate or left out.

    Raises:
        ConfigurationError: as `ask` does.
    """
    try:
        return _asked(question, breakdowns)
    except _TooMuch:
        if len(breakdowns) > 1:
            return [ask_each(question, [one])[0] for one in breakdowns]
    with suppress(_TooMuch):
        return _asked(question, breakdowns, APPROXIMATE)
    return _asked(question, breakdowns, LEFT_OUT)


def _asked(
    question: Question, breakdowns: Sequence[Breakdown], percentiles: str | None = None
) -> list[Report]:
    parts = [tuple(dict.fromkeys(map(checked_word, one.by))) for one in breakdowns]
    by = tuple(dict.fromkeys(word for words in parts for word in words))
    now = question.now or datetime.now(UTC)
    since = moment("--since", question.since, now) if question.since is not None else None
    until = moment("--until", question.until, now) if question.until is not None else None
    before = _before(question, by, since, until or moment("--until", "now", now))
    asked = condition(question.where) if question.where is not None else None
    window: dict[str, Any] = {"since": since, "until": until, "before": before}
    fields = fields_read(by, asked)
    with as_files(question.places, fields, before or since, until) as places:
        files = files_in(places, day(before or since), day(until))
        is_exact = bytes_in(files) * (len(parts) + 1) <= 2 * _MOST_EXACT_BYTES
        percentiles = percentiles or (EXACT if is_exact else APPROXIMATE)
        window |= {"where": asked, "percentiles": percentiles, "breakdowns": parts}
        return _answered(question, files, by, breakdowns, window)


def _answered(
    question: Question,
    files: Sequence[Path],
    by: tuple[str, ...],
    breakdowns: Sequence[Breakdown],
    window: dict[str, Any],
) -> list[Report]:
    """The reports over these files.

    Args:
        by: the words of all breakdowns.
        window: what `statement` takes besides.
    """
    parts, before = window["breakdowns"], window["before"]
    tops = _tops(by, parts, breakdowns)

    def sql(chosen: Sequence[Path], *, as_text: bool = False) -> str:
        all_rows = statement(chosen, by, as_text=as_text, **window)
        return dearest(all_rows, len(by), tops) if tops and before is None else all_rows

    rows, unreadable = _run(files, sql, question)
    said: dict[str, Any] = {"since": window["since"], "until": window["until"]}
    said |= {"compared_since": before, "where": question.where, "files": len(files)}
    said |= {"percentiles": window["percentiles"], "passed_over": found_in(files, unreadable, rows)}
    reports = []
    for words, one in zip(parts, breakdowns, strict=True):
        answer = _answer(_rows_of(rows, by, words), len(words), before is not None)
        reports.append(_cut(Report(by=words, **said, **answer), None if before else one.top))
    return reports


def _tops(
    by: Sequence[str], parts: Sequence[Sequence[str]], breakdowns: Sequence[Breakdown]
) -> dict[int, int]:
    """How many rows, by the number of the breakdown: the most that is asked of the same words."""
    tops: dict[int, int | None] = {}
    for words, one in zip(parts, breakdowns, strict=True):
        part, top = part_of(by, words), one.top or None
        known = tops.get(part, 0)
        tops[part] = None if top is None or known is None else max(top, known)
    return {part: top for part, top in tops.items() if top and part != part_of(by, ())}


def _cut(report: Report, top: int | None) -> Report:
    """With no more rows than these, where another breakdown by the same words has more."""
    if not top or len(report.rows) <= top:
        return report
    rest = [row.figures for row in report.rows[top:]]
    other = together(rest if report.other is None else [*rest, report.other])
    others = len(rest) + report.others
    return structs.replace(report, rows=report.rows[:top], other=other, others=others)


def _rows_of(rows: list[Any], by: Sequence[str], words: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of one breakdown and the totals, with the keys of its words alone."""
    part, start = part_of(by, words), 3 + NOTES + _WIDTH
    places = [start + by.index(word) for word in words]
    for row in rows:
        if row[_IS_TOTAL] or row[start + len(by)] == part:
            keys = (row[place] for place in places)
            yield (*row[:start], *keys, *row[start + len(by) + 1 :])


def _before(
    question: Question, by: Sequence[str], since: datetime | None, until: datetime
) -> datetime | None:
    if since is not None and since >= until:
        raise ConfigurationError(
            f"--since {question.since} is not before --until {question.until or 'now'}"
        )
    if not question.compare:
        return None
    if not TIMES.keys().isdisjoint(by):
        raise ConfigurationError("--compare is not for rows by day or hour: leave one of both out")
    if since is None:
        raise ConfigurationError("--compare needs --since, as in --since 7d --compare")
    try:
        return since - (until - since)
    except OverflowError:
        raise ConfigurationError(f"--since {question.since} has no time before it") from None


def _run(
    files: Sequence[Path], sql: Callable[..., str], question: Question
) -> tuple[list[Any], dict[Path, str]]:
    """The rows of the statement, over the files that can be read, and why the others cannot."""

    def rows(engine: Any, chosen: Sequence[Path]) -> list[Any]:
        try:
            found: list[Any] = engine.execute(sql(chosen)).fetchall()
            if any(row[_IS_DEAR] for row in found):
                found = engine.execute(sql(chosen, as_text=True)).fetchall()
            return found
        except duckdb().OutOfMemoryException as fault:
            raise _TooMuch(f"DuckDB cannot answer: {str(fault).splitlines()[0]}") from None

    found, unreadable = run(files, rows, question.where, question.watch)
    return found or [], unreadable


def _answer(rows: Iterable[Any], keys: int, is_compared: bool) -> dict[str, Any]:
    """Rows, total and what was before, of what the statement gave."""
    sums: dict[tuple[Any, ...], dict[bool, Figures]] = {}
    totals = {False: Figures(), True: Figures()}
    other, others = None, 0
    for is_call, is_before, is_total, *values in rows:
        if is_call:
            figures = _figures(values[NOTES : NOTES + _WIDTH])
            key, more = values[NOTES + _WIDTH :][:keys], values[NOTES + _WIDTH + keys :]
            if is_total:
                totals[is_before] = figures
            elif more and more[0]:
                other, others = figures, more[0]
            else:
                sums.setdefault(tuple(key), {})[is_before] = figures
    found = [
        Row(key, both.get(False, Figures()), both.get(True, Figures()) if is_compared else None)
        for key, both in sums.items()
    ]
    found.sort(key=_dearest)
    before = totals[True] if is_compared else None
    sides = {"other": other, "others": others, "total": totals[False], "before": before}
    return {"rows": found, **sides}


def _figures(values: list[Any]) -> Figures:
    found = dict(zip(Figures.__struct_fields__, values, strict=True))
    for name in ("latency", "first_token"):
        found[name] = found[name] and tuple(found[name])
    return Figures(**found)


def _dearest(row: Row) -> tuple[Any, ...]:
    figures = row.figures
    return (-(figures.cost_usd or 0), -figures.calls, [key or "" for key in row.keys])
