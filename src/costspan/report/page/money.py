"""The sections about dollars: over time, by kind, by whom, and the dearest calls and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from costspan.report.figures import Figures
from costspan.report.layout import decimals
from costspan.report.page import wording
from costspan.report.page.charts import Chart, Series, bars
from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.particulars import DearCall
from costspan.report.page.periods import Axis, axis, merged
from costspan.report.page.questions import Contents
from costspan.report.page.scales import scale
from costspan.report.page.tables import Cell, Head, Table, bar, moments, names, table
from costspan.report.query import Report, Row
from costspan.report.vocabulary import OTHER, TAG

_STACKED = 4
_KINDS = {
    "Input": "input_usd",
    "Cache reads": "cache_read_usd",
    "Cache writes": "cache_write_usd",
    "Output": "output_usd",
    "Tools": "tools_usd",
}
_NOUNS = {"model": "Model", "agent": "Agent", "endpoint": "Endpoint"}


def over_time(found: Contents) -> Markup:
    """Dollars of each period, stacked by model, and the same as a table."""
    line = axis(found.time.rows, found.time.by[0])
    sums = merged(line, found.time.rows)
    places = decimals(found.time.total.cost_usd, *(one.cost_usd for one in sums))
    series = _stacks(found, line, sums, places)
    tops = [sum(v for s in series if (v := s.values[i] or 0) > 0) for i in range(len(sums))]
    lows = [sum(v for s in series if (v := s.values[i] or 0) < 0) for i in range(len(sums))]
    told = [
        f"{slot.name}: {_told(one, places)}" for slot, one in zip(line.slots, sums, strict=True)
    ]
    drawn = Chart(
        id="spend-chart",
        title=f"Spend by {line.unit}",
        unit="US dollars",
        axis=line,
        scale=scale(min(lows), max(tops)),
        series=series,
        told=told,
        resting=f"In all: {_told(found.time.total, places)}",
        tick=wording.money_tick,
    )
    return joined(bars(drawn), _as_table(line, sums, places))


def _told(one: Figures, places: int) -> str:
    parts = [
        wording.money(one.cost_usd, places) if one.calls else "",
        wording.many(one.calls, "call"),
    ]
    if one.errors:
        parts.append(wording.many(one.errors, "error"))
    return ", ".join(filter(None, parts))


def _stacks(found: Contents, line: Axis, sums: Sequence[Figures], places: int) -> list[Series]:
    """The dearest models, and what is left of each period."""
    shown = [row for row in found.models.rows if row.figures.cost_usd][:_STACKED]
    left = [one.cost_usd or Decimal(0) for one in sums]
    series = []
    for model in shown:
        key = model.keys[0]
        parts = merged(line, [row for row in found.stacked.rows if row.keys[1] == key])
        amounts = [part.cost_usd or Decimal(0) for part in parts]
        left = [rest - amount for rest, amount in zip(left, amounts, strict=True)]
        note = wording.money(sum(amounts, Decimal(0)), places)
        series.append(Series(key, [float(amount) for amount in amounts], note))
    if any(left):
        note = wording.money(sum(left, Decimal(0)), places)
        series.append(Series(OTHER, [float(amount) for amount in left], note))
    return series or [Series(None, [None] * len(sums))]


def _as_table(line: Axis, sums: Sequence[Figures], places: int) -> Markup:
    heads = [names(line.unit.capitalize()), Head("Cost"), Head("Calls"), Head("Errors"),
             Head("Input tokens"), Head("Output tokens")]  # fmt: skip
    rows = [
        [Cell(slot.name, slot.start.isoformat()), *_sums(one, places)]
        for slot, one in zip(line.slots, sums, strict=True)
        if one.calls
    ]
    title = f"Spend by {line.unit}"
    inside = table(Table("spend-table", title, heads, rows, is_title_hidden=True))
    return element("details", element("summary", "The same as a table"), inside)


def _sums(one: Figures, places: int) -> list[Cell]:
    return [
        Cell(wording.money(one.cost_usd, places), one.cost_usd),
        *(
            Cell(wording.count(number), number)
            for number in (one.calls, one.errors, one.input_tokens, one.output_tokens)
        ),
    ]


def by_kind(found: Contents) -> Markup | None:
    """What the dollars were for; None where no line says it."""
    total = found.time.total
    kinds = {kind: getattr(total, field) for kind, field in _KINDS.items()}
    known = {kind: amount for kind, amount in kinds.items() if amount}
    if not known or total.cost_usd is None:
        return None
    if rest := total.cost_usd - sum(known.values(), Decimal(0)):
        known["Not broken down"] = rest
    places, most = decimals(total.cost_usd), max(known.values())
    heads = [names("Kind"), Head("Cost"), Head("Share")]
    rows = [
        [Cell(joined(kind, bar(wording.share(amount, most))), kind), *_part(amount, total, places)]
        for kind, amount in sorted(known.items(), key=lambda item: -item[1])
    ]
    feet = [[Cell("Total"), *_part(total.cost_usd, total, places)]]
    return element(
        "div",
        table(Table("by-kind", "What it was spent on", heads, rows, feet, 1)),
        class_="narrow",
    )


def _part(amount: Decimal, total: Figures, places: int) -> list[Cell]:
    part = wording.share(amount, total.cost_usd)
    return [Cell(wording.money(amount, places), amount), Cell(wording.percent(part), part)]


def breakdown(report: Report) -> Markup:
    """A table of who spent what."""
    title = " and ".join(word.replace(TAG, "tag ") for word in report.by)
    total = report.total
    places = decimals(total.cost_usd or Decimal(0))
    who = names(" · ".join(map(_noun, report.by)))
    heads = [who, *map(Head, ("Cost", "Share", "Calls", "Errors", "Input tokens", "Output tokens",
                              "From cache"))]  # fmt: skip
    most = max((row.figures.cost_usd or Decimal(0) for row in report.rows), default=Decimal(0))
    rows = [_who(row, total, most, places) for row in report.rows]
    feet = []
    if report.other is not None:
        feet.append(_foot(f"{wording.many(report.others, 'other')}", report.other, total, places))
    feet.append(_foot("Total", total, total, places))
    return table(Table(f"by-{_id(report)}", f"By {title}", heads, rows, feet, 1))


def _id(report: Report) -> str:
    """An id that no key of a tag can break: the words, and a number for what is no letter."""
    return "-".join("".join(c if c.isalnum() else f"_{ord(c):x}" for c in w) for w in report.by)


def _noun(word: str) -> str:
    return f"Tag {word.removeprefix(TAG)}" if word.startswith(TAG) else word.capitalize()


def _who(row: Row, total: Figures, most: Decimal, places: int) -> list[Cell]:
    one = row.figures
    drawn = bar(wording.share(one.cost_usd, most))
    names: list[Markup | str] = []
    for key in row.keys:
        names += [" · ", wording.name(key)] if names else [wording.name(key)]
    plain = " ".join(key or "" for key in row.keys)[:200]
    return [Cell(joined(*names, drawn), plain), *_spent(one, total, places)]


def _foot(title: str, one: Figures, total: Figures, places: int) -> list[Cell]:
    return [Cell(title), *_spent(one, total, places)]


def _spent(one: Figures, total: Figures, places: int) -> list[Cell]:
    part = wording.share(one.cost_usd, total.cost_usd)
    cost, calls, errors, tokens_in, tokens_out = _sums(one, places)
    rate = one.cache_hit_rate
    cached = Cell(wording.percent(rate), rate)
    return [cost, Cell(wording.percent(part), part), calls, errors, tokens_in, tokens_out, cached]


def dearest_calls(found: Contents) -> Markup:
    """A table of single calls."""
    calls = found.particulars.calls
    if not calls:
        return element("p", "No call has a price.", class_="empty")
    places = decimals(max(abs(call.cost_usd) for call in calls))
    heads = [names("Model"), Head("Cost"), moments("Ended, UTC"), names("Agent"),
             names("Endpoint"), Head("Tokens in"), Head("Tokens out"),
             Head("Seconds")]  # fmt: skip
    rows = [
        [
            _model(call),
            Cell(wording.money(call.cost_usd, places), call.cost_usd),
            Cell(wording.moment(call.timestamp, with_seconds=True), call.timestamp.isoformat()),
            _named(call.agent),
            _named(call.endpoint),
            Cell(wording.count(call.input_tokens), call.input_tokens),
            Cell(wording.count(call.output_tokens), call.output_tokens),
            Cell(wording.seconds(call.latency_ms), call.latency_ms),
        ]
        for call in calls
    ]
    found_again = element(
        "p",
        element("code", "costspan show"),
        " and the digits of a trace print the whole of it.",
        class_="note",
    )
    return joined(
        table(Table("dearest-calls", "The dearest calls", heads, rows, sorted_by=1)),
        found_again if any(call.trace_id for call in calls) else None,
    )


def _named(text: str | None) -> Cell:
    return Cell(wording.name(text), (text or "")[:200])


def _model(call: DearCall) -> Cell:
    """The model, and below it the trace by which the call is found again."""
    trace = call.trace_id
    code = element("code", "trace ", trace[:8], title=trace[:32], class_="sub") if trace else None
    return Cell(joined(wording.name(call.model), code), (call.model or "")[:200])


def dearest_sessions(report: Report) -> Markup | None:
    """A table of sessions; None where no call has one."""
    rows = [row for row in report.rows if row.keys[0] is not None]
    if not rows:
        return None
    places = decimals(
        max((abs(row.figures.cost_usd or Decimal(0)) for row in rows), default=Decimal(0))
    )
    heads = [names("Session"), Head("Cost"), Head("Calls"), Head("Cost of a call"),
             Head("Errors"), Head("Input tokens"), Head("Output tokens")]  # fmt: skip
    most = max((row.figures.cost_usd or Decimal(0) for row in rows), default=Decimal(0))
    cells = [_session(row, most, places) for row in rows]
    return table(Table("dearest-sessions", "The dearest sessions", heads, cells, sorted_by=1))


def _session(row: Row, most: Decimal, places: int) -> list[Cell]:
    one = row.figures
    cost, calls, *rest = _sums(one, places)
    each = wording.each(one)
    drawn = bar(wording.share(one.cost_usd, most))
    session = Cell(joined(wording.name(row.keys[0]), drawn), (row.keys[0] or "")[:200])
    return [session, cost, calls, Cell(wording.money(each, places), each), *rest]
