"""CSV as every command writes it: RFC 4180 with lines that end in a newline alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TextIO

from costspan.call import plain

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""How a cell begins that a spreadsheet may run, whatever quotes are around it. OWASP lists them
(https://owasp.org/www-community/attacks/CSV_Injection)."""


class Rows:
    """Writes rows under a head; what is None is an empty cell.

    A line break of any kind within a cell is quoted: Python's writer leaves a carriage return bare
    where lines end in a newline alone, and a reader would begin a row there.
    """

    def __init__(self, file: TextIO, head: Sequence[str]) -> None:
        self._file = file
        self._head = head
        self._line = io.StringIO()
        self._writer = csv.writer(self._line, lineterminator="\r\n")
        self._write(head)

    def write(self, row: Mapping[str, Any]) -> None:
        """One row; decimals with their own digits and no exponent."""
        self._write([_shown(row.get(name)) for name in self._head])

    def _write(self, cells: Sequence[Any]) -> None:
        self._line.seek(0)
        self._line.truncate()
        self._writer.writerow(cells)
        self._file.write(self._line.getvalue().removesuffix("\r\n") + "\n")


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value


def is_like_a_formula(value: Any) -> bool:
    """Whether a spreadsheet may take a text for a formula; a number is none."""
    return isinstance(value, str) and value.startswith(_FORMULA)


def inert(value: Any) -> Any:
    """The value, behind a single quote where it is a text that would be taken for a formula."""
    return f"'{value}" if is_like_a_formula(value) else value
