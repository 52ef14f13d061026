"""Attribution in threads: a thread or pool task started under a block belongs to that block.

Only the attribution is carried over. The trace context is not: whether spans in threads are
children is for the app, or OpenTelemetry's own threading instrumentation, to decide.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import wrapt
from opentelemetry import context

from costspan import attributed
from costspan.attributed import Attribution
from costspan.guard import quietly

_TARGETS = ((threading.Thread, "start"), (ThreadPoolExecutor, "submit"))


def _run_as(who: Attribution, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    if attributed.current() is not attributed.NOBODY:
        return function(*args, **kwargs)
    token = attributed.attach(who)
    try:
        return function(*args, **kwargs)
    finally:
        context.detach(token)


def _start(wrapped: Any, thread: Any, args: Any, kwargs: Any) -> Any:
    who = attributed.current()
    if who is not attributed.NOBODY:
        with quietly("carrying attribution to a thread"):
            run = thread.run

            def run_attributed() -> None:
                del thread.run
                _run_as(who, run)

            thread.run = run_attributed
    return wrapped(*args, **kwargs)


def _submit(wrapped: Any, pool: Any, args: Any, kwargs: Any) -> Any:
    who = attributed.current()
    if who is attributed.NOBODY or not args:
        return wrapped(*args, **kwargs)
    function, *rest = args
    # A worker that this starts outlives the block: it starts as nobody's.
    token = attributed.attach(attributed.NOBODY)
    try:
        return wrapped(_run_as, who, function, *rest, **kwargs)
    finally:
        context.detach(token)


class ThreadPatches:
    """Carries attribution into threads while it is applied."""

    def __init__(self) -> None:
        self._wrapped: list[tuple[Any, str, Any]] = []

    def apply(self) -> None:
        """Wrap the starting of threads."""
        if self._wrapped:
            return
        for (owner, name), shell in zip(_TARGETS, (_start, _submit), strict=True):
            wrapper = wrapt.FunctionWrapper(owner.__dict__[name], shell)
            setattr(owner, name, wrapper)
            self._wrapped.append((owner, name, wrapper))

    def remove(self) -> None:
        """Put the originals back where our wrapper is the outermost."""
        for owner, name, wrapper in self._wrapped:
            if owner.__dict__.get(name) is wrapper:
                setattr(owner, name, wrapper.__wrapped__)
        self._wrapped.clear()
