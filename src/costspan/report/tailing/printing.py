"""A call as one line of text."""

from __future__ import annotations

from costspan.export.schema import Line
from costspan.report.layout import dollars
from costspan.report.vocabulary import printable
from costspan.report.widths import cut, padded

HEAD = (
    f"{'time UTC':12}  {'agent':16}  {'model':28}  {'input':>9}  {'output':>7}  {'time s':>7}  "
    f"{'cost USD':>10}"
)


def row(line: Line) -> str:
    """When it ended, who made it, what it used and cost, and how it ended if not well."""
    return "  ".join(
        (
            f"{line.timestamp[11:23]:12}",
            _name(line.agent, 16),
            _name(line.model, 28),
            f"{_count(line.input_tokens):>9}",
            f"{_count(line.output_tokens):>7}",
            f"{line.latency_ms / 1e3:>7.2f}",
            f"{dollars(line.cost_usd, 6):>10}",
            note(line),
        )
    ).rstrip()


def note(line: Line) -> str:
    """What is out of the ordinary."""
    found = [printable(line.error)] if line.error else []
    found += ["abandoned"] if line.outcome == "abandoned" else []
    found += [line.status.replace("_", " ")] if line.status != "priced" else []
    return printable(", ".join(found))


def _name(name: str | None, columns: int) -> str:
    return padded(cut(printable(name or "-"), columns), columns)


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
