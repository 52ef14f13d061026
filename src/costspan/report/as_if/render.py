"""A comparison as a table, Markdown, CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from costspan.report import tables
from costspan.report.as_if.query import Compared, Comparison, as_dict
from costspan.report.layout import Column, count, decimals, dollars, key_cell
from costspan.report.moments import written
from costspan.report.render import asked_line
from costspan.report.vocabulary import OTHER


def columns(comparison: Comparison) -> list[Column]:
    """The columns of a table, the total in the last row."""
    by, total = comparison.asked.by, comparison.total
    blank = [""] * (len(by) - 1)
    rows = [(list(row.keys), row.sums) for row in comparison.rows]
    if comparison.other is not None:
        rows.append(([OTHER, *blank], comparison.other))
    rows.append((["total", *blank], total))
    found = [
        Column(word, [key_cell(keys[place]) for keys, _ in rows], is_text=True)
        for place, word in enumerate(by)
    ]
    return found + [
        Column(head, [cell(sums) for _, sums in rows], soon) for head, soon, cell in _figures(total)
    ]


def _figures(total: Compared) -> Iterator[tuple[str, int, Callable[[Compared], str]]]:
    digits = decimals(total.was_usd, total.as_if_usd)
    yield "calls", 1, lambda sums: count(sums.calls)
    yield "was USD", 0, lambda sums: dollars(sums.was_usd, digits)
    yield "as if USD", 0, lambda sums: dollars(sums.as_if_usd, digits)
    yield "difference", 0, lambda sums: _signed(sums.difference_usd, digits)
    yield "change", 0, lambda sums: "-" if sums.change is None else f"{sums.change:+.1%}"
    if total.unconverted_calls:
        yield "not converted", 1, lambda sums: count(sums.unconverted_calls)
        yield "their USD", 1, lambda sums: dollars(sums.unconverted_usd, digits)


def _signed(amount: Decimal | None, digits: int) -> str:
    sign = "+" if amount is not None and amount > 0 else ""
    return sign + dollars(amount, digits)


def caption(comparison: Comparison) -> Iterator[str]:
    """What is compared, and of which calls."""
    yield f"as if {comparison.changes}: arithmetic on the counts of the calls, no forecast"
    asked = comparison.asked
    yield from asked_line(asked.since, asked.until, asked.written)


REASONS = {
    "unpriced": "{they} {have} no price of {their} own",
    "partial": "a part of {their} own has no price",
    "price": "the other model has no price at that time",
    "correction": "{they} {correct} others, and the size of the prompt decides",
    "own_price": "{their} dollars are not those of {their} tokens",
}
"""Why calls are not converted; any other reason names what the other tariff lacks."""

_OF_ONE = {"they": "it", "have": "has", "their": "its", "correct": "corrects"}


def worded(reason: str, calls: int) -> str:
    """A reason in words, of one call or several."""
    if reason not in REASONS:
        return f"no rate, or no count, of {reason}"
    return REASONS[reason].format_map(_OF_ONE if calls == 1 else {word: word for word in _OF_ONE})


def as_text(comparison: Comparison) -> str:
    """A plain table."""
    return tables.as_text(columns(comparison), caption(comparison))


def as_markdown(comparison: Comparison) -> str:
    """A Markdown table."""
    return tables.as_markdown(columns(comparison), caption(comparison))


def as_csv(comparison: Comparison) -> str:
    """A row for each combination of keys, under a head; what is not known is empty."""
    by = comparison.asked.by
    rows = [dict(zip(by, row.keys, strict=True)) | as_dict(row.sums) for row in comparison.rows]
    if comparison.other is not None:
        keys = (OTHER, *("" for _ in by[1:]))
        rows.append(dict(zip(by, keys, strict=True)) | as_dict(comparison.other))
    return tables.as_csv([*by, *as_dict(comparison.total)], rows)


def as_json(comparison: Comparison) -> str:
    """One object; docs/as-if.md lists its keys."""
    asked, other = comparison.asked, comparison.other
    return tables.as_json(
        {
            "as_if": str(comparison.changes),
            "by": asked.by,
            "since": written(asked.since) if asked.since else None,
            "until": written(asked.until) if asked.until else None,
            "where": asked.written,
            "files": comparison.files,
            "total": as_dict(comparison.total),
            "rows": [_row(comparison, row.keys, row.sums) for row in comparison.rows],
            "other": None if other is None else {"rows": comparison.others} | as_dict(other),
            "not_converted": comparison.refused,
            "passed_over": comparison.passed_over,
        }
    )


def _row(comparison: Comparison, keys: tuple[str | None, ...], sums: Compared) -> dict[str, Any]:
    return dict(zip(comparison.asked.by, keys, strict=True)) | as_dict(sums)
