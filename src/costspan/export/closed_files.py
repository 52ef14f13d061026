"""Files that nobody writes any more: compressed, and deleted when they are old or too many.

A file is closed when its time is over or it is full, and no process has it open: each writer
shares a lock on its file, and whoever closes one for good must have that lock alone. A process
that is killed loses its locks, so nothing is left for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from costspan.export import packing
from costspan.export.local_files import LocalFiles
from costspan.export.naming import FileName, parsed
from costspan.export.periods import end_of

_SECOND = 10**9
_GRACE = 10 * _SECOND
"""Calls of a period that has just ended may still be on their way into its file."""


class Found(NamedTuple):
    """A file of the folder: its size in bytes, when its time ends and when it was last of use."""

    name: FileName
    path: Path
    size: int
    end: int
    used: int


class ClosedFiles:
    """The closed files of one folder and prefix.

    Args:
        is_ending: whether to stop in the middle of a long file.
    """

    def __init__(self, files: LocalFiles, prefix: str, is_ending: Callable[[], bool]) -> None:
        self._files = files
        self._prefix = prefix
        self._is_ending = is_ending

    def tidy(self, now: int) -> None:
        """Compress and delete what is due.

        Args:
            now: nanoseconds since the epoch.

        Raises:
            OSError: something could not be done; it is tried again the next time.
            packing.Interrupted: the process is ending.
        """
        faults = [fault for one in self._found() if (fault := self._tidied(one, now))]
        if self._files.keep_seconds is not None or self._files.keep_bytes is not None:
            self._expire([one for one in self._found() if not one.name.unfinished], now)
        if faults:
            raise faults[0]

    def _tidied(self, one: Found, now: int) -> OSError | None:
        """Compress one file if it is due; its fault, which keeps no other from its turn."""
        try:
            if one.name.unfinished:
                packing.drop_unfinished(one.path, one.path.with_name(str(one.name.plain)))
            elif self._files.compress and not one.name.compressed and self._is_over(one, now):
                packing.pack(one.path, self._files.compress, self._is_ending)
        except OSError as fault:
            return fault
        return None

    def _found(self) -> list[Found]:
        """The files, the oldest first."""
        found = []
        for entry in os.listdir(self._files.directory):
            name = parsed(self._prefix, entry)
            end = None if name is None else end_of(name.period, self._files.timezone)
            if name is None or end is None:
                continue
            path = self._files.directory / entry
            try:
                state = path.stat()
            except FileNotFoundError:  # another process tidies up as well
                continue
            found.append(Found(name, path, state.st_size, end, max(end, state.st_mtime_ns)))
        return sorted(found, key=lambda one: (one.used, one.name))

    def _is_over(self, one: Found, now: int) -> bool:
        limit = self._files.rotate_bytes
        return one.end + _GRACE < now or (limit is not None and one.size >= limit)

    def _expire(self, found: list[Found], now: int) -> None:
        kept = sum(one.size for one in found)
        age, most = self._files.keep_seconds, self._files.keep_bytes
        for one in found:
            is_old = age is not None and one.used + age * _SECOND < now
            if not is_old and (most is None or kept <= most):
                continue
            if self._delete(one, now):
                kept -= one.size

    def _delete(self, one: Found, now: int) -> bool:
        if one.name.compressed:
            one.path.unlink(missing_ok=True)
            return True
        if not self._is_over(one, now):
            return False
        with packing.alone(one.path) as source:
            if source is not None:
                one.path.unlink(missing_ok=True)
        return source is not None
