"""What happens to writers when a process forks or ends.

`atexit` covers a process that ends by itself, `costspan.endings` children that skip it.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import Any, Protocol
from weakref import WeakSet

from costspan import endings
from costspan.guard import quietly

FORK_WAITS_SECONDS = 5.0


class Watched(Protocol):
    """Something that has files open."""

    def before_fork(self, timeout: float) -> bool:
        """Stop at a point where nothing is half done; False where time ran out."""

    def forked_parent(self) -> None:
        """Go on, where `before_fork` was true."""

    def forked_child(self) -> None:
        """Begin anew."""

    def end(self) -> None:
        """Write what waits and close; later lines are written at once."""


_watched: WeakSet[Any] = WeakSet()
_stopped: dict[int, list[Watched]] = {}


def watch(one: Watched) -> None:
    """Tell it of forks and of the end."""
    _watched.add(one)


def used() -> None:
    """Something is to be written in this process: have it closed also where no `atexit` runs."""
    endings.see_to(_end, endings.FILES)


def _end(**of_a_signal: Any) -> None:
    for one in list(_watched):
        with quietly("closing a file at the end", even_asked_for=True):
            one.end()


def _before() -> None:
    stopped = _stopped[threading.get_ident()] = []
    for one in list(_watched):
        with quietly("preparing files for a fork", even_asked_for=True):
            if one.before_fork(FORK_WAITS_SECONDS):
                stopped.append(one)


def _in_parent() -> None:
    for one in _stopped.pop(threading.get_ident(), []):
        with quietly("going on after a fork", even_asked_for=True):
            one.forked_parent()


def _in_child() -> None:
    _stopped.clear()
    for one in list(_watched):
        with quietly("beginning in a forked child", even_asked_for=True):
            one.forked_child()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
