"""The thread that closes, compresses and deletes files, where one of these was asked for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from costspan.export import workers
from costspan.export.closed_files import ClosedFiles
from costspan.export.local_files import LocalFiles
from costspan.export.packing import Interrupted
from costspan.guard import quietly

logger = logging.getLogger("costspan")

LOOKS_EVERY_SECONDS = 30.0
_HOUR = 3600 * 10**9


class Sweeper:
    """Tidies a folder when a file is opened, and every half a minute, until it is stopped.

    Args:
        close_past: closes the writer's own file if its time is over.
    """

    def __init__(self, files: LocalFiles, prefix: str, close_past: Callable[[int], None]) -> None:
        self._directory = files.directory
        self._is_wanted = bool(files.compress or files.keep_seconds or files.keep_bytes)
        self._close_past = close_past
        self._closed = ClosedFiles(files, prefix, lambda: self._stopped.is_set())
        self._complaint = ""
        self._clock = time.time_ns(), time.monotonic_ns()
        self.forked()

    def forked(self) -> None:
        """In a new process: nothing runs."""
        self._due = threading.Event()
        self._stopped = threading.Event()
        self._stopped.set()

    def wake(self) -> None:
        """Look soon, in a thread; under the writer's lock."""
        if not self._is_wanted:
            return
        if self._stopped.is_set():
            self._due, self._stopped = threading.Event(), threading.Event()
            try:
                workers.start(partial(self._run, self._due, self._stopped))
            except RuntimeError:  # no more threads: the next file tries again
                self._stopped.set()
        self._due.set()

    def stop(self) -> None:
        """Stop looking; what is half done is undone."""
        self._stopped.set()
        self._due.set()

    def _run(self, due: threading.Event, stopped: threading.Event) -> None:
        while True:
            due.wait(LOOKS_EVERY_SECONDS)
            due.clear()
            if stopped.is_set():
                return
            with quietly("tidying files", even_asked_for=True), suppress(Interrupted):
                self._look()

    def _look(self) -> None:
        now = self._now()
        self._close_past(now)
        try:
            self._closed.tidy(now)
        except FileNotFoundError:
            return  # the folder is gone: there is nothing to tidy
        except OSError as fault:
            complaint = fault.strerror or type(fault).__name__
            if complaint != self._complaint:
                logger.error("costspan could not tidy %s (%s)", self._directory, complaint)
            self._complaint = complaint
        else:
            self._complaint = ""

    def _now(self) -> int:
        """The time by the wall clock; where that was turned forward, nothing grows old at once."""
        wall, steady = self._clock
        return min(time.time_ns(), wall + time.monotonic_ns() - steady + _HOUR)
