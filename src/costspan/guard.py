"""The one place where costspan's own faults are swallowed, so that the app never notices them."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from costspan.errors import CostspanError

logger = logging.getLogger("costspan")

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_seen: set[tuple[str, str]] = set()
_lock = threading.RLock()
_faults = 0


class quietly:
    """Log and swallow any `Exception` of the block, other than the ones the user asked for.

    The first fault of its kind is an ERROR line, further ones are DEBUG lines. What is logged is
    the exception's type and the code's lines, never its message, which could quote a prompt.

    Args:
        what: the work that is being done, as it should stand in the log line.
        even_asked_for: swallow also those, where nobody is there to catch them.
    """

    __slots__ = ("_even_asked_for", "_what")

    def __init__(self, what: str, *, even_asked_for: bool = False) -> None:
        self._what = what
        self._even_asked_for = even_asked_for

    # There is nothing to do, and a builtin does it faster than a function: this runs on each call.
    __enter__ = staticmethod(bool)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if exc is None:
            return False
        if not isinstance(exc, Exception):
            return False
        if isinstance(exc, CostspanError) and not self._even_asked_for:
            return False
        _report(self._what, exc, trace)
        return True


def faults() -> int:
    """How many faults of costspan itself were swallowed in this process."""
    return _faults


def _report(what: str, exc: Exception, trace: TracebackType | None) -> None:
    global _faults
    name = type(exc).__name__
    with _lock:
        _faults += 1
        first = (what, name) not in _seen
        _seen.add((what, name))
    frames = traceback.extract_tb(trace)
    places = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))
    logger.log(
        logging.ERROR if first else logging.DEBUG,
        "costspan failed at %s (%s); the call itself is not affected. %s",
        what,
        name,
        places,
    )


def quieted(what: str, function: Callable[[A, B], T]) -> Callable[[A, B], T | None]:
    """`function` with its faults logged and swallowed; cheaper than `quietly` where it runs often.

    Returns:
        What `function` returns, or None where it failed.
    """

    def call(first: A, second: B) -> T | None:
        try:
            return function(first, second)
        except Exception as exc:
            if isinstance(exc, CostspanError):
                raise
            _report(what, exc, exc.__traceback__)
            return None

    return call


def fault_of(work: Callable[[], object]) -> Exception | None:
    """Do `work` whose failure is nobody's fault here, such as a network's, and is told elsewhere.

    Returns:
        What it failed with, or None.
    """
    try:
        work()
    except Exception as exc:
        return exc
    return None
