"""What may be done to lines right before they are written, such as chaining them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Seal(Protocol):
    """Changes lines on their way into a file. Each method but `settle` is under the writer's lock.

    Lines are complete: JSON and a newline. Nothing may be kept of a line before `written` says
    that it is in the file: a write may fail, and the same line, or another, is sealed next.
    """

    def opened(self, path: Path) -> Sequence[bytes]:
        """This writer opened a file, new or continued: lines to write first, not yet sealed."""

    def closing(self, path: Path) -> Sequence[bytes]:
        """This writer is about to close the file: lines to write last, not yet sealed."""

    def sealed(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """The lines as they shall stand in the file, one for each, in the same order."""

    def written(self, count: int) -> None:
        """The first `count` lines of those last sealed are whole in the file; the rest is not."""

    def forked(self) -> None:
        """This is a forked child now: it is a writer of its own."""

    def settle(self) -> None:
        """The file is closed and the lock is free: wait for what is still under way."""
