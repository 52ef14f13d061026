"""A report as text: a plain table, Markdown, CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from costspan.report import tables
from costspan.report.layout import Chosen, columns
from costspan.report.moments import written
from costspan.report.query import Report, Row


def as_text(report: Report, shown: Chosen) -> str:
    """A plain table."""
    return tables.as_text(columns(report, shown), caption(report))


def as_markdown(report: Report, shown: Chosen) -> str:
    """A Markdown table."""
    return tables.as_markdown(columns(report, shown), caption(report))


def as_csv(report: Report, shown: Chosen) -> str:
    """A row for each combination of keys, under a head; what is not known is empty."""
    rows = [_record(report, row) for row in (*shown.rows, *([shown.other] if shown.other else []))]
    head = list(rows[0]) if rows else [*report.by, *report.total.as_dict()]
    return tables.as_csv(head, rows)


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
        "percentiles": report.percentiles,
        "files": report.files,
        "total": report.total.as_dict(),
        "before": report.before.as_dict() if report.before else None,
        "rows": [_object(report, row, report.by) for row in shown.rows],
        "other": other,
        "passed_over": report.passed_over,
    }
    return tables.as_json(found)


def _object(report: Report, row: Row, words: Sequence[str]) -> dict[str, Any]:
    found = dict(zip(words, row.keys, strict=False)) | row.figures.as_dict()
    return found if row.before is None else {**found, "before": row.before.as_dict()}


def caption(report: Report) -> Iterator[str]:
    """What was asked, on a line of its own; nothing where everything was."""
    before = report.compared_since
    more = [f"before: from {_until_the_second(before)}"] if before else []
    yield from asked_line(report.since, report.until, report.where, *more)


def asked_line(
    since: datetime | None, until: datetime | None, where: str | None, *more: str
) -> Iterator[str]:
    """Of which calls something is said, on one line; none where it is of all."""
    parts = [f"{_until_the_second(since)} to {_until_the_second(until)}"] if since or until else []
    parts += more
    if where:
        parts.append(f"where {where}")
    if parts:
        yield ", ".join(parts)


def _until_the_second(instant: Any) -> str:
    return "..." if instant is None else f"{instant.isoformat(timespec='seconds')}Z"
