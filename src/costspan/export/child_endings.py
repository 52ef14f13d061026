"""A child of `multiprocessing` ends without the exit handlers that flush the SDK's batches.

Such a child leaves by `os._exit`, so that `TracerProvider.shutdown` never runs; what does run are
the finalisers of `multiprocessing.util`, and in a worker of Celery the receivers of a signal of its
own. There the global provider is flushed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from multiprocessing import process, util
from typing import Any

from opentelemetry import trace

from costspan.guard import quietly

_BEFORE_FILES_ARE_CLOSED = 10
_is_armed = False


def flush_when_a_child_ends() -> None:
    """From now on; in this process too, if it is such a child."""
    global _is_armed
    ending = getattr(sys.modules.get("celery.signals"), "worker_process_shutdown", None)
    if ending is not None:
        ending.connect(_flush, weak=False, dispatch_uid=__name__)
    if _is_armed:
        return
    _is_armed = True
    util.register_after_fork(_flush, _at_the_end)
    if process.parent_process() is not None:
        _at_the_end(_flush)


def _at_the_end(work: Callable[[], None]) -> None:
    util.Finalize(None, work, exitpriority=_BEFORE_FILES_ARE_CLOSED)


def _flush(**of_a_signal: Any) -> None:
    with quietly("the spans of a child that ends", even_asked_for=True):
        flush = getattr(trace.get_tracer_provider(), "force_flush", None)
        if flush is not None:
            flush()
