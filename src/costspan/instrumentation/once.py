"""A lock for what the first call makes: of several first calls at once, one alone makes it."""

from __future__ import annotations

import os
import threading

# Re-entrant: a user's finaliser may make a call of its own in the middle.
_lock = threading.RLock()


def _begin_anew() -> None:
    """In a forked child no other thread holds it."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_begin_anew)


def alone() -> threading.RLock:
    """The lock."""
    return _lock
