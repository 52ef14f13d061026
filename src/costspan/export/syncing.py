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
        self._written = 0
        self._synced = 0

    def wrote(self) -> int:
        """Note a write, under the writer's lock.

        Returns:
            Its number.
        """
        self._written += 1
        return self._written

    def until(self, number: int) -> bool:
        """Return when that write is on the disk; False where the disk says it is not."""
        with self._turn:
            if self._synced >= number:
                return True
            with self._lock:
                upto, file = self._written, self._writer.file
                descriptor = -1 if file is None else os.dup(file.descriptor)
            if descriptor >= 0:  # otherwise the file is closed by now, and was synced then
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            self._synced = upto
        return True
