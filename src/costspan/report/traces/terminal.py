"""A trace in a terminal: with colours, and bars that show when each call ran."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from costspan.report.layout import Column, fitting
from costspan.report.traces.drawn import columns, heading
from costspan.report.traces.tree import Tree, steps

_STYLES = {"cost USD": "green"}


def show(tree: Tree) -> None:
    """Print the tree, as wide as the terminal is; the columns that say least give way."""
    console = Console(highlight=False)
    first, *rest = heading(tree)
    console.print(Text(first, "bold"))
    for line in rest:
        console.print(Text(line, "dim"))
    found = fitting(columns(tree, timeline=True), console.width)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in found:
        table.add_column(
            Text(column.head), justify="left" if column.is_text else "right", no_wrap=True
        )
    nodes = [step.node for step in steps(tree)]
    for place, node in enumerate(nodes):
        is_call = node.part is not None and node.part.is_call
        texts = [Text(c.cells[place], _style(c, number, place)) for number, c in enumerate(found)]
        table.add_row(*texts, style=None if is_call else "dim")
    console.print(table)


def _style(column: Column, number: int, place: int) -> str:
    """Cells without a head are the tree, the timeline and, at the end, what is out of order."""
    if column.head:
        return "dim" if column.cells[place] == "-" else _STYLES.get(column.head, "")
    if not number:
        return ""
    return "cyan" if set(column.cells[place]) <= set(" █─") else "red"
