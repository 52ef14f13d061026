"""How long shared stores remember what counts no more, and how often they tidy up.

The moments of other processes may be off by an hour or so: nothing goes before it is two hours
old, by the clock of whoever tidies up.
"""

from __future__ import annotations

TENDED_EVERY = 256
"""Settlements, of all processes together, after which one of them tidies up."""

THOROUGHLY_EVERY_SECONDS = 600.0
"""How often one process looks through whole tables for what may go."""

MOST_NOTICES = 10_000

_HOUR_MS = 3_600_000
GRACE_MS = 2 * _HOUR_MS
TOKENS_MS = 24 * _HOUR_MS
IDLE_MS = 30 * 24 * _HOUR_MS
"""A counter of a scope that has no window is forgotten when nothing was added for that long."""


def moments(now: int) -> dict[str, int]:
    """Before which moment reservations and buckets (`grace`), tokens and idle counters go."""
    return {
        "grace": now - GRACE_MS,
        "tokens": now - TOKENS_MS,
        "idle": now - IDLE_MS,
        "notices": MOST_NOTICES,
    }
