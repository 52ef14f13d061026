"""What a database of calls can do, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from costspan.report.databases.dialect import Dialect
from costspan.report.databases.rows import Row


class Connection(Protocol):
    """An open database.

    Every method raises ConfigurationError where the database does not do what it is told; the
    message names the database and never its password.
    """

    @property
    def dialect(self) -> Dialect:
        """How its SQL is spelt."""

    def tables(self) -> set[str]:
        """The names of its tables."""

    def columns(self, table: str) -> set[str]:
        """The names of a table's columns."""

    def step(self) -> AbstractContextManager[None]:
        """All of the block or nothing of it, and no other load between."""

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement."""

    def add_calls(self, rows: Sequence[Row]) -> dict[str, int]:
        """Add those that are not there: how many, by their hour; within a step."""

    def add_gaps(self, rows: Sequence[Row]) -> None:
        """Add those that are not there; within a step."""

    def texts(self, query: str) -> Iterator[bytes]:
        """The rows of a query of one text each, as lines with their newlines, a chunk at a time."""

    def close(self) -> None:
        """Close it."""
