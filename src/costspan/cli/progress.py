"""How far a command is, on one line of a terminal that is written over; elsewhere nothing."""

from __future__ import annotations

import sys
import time

_QUIET_SECONDS = 1.0
_EVERY_SECONDS = 0.25


class Progress:
    """Shown on standard error from the first second on, where that is a terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._begun = time.monotonic()
        self._next = self._begun + _QUIET_SECONDS
        self._length = 0

    def tell(self, count: int, what: str) -> None:
        """Show how many there were so far, and how many a second."""
        now = time.monotonic()
        if self._is_shown and now >= self._next:
            self._next = now + _EVERY_SECONDS
            speed = count / (now - self._begun)
            self._show(f"{count:,} {what}, {speed:,.0f} a second")

    def clear(self) -> None:
        """Leave nothing on the terminal."""
        if self._length:
            self._show("")
            print("\r", end="", file=sys.stderr, flush=True)
            self._length = 0

    def _show(self, text: str) -> None:
        print(f"\r{text:<{self._length}}", end="", file=sys.stderr, flush=True)
        self._length = len(text) or self._length
