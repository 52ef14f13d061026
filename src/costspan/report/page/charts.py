"""Charts as inline SVG: heights in pixels, widths in percent, so that text keeps its size.

A chart is two drawings side by side, the vertical axis and the plot. Each period of the plot is a
mark whose name says its values; `page.js` shows it, and moves between marks by the arrow keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.periods import Axis
from costspan.report.page.scales import Scale, tick_digits
from costspan.report.page.wording import name

_HEIGHT, _TOP, _BOTTOM = 200, 30, 48
_WHOLE = _TOP + _HEIGHT + _BOTTOM
_MOST_LABELS = 8
_BAR = 0.72
"""How much of its slot a bar takes."""

_WIDEST = 9.0
"""Percent of the plot that a bar takes at most."""


class Series(Struct, frozen=True):
    """One value for each slot, None where there is none; `note` stands in the legend."""

    name: str | None
    values: list[float | None]
    note: str = ""


class Chart(Struct, frozen=True):
    """What is drawn.

    Attributes:
        id: of the element, unique in the page.
        title: what is shown, by what.
        unit: what the numbers of the vertical axis are.
        told: what each slot's mark is called: the period and its values.
        resting: what is said while no mark is pointed at.
        tick: writes a number of the vertical axis, with so many decimals.
    """

    id: str
    title: str
    unit: str
    axis: Axis
    scale: Scale
    series: list[Series]
    told: list[str]
    resting: str
    tick: Callable[[float, int], str]


def bars(chart: Chart) -> Markup:
    """Stacked bars, the first series at the bottom; what is negative hangs from the zero line."""
    return _figure(chart, None, lambda place: _stack(chart, place))


def lines(chart: Chart) -> Markup:
    """A line for each series, broken where there is no value."""
    return _figure(chart, element("g", *_connections(chart)), lambda place: _points(chart, place))


def _figure(chart: Chart, under: Markup | None, drawn: Callable[[int], Markup]) -> Markup:
    title = f"{chart.id}-title"
    plot = element(
        "svg",
        element("title", chart.title),
        _grid(chart),
        under,
        joined(*(_mark(chart, place, drawn(place)) for place in range(len(chart.told)))),
        _labels(chart.axis),
        class_="plot",
        role="group",
        aria_labelledby=title,
        width="100%",
        height=_WHOLE,
    )
    return element(
        "figure",
        element(
            "figcaption",
            element("span", chart.title, class_="title", id=title),
            element("span", chart.resting, class_="readout"),
        ),
        _legend(chart),
        element("div", _vertical(chart), plot, class_="frame"),
        class_=f"chart {'lines' if under else 'bars'}",
        id=chart.id,
    )


def _y(chart: Chart, value: float) -> float:
    return round(_TOP + _HEIGHT * (1 - chart.scale.part(value)), 2)


def _middle(chart: Chart, place: int) -> float:
    return round(100 * (place + 0.5) / len(chart.axis.slots), 4)


def _vertical(chart: Chart) -> Markup:
    digits = tick_digits(chart.scale.ticks)
    ticks = (
        element("text", chart.tick(tick, digits), x="100%", dx=-8, y=_y(chart, tick), dy="0.32em")
        for tick in chart.scale.ticks
    )
    unit = element("text", chart.unit, x=0, y=12, class_="unit")
    return element(
        "svg", unit, *ticks, class_="vertical", height=_WHOLE, width="100%", aria_hidden="true"
    )


def _grid(chart: Chart) -> Markup:
    rules = (
        element("line", x1=0, x2="100%", y1=y, y2=y, class_=None if tick else "zero")
        for tick in chart.scale.ticks
        for y in [_y(chart, tick)]
    )
    return element("g", *rules, class_="grid", aria_hidden="true")


def _labels(axis: Axis) -> Markup:
    """Texts under some slots: all that fit a desk, every second of them on a phone."""
    number = len(axis.slots)
    every = -(-number // _MOST_LABELS)
    if axis.unit == "hour":
        every = next((hours for hours in (1, 2, 3, 4, 6, 8, 12, 24) if hours >= every), every)
    texts = []
    for nth, place in enumerate(range(0, number, every)):
        x = 100 * (place + 0.5) / number
        side = "start" if x < 6 else "end" if x > 94 else "middle"
        at = 0 if x < 6 else 100 if x > 94 else x
        kind = "label second" if nth % 2 else "label"
        text = axis.slots[place].label
        texts.append(
            element(
                "text", text, x=f"{at:.4g}%", y=_TOP + _HEIGHT + 20, class_=kind, text_anchor=side
            )
        )
    unit = f"{axis.unit}s, UTC"
    texts.append(element("text", unit, x="100%", y=_WHOLE - 6, class_="unit", text_anchor="end"))
    return element("g", *texts, class_="labels", aria_hidden="true")


def _mark(chart: Chart, place: int, drawn: Markup) -> Markup:
    """A slot: what is drawn in it, over a field as high as the plot that can be pointed at."""
    width = 100 / len(chart.axis.slots)
    field = element(
        "rect",
        x=f"{place * width:.4f}%",
        width=f"{width:.4f}%",
        y=_TOP - 6,
        height=_HEIGHT + 12,
        rx=2,
        class_="field",
    )
    return element("g", field, drawn, class_="mark", role="img", aria_label=chart.told[place])


def _stack(chart: Chart, place: int) -> Markup:
    slot = 100 / len(chart.axis.slots)
    width = min(slot * _BAR, _WIDEST)
    x = slot * (place + 0.5) - width / 2
    up = down = 0.0
    parts = []
    for index, series in enumerate(chart.series):
        value = series.values[place]
        if not value:
            continue
        low, high = (up, up + value) if value > 0 else (down + value, down)
        up, down = (high, down) if value > 0 else (up, low)
        top, bottom = _y(chart, high), _y(chart, low)
        parts.append(
            element(
                "rect", x=f"{x:.4f}%", width=f"{width:.4f}%", y=top,
                height=round(max(bottom - top, 0.75), 2), class_=f"s{index}",
            )
        )  # fmt: skip
    return joined(*parts)


def _points(chart: Chart, place: int) -> Markup:
    size = 3 if len(chart.axis.slots) <= 40 else 1.5
    points = (
        element("circle", cx=f"{_middle(chart, place)}%", cy=_y(chart, value), r=size,
                class_=f"s{index}")
        for index, series in enumerate(chart.series)
        if (value := series.values[place]) is not None
    )  # fmt: skip
    return joined(*points)


def _connections(chart: Chart) -> Iterator[Markup]:
    for index, series in enumerate(chart.series):
        for place, (one, next_one) in enumerate(
            zip(series.values, series.values[1:], strict=False)
        ):
            if one is not None and next_one is not None:
                yield element(
                    "line", class_=f"s{index}", y1=_y(chart, one), y2=_y(chart, next_one),
                    x1=f"{_middle(chart, place)}%", x2=f"{_middle(chart, place + 1)}%",
                )  # fmt: skip


def _legend(chart: Chart) -> Markup | None:
    if len(chart.series) < 2:
        return None
    items = (
        element(
            "li",
            _swatch(index),
            name(series.name),
            element("span", series.note, class_="note") if series.note else None,
        )
        for index, series in enumerate(chart.series)
    )
    return element("ul", *items, class_="legend")


def _swatch(index: int) -> Markup:
    square = element("rect", width=10, height=10, rx=2, class_=f"s{index}")
    return element("svg", square, class_="swatch", width=10, height=10, aria_hidden="true")
