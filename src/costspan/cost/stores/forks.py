"""What a fork means to stores: the child shares no connection, no lock and no promise."""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What is told of a fork, in the thread that forks."""

    def before_fork(self) -> None:
        """Let go of what a child must not inherit."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Start anew: what was on its way is the parent's."""


_known: WeakSet[Forkable] = WeakSet()
_forking = threading.local()


def watch(store: Forkable) -> None:
    """Tell `store` of forks for as long as it lives."""
    _known.add(store)


def _before() -> None:
    # The same ones are told after it: none that is made meanwhile by another thread.
    _forking.told = list(_known)
    for store in _forking.told:
        store.before_fork()


def _in_parent() -> None:
    for store in _forking.told:
        store.after_fork_in_parent()
    _forking.told = []


def _in_child() -> None:
    for store in {*_forking.told, *_known}:
        store.after_fork_in_child()
    _forking.told = []


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
