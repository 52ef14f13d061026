"""Waste as a table, Markdown, CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costspan.report import tables
from costspan.report.layout import Column, count, decimals, dollars, key_cell
from costspan.report.moments import written
from costspan.report.render import asked_line
from costspan.report.vocabulary import OTHER
from costspan.report.waste.query import Waste, Wasted
from costspan.report.waste.rules import CLASSES


def columns(waste: Waste) -> list[Column]:
    """The columns of a table, the total in the last row: by keys if any, else by class."""
    return _by_keys(waste) if waste.asked.by else _by_class(waste)


def _by_class(waste: Waste) -> list[Column]:
    total = waste.total
    digits = decimals(total.waste_usd)
    rows = [*(total.of(name) for name in CLASSES), (total.waste_calls, total.waste_usd)]
    shares = [_share(float((usd or 0) / total.cost_usd)) if total.cost_usd else "-"
              for _, usd in rows]  # fmt: skip
    return [
        Column("waste", [*map(_words, CLASSES), "total"], is_text=True),
        Column("calls", [count(calls) for calls, _ in rows]),
        Column("waste USD", [dollars(usd, digits) for _, usd in rows]),
        Column("of cost", shares),
        Column("meaning", [*CLASSES.values(), ""], 1, is_text=True),
    ]


def _by_keys(waste: Waste) -> list[Column]:
    by, total = waste.asked.by, waste.total
    blank = [""] * (len(by) - 1)
    rows = [(list(row.keys), row.sums) for row in waste.rows]
    if waste.other is not None:
        rows.append(([OTHER, *blank], waste.other))
    rows.append((["total", *blank], total))
    digits = decimals(total.cost_usd)

    def column(head: str, name: str, gives_way: int = 0) -> Column:
        cells = [dollars(getattr(sums, name), digits) for _, sums in rows]
        return Column(head, cells, gives_way)

    return [
        *(
            Column(word, [key_cell(keys[place]) for keys, _ in rows], is_text=True)
            for place, word in enumerate(by)
        ),
        Column("calls", [count(sums.calls) for _, sums in rows], 1),
        column("cost USD", "cost_usd"),
        *(column(_words(name), f"{name}_usd", 2) for name in CLASSES),
        column("waste USD", "waste_usd"),
        Column("of cost", [_share(sums.share) for _, sums in rows], 1),
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _share(part: float | None) -> str:
    return "-" if part is None else f"{part:.1%}"


def caption(waste: Waste) -> Iterator[str]:
    """Of how much, and of which calls."""
    total, asked = waste.total, waste.asked
    spent = dollars(total.cost_usd, decimals(total.cost_usd))
    calls = f"{total.calls:,} call{'' if total.calls == 1 else 's'}"
    yield f"of {spent} USD for {calls}, at most"
    yield from asked_line(asked.since, asked.until, asked.written)


def as_text(waste: Waste) -> str:
    """A plain table."""
    return tables.as_text(columns(waste), caption(waste))


def as_markdown(waste: Waste) -> str:
    """A Markdown table."""
    return tables.as_markdown(columns(waste), caption(waste))


def as_csv(waste: Waste) -> str:
    """A row for each combination of keys, or one of all calls, under a head."""
    by = waste.asked.by
    rows = [dict(zip(by, row.keys, strict=True)) | row.sums.as_dict() for row in waste.rows]
    if waste.other is not None:
        keys = (OTHER, *("" for _ in by[1:]))
        rows.append(dict(zip(by, keys, strict=True)) | waste.other.as_dict())
    if not by:
        rows = [waste.total.as_dict()]
    return tables.as_csv([*by, *Wasted().as_dict()], rows)


def as_json(waste: Waste) -> str:
    """One object; docs/waste.md lists its keys."""
    asked, other = waste.asked, waste.other
    rows: list[dict[str, Any]] = [
        dict(zip(asked.by, row.keys, strict=True)) | row.sums.as_dict() for row in waste.rows
    ]
    return tables.as_json(
        {
            "by": asked.by,
            "since": written(asked.since) if asked.since else None,
            "until": written(asked.until) if asked.until else None,
            "where": asked.written,
            "files": waste.files,
            "total": waste.total.as_dict(),
            "rows": rows,
            "other": None if other is None else {"rows": waste.others} | other.as_dict(),
            "passed_over": waste.passed_over,
        }
    )
