"""The end of a child process, where no `atexit` runs.

A forked child of `multiprocessing` skips it, and runs that module's own finalisers instead; a child
of Celery leaves after a signal of Celery's own. A kill by the system runs none of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from costspan.guard import quietly

Work = Callable[..., object]
"""What is to be done; it is given what comes with Celery's signal."""

CALLS, ALERTS, STORES, FILES = 40, 30, 20, -100
"""The ranks of what is done: calls that ended are settled first, files are closed last."""

_seen_to: dict[Work, int] = {}


def see_to(work: Work, rank: int) -> None:
    """Have something done also where this process ends so, the highest rank first."""
    pid = os.getpid()
    if _seen_to.get(work) == pid:
        return
    _seen_to[work] = pid
    with quietly("watching for the end of a process"):
        if _is_a_child():
            sys.modules["multiprocessing.util"].Finalize(None, work, exitpriority=rank)
        ending: Any = getattr(sys.modules.get("celery.signals"), "worker_process_shutdown", None)
        if ending is not None:
            ending.connect(work, weak=False)


def _is_a_child() -> bool:
    """Whether `multiprocessing` made this process; others have `atexit`."""
    process: Any = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None
