"""A report as text: a plain table, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs

from costspan.call import plain
from costspan.report.figures import Figures
from costspan.report.layout import Chosen, aligned, columns
from costspan.report.moments import written
from costspan.report.query import Report, Row


def as_text(report: Report, shown: Chosen) -> str:
    """A plain table."""
    lines = aligned(columns(report, shown), "  ")
    return "\n".join([*caption(report), *(line.rstrip() for line in lines)])


def as_markdown(report: Report, shown: Chosen) -> str:
    """A Markdown table."""
    found = [
        structs.replace(column, cells=[cell.replace("|", "\\|") for cell in column.cells])
        for column in columns(report, shown)
    ]
    head, *rows = (f"| {line} |" for line in aligned(found, " | "))
    rule = "|".join("-" * (c.width + 1) + ("-" if c.is_text else ":") for c in found)
    return "\n".join([*(f"{line}\n" for line in caption(report)), head, f"|{rule}|", *rows])


def as_csv(report: Report, shown: Chosen) -> str:
    """A row for each combination of keys, under a head; what is not known is empty."""
    out = io.StringIO()
    rows = [_record(report, row) for row in (*shown.rows, *([shown.other] if shown.other else []))]
    head = list(rows[0]) if rows else [*report.by, *report.total.as_dict()]
    writer = csv.DictWriter(out, head, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return out.getvalue().removesuffix("\n")


def _record(report: Report, row: Row) -> dict[str, Any]:
    found = dict(zip(report.by, row.keys, strict=True)) | row.figures.as_dict()
    if row.before is not None:
        found |= {f"before_{name}": row.before.as_dict()[name] for name in ("calls", "cost_usd")}
    return found


def as_json(report: Report, shown: Chosen) -> str:
    """One object; docs/report.md lists its keys."""
    other = {"rows": shown.others} | _object(report, shown.other, ()) if shown.other else None
    found = {
        "by": report.by,
        "since": written(report.since) if report.since else None,
        "until": written(report.until) if report.until else None,
        "compared_since": written(report.compared_since) if report.compared_since else None,
        "where": report.where,
        "percentiles": "exact" if report.is_exact else "approximate",
        "files": report.files,
        "total": _numbers(report.total),
        "before": _numbers(report.before) if report.before else None,
        "rows": [_object(report, row, report.by) for row in shown.rows],
        "other": other,
        "passed_over": report.passed_over,
    }
    return msgspec.json.encode(found).decode()


def _object(report: Report, row: Row, words: Sequence[str]) -> dict[str, Any]:
    found = dict(zip(words, row.keys, strict=False)) | _numbers(row.figures)
    return found if row.before is None else {**found, "before": _numbers(row.before)}


def _numbers(figures: Figures) -> dict[str, Any]:
    """The figures as JSON holds them: each with its own digits, and no exponent."""
    found = figures.as_dict()
    exact = {name: value for name, value in found.items() if isinstance(value, Decimal)}
    return found | {name: msgspec.Raw(plain(value).encode()) for name, value in exact.items()}


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value


def caption(report: Report) -> Iterator[str]:
    """What was asked, on a line of its own; nothing where everything was."""
    parts = []
    if report.since or report.until:
        parts.append(f"{_until_the_second(report.since)} to {_until_the_second(report.until)}")
    if report.compared_since:
        parts.append(f"before: from {_until_the_second(report.compared_since)}")
    if report.where:
        parts.append(f"where {report.where}")
    if parts:
        yield ", ".join(parts)


def _until_the_second(instant: Any) -> str:
    return "..." if instant is None else f"{instant.isoformat(timespec='seconds')}Z"
