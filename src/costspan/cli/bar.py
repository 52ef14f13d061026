"""A progress bar on standard error, for what takes longer than a second on a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

_PATIENCE = 1.0
"""Seconds after which somebody who waits wants to know how long."""

_EVERY = 0.1


@contextmanager
def bar(percent: Callable[[], float | None], patience: float = _PATIENCE) -> Iterator[None]:
    """Show how much is done while the block runs, on a terminal alone; nothing of it stays there.

    Args:
        percent: how much is done; None where nobody knows.
        patience: seconds before it is shown.
    """
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(
        target=_show, args=(percent, done, patience), daemon=True, name="costspan-bar"
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(percent: Callable[[], float | None], done: threading.Event, patience: float) -> None:
    if done.wait(patience):
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        while not done.wait(_EVERY):
            known = percent()
            if known is not None:
                shown.update(task, total=100, completed=known)
