"""A table in a terminal, with colours and bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from costspan.report.layout import Column, fitting
from costspan.report.vocabulary import OTHER


def show(columns: Sequence[Column], caption: Iterable[str]) -> None:
    """Print the table, as wide as the terminal is; the columns that say least give way."""
    console = Console(highlight=False)
    found = fitting(columns, console.width)
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
    for line in caption:
        console.print(Text(line, "dim"))
    console.print(table)


_STYLES = {
    "cost USD": "green",
    "was USD": "green",
    "as if USD": "green",
    "waste USD": "red",
    "change": "green",
    "difference": "green",
    "unpriced": "yellow",
    "partial": "yellow",
    "not converted": "yellow",
}


def _style(head: str, cell: str) -> str:
    if cell in ("0", "-"):
        return "dim"
    if head in ("errors", "change", "difference") and not cell.startswith(("-", "+0.0%", "0.0")):
        return "red"
    return _STYLES.get(head, "cyan" if not head else "")
