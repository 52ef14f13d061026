"""Syncing a file to the disk, once for all threads that wait for it."""

from __future__ import annotations

import os
import threading

from costspan.export.writer import Writer


class Syncs:
    """Syncs what one writer wrote.

    Args:
        lock: the writer's.
    """

    def __init__(self, lock: threading.RLock, writer: Writer) -> None:
        self._lock = lock
        self._writer = writer
        self._turn = threading.RLock()  # a signal's handler may make a call in the middle of one
        self._synced = 0

    def until(self, first: int, last: int) -> None:
        """Return when these writes are on the disk.

        Args:
            first, last: their numbers, as `Writer.writes` counts them.

        Raises:
            OSError: one of them may not be: its file could not be synced, here or as it was closed
                by another thread.
        """
        with self._turn:
            if self._synced < last:
                self._sync()
            # A disk says once that a sync failed, to whoever asks first: so it is kept for all.
            if self._writer.unsynced >= first:
                raise self._writer.sync_fault

    def _sync(self) -> None:
        with self._lock:
            upto, file = self._writer.writes, self._writer.file
            descriptor = -1 if file is None else os.dup(file.descriptor)
        if descriptor >= 0:  # otherwise the file is closed by now, and was synced then
            try:
                os.fsync(descriptor)
            except OSError as fault:
                with self._lock:
                    self._writer.not_synced(upto, fault)
            finally:
                os.close(descriptor)
        self._synced = upto
