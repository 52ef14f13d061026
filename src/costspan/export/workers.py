"""Starting the threads that write, sync and tidy up for everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable

from opentelemetry import context

from costspan import attributed


def start(run: Callable[[], None]) -> threading.Thread:
    """Run a function in a daemon thread that belongs to no attribution block.

    Raises:
        RuntimeError: the system gives no more threads, or the interpreter is ending.
    """
    thread = threading.Thread(target=run, name="costspan-files", daemon=True)
    # It outlives the block that it starts in, so it starts as nobody's.
    token = attributed.attach(attributed.NOBODY)
    try:
        thread.start()
    finally:
        context.detach(token)
    return thread
