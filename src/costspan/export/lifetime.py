"""What happens to writers when a process forks or ends.

`atexit` covers a process that ends by itself. A child of `multiprocessing` skips it, so what is
open there is closed by a finaliser of that module; a child of Celery leaves after a signal of
Celery's own. A kill by the system runs none of them.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import Any, Protocol
from weakref import WeakSet

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
_finalised = -1


def watch(one: Watched) -> None:
    """Tell it of forks and of the end."""
    _watched.add(one)


def used() -> None:
    """Something is to be written in this process: have it closed also where no `atexit` runs."""
    global _finalised
    pid = os.getpid()
    if _finalised == pid:
        return
    _finalised = pid
    with quietly("watching for the end of a process"):
        finalize = getattr(sys.modules.get("multiprocessing.util"), "Finalize", None)
        if finalize is not None:
            finalize(None, _end, exitpriority=-100)
        ending = getattr(sys.modules.get("celery.signals"), "worker_process_shutdown", None)
        if ending is not None:
            ending.connect(_end, weak=False)


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
