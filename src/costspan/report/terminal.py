"""A report as a table in a terminal, with colours and bars."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from costspan.report.layout import Chosen, columns, fitting
from costspan.report.query import Report
from costspan.report.render import caption
from costspan.report.vocabulary import OTHER


def show(report: Report, shown: Chosen) -> None:
    """Print the table, as wide as the terminal is; the columns that say least give way."""
    console = Console(highlight=False)
    found = fitting(columns(report, shown, bars=True), console.width)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in found:
        table.add_column(
            Text(column.head), justify="left" if column.is_text else "right", no_wrap=True
        )
    cells = list(zip(*(column.cells for column in found), strict=True))
    for number, row in enumerate(cells, 1):
        styles = (_style(column.head, cell) for column, cell in zip(found, row, strict=True))
        texts = [Text(cell, style) for cell, style in zip(row, styles, strict=True)]
        dim = "dim" if row[0] == OTHER else None
        table.add_row(*texts, style="bold" if number == len(cells) else dim)
    for line in caption(report):
        console.print(Text(line, "dim"))
    console.print(table)


def _style(head: str, cell: str) -> str:
    if cell in ("0", "-"):
        return "dim"
    if head in ("errors", "change") and not cell.startswith("-"):
        return "red"
    styles = {"cost USD": "green", "change": "green", "unpriced": "yellow", "partial": "yellow"}
    return styles.get(head, "cyan" if not head else "")
