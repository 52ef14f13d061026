"""How wide a text is in a terminal: ideographs and emoji take two columns, accents none.

By the tables of Unicode that Python has; a table is as straight as the terminal follows them.
"""

from __future__ import annotations

from unicodedata import category, east_asian_width

_WIDE = ("W", "F")
_ON_TOP = ("Mn", "Me")


def width(text: str) -> int:
    """Columns that a text without line breaks takes."""
    return len(text) if text.isascii() else sum(map(_of, text))


def _of(character: str) -> int:
    if category(character) in _ON_TOP:
        return 0
    return 2 if east_asian_width(character) in _WIDE else 1


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """The text with spaces up to so many columns, behind it or (`right`) before it."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


def cut(text: str, columns: int) -> str:
    """The text, or as much of it as fits in so many columns with an ellipsis behind it."""
    if width(text) <= columns:
        return text
    kept, used = "", 0
    for character in text:
        used += _of(character)
        if used > columns - 1:
            break
        kept += character
    return kept + "…"
