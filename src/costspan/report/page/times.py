"""The section about waiting: percentiles of latency and of the time to the first token."""

from __future__ import annotations

from collections.abc import Sequence

from costspan.report.figures import Figures
from costspan.report.page import wording
from costspan.report.page.charts import Chart, Series, lines
from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.periods import MOST, Axis, by_row
from costspan.report.page.questions import Contents
from costspan.report.page.scales import scale
from costspan.report.page.tables import Cell, Head, Table, names, table
from costspan.report.percentiles import APPROXIMATE
from costspan.report.query import Report

_NAMES = ("half within (p50)", "95% within (p95)", "99% within (p99)")
_ABOUT = {
    APPROXIMATE: "About: percentiles of so many lines are approximate, less than 1 % off.",
}
_SHORT = ("p50", "p95", "p99")
_KINDS = {"latency": "Latency", "first_token": "Time to first token"}


def waiting(found: Contents) -> Markup:
    """Both percentiles over time, and by model."""
    line, figures = by_row(found.time.rows, found.time.by[0])
    about = _ABOUT.get(found.time.percentiles)
    drawn = [_chart(found.time, kind, line, figures) for kind in _KINDS]
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
    latest = f", the latest {MOST}" if len(time.rows) > len(line.slots) else ""
    told = [f"{slot.name}: {_told(value)}" for slot, value in zip(line.slots, values, strict=True)]
    drawn = Chart(
        id=f"{kind.replace('_', '-')}-chart",
        title=f"{_KINDS[kind]} by {line.unit}{latest}",
        unit="seconds",
        axis=line,
        scale=scale(0, max(value[-1] for value in known) / 1e3),
        series=series,
        told=told,
        resting=f"In all: {_told(getattr(time.total, kind))}",
        tick=wording.tick,
    )
    return lines(drawn)


def _told(values: tuple[float, ...] | None) -> str:
    if values is None:
        return "nothing measured"
    pairs = zip(_SHORT, values, strict=True)
    return ", ".join(f"{name} {wording.seconds(value)} s" for name, value in pairs)


def _by_model(models: Report) -> Markup:
    heads = [names("Model"), Head("Calls"), *map(Head, _SHORT),
             *(Head(f"TTFT {name}") for name in _SHORT), Head("Tokens/s")]  # fmt: skip
    rows = [
        [Cell(wording.name(row.keys[0]), (row.keys[0] or "")[:200]), *_times(row.figures)]
        for row in models.rows
    ]
    feet = [[Cell("All calls"), *_times(models.total)]]
    explained = "TTFT is the time to the first token, of streams. Tokens/s are output tokens."
    return joined(
        table(Table("latency-by-model", "Latency by model, seconds", heads, rows, feet)),
        element("p", explained, class_="note"),
    )


def _times(one: Figures) -> list[Cell]:
    cells = [Cell(wording.count(one.calls), one.calls)]
    for values in (one.latency, one.first_token):
        cells += [Cell(wording.seconds(value), value) for value in values or (None, None, None)]
    speed = one.tokens_per_second
    return [*cells, Cell(wording.UNKNOWN if speed is None else f"{speed:,.0f}", speed)]
