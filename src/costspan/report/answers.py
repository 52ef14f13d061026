"""The rows of a report's statement as reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import structs

from costspan.report.figures import Figures, together
from costspan.report.question import Report, Row
from costspan.report.statement import NOTES, part_of

IS_TOTAL = 2
IS_DEAR = IS_TOTAL + NOTES
_KEYS = 3 + NOTES + len(Figures.__struct_fields__)


def rows_of(rows: Iterable[Any], keys: Sequence[str], names: Sequence[str]) -> Iterator[Any]:
    """The rows of one breakdown and the totals, with its keys alone.

    Args:
        rows: of the statement, by `keys`, with a column more, as `dearest` adds it.
        names: the keys of the breakdown.
    """
    part, places = part_of(keys, names), [_KEYS + keys.index(name) for name in names]
    for row in rows:
        of, others = row[-2:]
        if row[IS_TOTAL] or of == part:
            yield (*row[:_KEYS], *(row[place] for place in places), others)


def answer(
    rows: Iterable[Any], words: tuple[str, ...], is_compared: bool, said: dict[str, Any]
) -> Report:
    """The report of one breakdown.

    Args:
        rows: as `rows_of` gives them.
        said: what else it says.
    """
    sums: dict[tuple[Any, ...], dict[bool, Figures]] = {}
    totals = {False: Figures(), True: Figures()}
    other, others = None, 0
    for is_call, is_before, is_total, *values in rows:
        if not is_call:
            continue
        figures, key, more = _figures(values[NOTES:]), tuple(values[_KEYS - 3 : -1]), values[-1]
        if is_total:
            totals[is_before] = figures
        elif more:
            other, others = figures, more
        else:
            sums.setdefault(key, {})[is_before] = figures
    found = [
        Row(key, both.get(False, Figures()), both.get(True, Figures()) if is_compared else None)
        for key, both in sums.items()
    ]
    found.sort(key=_dearest)
    before = totals[True] if is_compared else None
    sides: dict[str, Any] = {
        "other": other,
        "others": others,
        "total": totals[False],
        "before": before,
    }
    return Report(by=words, rows=found, **sides, **said)


def cut(report: Report, top: int | None) -> Report:
    """With no more rows than these, where another breakdown by the same words has more."""
    if not top or len(report.rows) <= top:
        return report
    rest = [row.figures for row in report.rows[top:]]
    other = together(rest if report.other is None else [*rest, report.other])
    others = len(rest) + report.others
    return structs.replace(report, rows=report.rows[:top], other=other, others=others)


def _figures(values: Sequence[Any]) -> Figures:
    found = dict(zip(Figures.__struct_fields__, values, strict=False))
    for name in ("latency", "first_token"):
        found[name] = found[name] and tuple(found[name])
    return Figures(**found)


def _dearest(row: Row) -> tuple[Any, ...]:
    figures = row.figures
    return (-(figures.cost_usd or 0), -figures.calls, [key or "" for key in row.keys])
