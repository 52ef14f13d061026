"""This machine's clock beside those of others: windows of budgets and days of files hang on it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from costspan.doctor.finding import Finding

MOST_SECONDS = 2.0
"""From which difference on there is something to say; a Date header tells whole seconds."""

_REMEDY = "keep the clock by NTP: windows, days and the order of calls are told by it"


class Watch:
    """Looks whether the clock was set while something else was done."""

    def __init__(self) -> None:
        self._wall, self._steady = time.time(), time.monotonic()

    def jumped(self) -> float:
        """By how many seconds the clock was set forward since; negative for back."""
        return (time.time() - self._wall) - (time.monotonic() - self._steady)


def clock(jumped: float, others: Sequence[tuple[str, float]]) -> list[Finding]:
    """What is to be said of this machine's clock.

    Args:
        jumped: seconds by which it was set during the look.
        others: who told a time, and by how many seconds theirs is ahead of ours.
    """
    found = [
        Finding("clock", f"{_apart(ahead)} the {whose}'s", "warning", _REMEDY)
        for whose, ahead in others
        if abs(ahead) > MOST_SECONDS
    ]
    if abs(jumped) > MOST_SECONDS:
        found.append(
            Finding("clock", f"was set by {jumped:+.1f} s while it was watched", "warning", _REMEDY)
        )
    if found:
        return found
    asked = ", ".join(f"the {whose}'s" for whose, _ in others)
    within = f"within {MOST_SECONDS:g} s of {asked}" if asked else "nobody told a time to compare"
    return [Finding("clock", f"{within}; steady during the look")]


def _apart(ahead: float) -> str:
    return f"{abs(ahead):.1f} s {'behind' if ahead > 0 else 'ahead of'}"


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
