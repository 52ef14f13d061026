"""The section about waiting: percentiles of latency and of the time to the first token."""

from __future__ import annotations

from collections.abc import Sequence

from costspan.report.figures import Figures
from costspan.report.page import wording
from costspan.report.page.charts import Chart, Series, lines
from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.periods import Axis, by_row
from costspan.report.page.questions import Contents
from costspan.report.page.scales import scale
from costspan.report.page.tables import Cell, Head, Table, table
from costspan.report.query import Report

_NAMES = ("half within (p50)", "95% within (p95)", "99% within (p99)")
_KINDS = {"latency": "Latency", "first_token": "Time to first token"}


def waiting(found: Contents) -> Markup:
    """Both percentiles over time, and by model."""
    line, figures = by_row(found.time.rows, found.time.by[0])
    about = "" if found.time.is_exact else "About: percentiles of so many lines are approximate."
    drawn = [_chart(found.time, kind, line, figures) for kind in _KINDS]
    if not line.slots or not any(drawn):
        return element("p", "There are no calls, so there is nothing to measure.", class_="empty")
    return joined(
        element("p", about, class_="note") if about else None,
        element("div", *drawn, class_="pair"),
        _by_model(found.models),
    )


def _chart(time: Report, kind: str, line: Axis, figures: Sequence[Figures]) -> Markup | None:
    values = [getattr(one, kind) for one in figures]
    known = [value for value in values if value is not None]
    if not known:
        return None
    series = [
        Series(name, [None if one is None else one[index] / 1e3 for one in values])
        for index, name in enumerate(_NAMES)
    ]
    told = [
        f"{slot.name}: {_told(value)}" for slot, value in zip(line.slots, values, strict=True)
    ]
    drawn = Chart(
        id=f"{kind.replace('_', '-')}-chart",
        title=f"{_KINDS[kind]} by {line.unit}, seconds",
        unit="seconds",
        axis=line,
        scale=scale(0, max(value[-1] for value in known) / 1e3),
        series=series,
        told=told,
        resting=f"all: {_told(getattr(time.total, kind))}",
        tick=lambda value, digits: f"{value:,.{digits}f}",
    )
    return lines(drawn)


def _told(values: tuple[float, ...] | None) -> str:
    if values is None:
        return "nothing measured"
    names = ("p50", "p95", "p99")
    return ", ".join(f"{name} {wording.seconds(v)} s" for name, v in zip(names, values, strict=True))


def _by_model(models: Report) -> Markup:
    heads = [Head("Model", True), Head("Calls"), *(Head(f"{p}, s") for p in ("p50", "p95", "p99")),
             *(Head(f"First token {p}, s") for p in ("p50", "p95", "p99")), Head("Tokens/s")]  # fmt: skip
    rows = [
        [Cell(wording.name(row.keys[0]), (row.keys[0] or "")[:200]), *_times(row.figures)]
        for row in models.rows
    ]
    feet = [[Cell("All calls"), *_times(models.total)]]
    return table(Table("latency-by-model", "Latency by model", heads, rows, feet))


def _times(one: Figures) -> list[Cell]:
    cells = [Cell(wording.count(one.calls), one.calls)]
    for values in (one.latency, one.first_token):
        for value in values or (None, None, None):
            cells.append(Cell(wording.seconds(value), value))
    speed = one.tokens_per_second
    return [*cells, Cell(wording.UNKNOWN if speed is None else f"{speed:,.0f}", speed)]
