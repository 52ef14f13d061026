"""Asks the calls files, in one pass over them.

    report = ask(Question(["logs"], by=("agent",), since="7d"))
    report.total.cost_usd

Nothing that stands in a file is fatal: what is no line of a call is counted and named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.folders import Place
from costspan.report.conditions import condition
from costspan.report.dearest import dearest
from costspan.report.figures import Figures
from costspan.report.files import files_in
from costspan.report.moments import moment
from costspan.report.passed_over import PassedOver, found_in
from costspan.report.running import Watch, run, unwatched
from costspan.report.statement import NOTES, statement
from costspan.report.vocabulary import TIMES, checked_word

_MOST_EXACT_BYTES = 4 << 30
"""Percentiles keep every value in memory; over this they are close instead of exact."""

_IS_DEAR = 2 + NOTES
_WIDTH = len(Figures.__struct_fields__)
_PACKED = 10
"""How many bytes one of a compressed file may stand for."""


class Question(Struct, frozen=True):
    """What is asked.

    Args:
        places: folders, or files themselves.
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
    is_exact: bool
    files: int
    passed_over: PassedOver


def ask(question: Question) -> Report:
    """Answer.

    Raises:
        ConfigurationError: it cannot be asked: a wrong word, moment or expression, a folder that
            is not there, or DuckDB is not installed.
    """
    by = tuple(dict.fromkeys(checked_word(word) for word in question.by))
    now = question.now or datetime.now(UTC)
    since = moment("--since", question.since, now) if question.since is not None else None
    until = moment("--until", question.until, now) if question.until is not None else None
    before = _before(question, since, until or moment("--until", "now", now))
    asked = condition(question.where) if question.where is not None else None
    files = files_in(question.places, _day(before or since), _day(until))
    is_exact = sum(map(_bytes, files)) <= _MOST_EXACT_BYTES

    window: dict[str, Any] = {"since": since, "until": until, "before": before}
    top = question.top if by and before is None else None

    def sql(chosen: Sequence[Path], *, as_text: bool = False) -> str:
        all_rows = statement(chosen, by, where=asked, is_exact=is_exact, as_text=as_text, **window)
        return dearest(all_rows, len(by), top) if top else all_rows

    rows, unreadable = _run(files, sql, question)
    return Report(
        by=by,
        since=since,
        until=until,
        compared_since=before,
        where=question.where,
        is_exact=is_exact,
        files=len(files),
        passed_over=found_in(files, unreadable, rows),
        **_answer(rows, len(by), before is not None),
    )


def _before(question: Question, since: datetime | None, until: datetime) -> datetime | None:
    if since is not None and since >= until:
        raise ConfigurationError(
            f"--since {question.since} is not before --until {question.until or 'now'}"
        )
    if not question.compare:
        return None
    if not TIMES.keys().isdisjoint(question.by):
        raise ConfigurationError("--compare is not for rows by day or hour: leave one of both out")
    if since is None:
        raise ConfigurationError("--compare needs --since, as in --since 7d --compare")
    try:
        return since - (until - since)
    except OverflowError:
        raise ConfigurationError(f"--since {question.since} has no time before it") from None


def _day(instant: datetime | None) -> Any:
    return None if instant is None else instant.date()


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size * (1 if path.suffix == ".jsonl" else _PACKED)
    except OSError:
        return 0


def _run(
    files: Sequence[Path], sql: Callable[..., str], question: Question
) -> tuple[list[Any], dict[Path, str]]:
    """The rows of the statement, over the files that can be read, and why the others cannot."""

    def rows(engine: Any, chosen: Sequence[Path]) -> list[Any]:
        found: list[Any] = engine.execute(sql(chosen)).fetchall()
        if any(row[_IS_DEAR] for row in found):
            found = engine.execute(sql(chosen, as_text=True)).fetchall()
        return found

    found, unreadable = run(files, rows, question.where, question.watch)
    return found or [], unreadable


def _answer(rows: list[Any], keys: int, is_compared: bool) -> dict[str, Any]:
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
