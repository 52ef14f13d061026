"""Rows and columns as plain text, Markdown, CSV and JSON: for every command that prints a table."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs

from costspan.call import plain
from costspan.report.layout import Column, aligned
from costspan.report.separated import Rows, inert


def as_text(columns: Sequence[Column], caption: Iterable[str] = ()) -> str:
    """A plain table under its caption."""
    return "\n".join([*caption, *(line.rstrip() for line in aligned(columns, "  "))])


def as_markdown(columns: Sequence[Column], caption: Iterable[str] = ()) -> str:
    """A Markdown table; each line of the caption is a paragraph above it."""
    found = [
        structs.replace(column, cells=[cell.replace("|", "\\|") for cell in column.cells])
        for column in columns
    ]
    head, *rows = (f"| {line} |" for line in aligned(found, " | "))
    rule = "|".join("-" * (c.width + 1) + ("-" if c.is_text else ":") for c in found)
    return "\n".join([*(f"{line}\n" for line in caption), head, f"|{rule}|", *rows])


def as_csv(head: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows under a head; what is not known is empty, and no text is a formula."""
    out = io.StringIO()
    written = Rows(out, head)
    for row in rows:
        written.write({name: inert(value) for name, value in row.items()})
    return out.getvalue().removesuffix("\n")


def as_json(found: Mapping[str, Any]) -> str:
    """One object; each decimal with its own digits and no exponent."""
    return msgspec.json.encode(
        numbers(msgspec.to_builtins(found, builtin_types=(Decimal,)))
    ).decode()


def numbers(found: Any) -> Any:
    """The same, with its decimals as JSON writes them."""
    if isinstance(found, Decimal):
        return msgspec.Raw(plain(found).encode())
    if isinstance(found, Mapping):
        return {name: numbers(value) for name, value in found.items()}
    return [numbers(value) for value in found] if isinstance(found, list | tuple) else found
