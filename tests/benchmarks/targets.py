"""The figures to reach, and how each measured one stands to its target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured figure; lower is better. `target` is in the same unit."""

    what: str
    measured: float
    target: float
    unit: str

    @property
    def is_reached(self) -> bool:
        """Whether the target is met, in the precision in which it is shown."""
        return round(self.measured, 2) <= self.target

    def row(self) -> tuple[str, str, str, str]:
        """As a row of the table."""
        return (
            self.what,
            f"{self.measured:.2f} {self.unit}".rstrip(),
            f"{self.target:g} {self.unit}".rstrip(),
            "reached" if self.is_reached else "missed",
        )


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, its columns aligned; what is None is shown as a dash."""
    cells = [[("-" if cell is None else str(cell)) for cell in row] for row in [heads, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = [_line(row, widths) for row in cells]
    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (w + 1) + ":" for w in widths[1:]]) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell for cell in row)
    padded = [first.ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return "| " + " | ".join(padded) + " |"


def figures_table(figures: Iterable[Figure]) -> str:
    """Every figure beside its target."""
    return table(("figure", "measured", "to reach", ""), [figure.row() for figure in figures])
