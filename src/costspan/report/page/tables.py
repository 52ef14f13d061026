"""Tables that can be sorted by each column, and that a phone shows as a card for each row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from costspan.call import plain
from costspan.report.page.markup import Markup, element

_FEW = 3
"""Columns that fit a phone as they are."""


class Cell(Struct, frozen=True):
    """What a cell shows, and what it is sorted by; None is sorted last whichever way."""

    text: Markup | str
    value: Decimal | float | str | None = None


class Head(Struct, frozen=True):
    """The head of a column of numbers."""

    text: str
    kind: str | None = None
    """The class of its cells."""


def names(text: str) -> Head:
    """The head of a column of names: these stand to the left, and are broken where they must be."""
    return Head(text, "name")


def moments(text: str) -> Head:
    """The head of a column of moments: to the left, too."""
    return Head(text, "moment")


class Table(Struct, frozen=True):
    """A table.

    Attributes:
        id: of the element, unique in the page.
        title: its caption.
        sorted_by: the column that it comes sorted by, descending, if any.
        feet: rows that stay below: all others, and the total.
    """

    id: str
    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    feet: Sequence[Sequence[Cell]] = ()
    sorted_by: int | None = None
    is_title_hidden: bool = False


def table(found: Table) -> Markup:
    """The HTML. Roles are written out, as CSS that makes a card of a row takes them away."""
    hidden = "hidden-title" if found.is_title_hidden else None
    heads = [_head(head, index == found.sorted_by) for index, head in enumerate(found.heads)]
    rows = [_row(found.heads, cells) for cells in found.rows]
    feet = [_row(found.heads, cells) for cells in found.feet]
    inside = element(
        "table",
        element("caption", found.title, class_=hidden),
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        element("tbody", *rows, role="rowgroup"),
        element("tfoot", *feet, role="rowgroup") if feet else None,
        id=found.id,
        class_="wide" if len(heads) > _FEW else None,
        role="table",
    )
    return element("div", inside, class_="scroll")


def _head(head: Head, is_sorted: bool) -> Markup:
    button = element("button", head.text, type="button", disabled=True)
    return element(
        "th",
        button,
        scope="col",
        role="columnheader",
        class_=head.kind,
        aria_sort="descending" if is_sorted else None,
    )


def _row(heads: Sequence[Head], cells: Sequence[Cell]) -> Markup:
    written = []
    for place, (head, cell) in enumerate(zip(heads, cells, strict=True)):
        is_first = place == 0
        written.append(
            element(
                "th" if is_first else "td",
                cell.text,
                scope="row" if is_first else None,
                role="rowheader" if is_first else "cell",
                class_=head.kind,
                data_label=None if is_first else head.text,
                data_value=_value(cell.value),
            )
        )
    return element("tr", *written, role="row")


def _value(value: Decimal | float | str | None) -> str | None:
    if isinstance(value, Decimal):
        return plain(value)
    return None if value is None else str(value)


def bar(part: float | None, *, warns: bool = False) -> Markup:
    """A thin bar of a share, 0 to 1; in the colour of a warning where that is reached."""
    width = f"{100 * min(max(part or 0.0, 0.0), 1.0):.2f}%"
    filled = element("rect", width=width, height=4, rx=2)
    kind = "bar full" if warns and part is not None and part >= 1 else "bar"
    return element("svg", filled, class_=kind, width="100%", height=4, aria_hidden="true")
