"""One file that lines are appended to, together with any number of other processes.

A line is one `write(2)` with O_APPEND. The system keeps such writes apart, but may cut one: where
the disk fills, or where a process is killed in it. What is left then is a fragment without a
newline, and the next line would stick to it. So each writer sees to the byte before its own line,
where others have written since, and makes a fragment's last byte a newline.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from costspan.export import locks
from costspan.export.naming import COMPRESSED
from costspan.export.periods import Period

if sys.platform != "win32":
    import fcntl

_FLAGS = (
    os.O_RDWR
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_NO_LIMIT = 1 << 62


class Gone(OSError):
    """The file is no longer in its folder, or the descriptor is somebody else's by now."""


class OpenFile:
    """A file that is open for appending. Its user has a lock of its own around each method.

    Attributes:
        since, until: the moments whose lines belong here, nanoseconds; `until` is 0 once it is
            full.
    """

    __slots__ = (
        "_device",
        "_end",
        "_inode",
        "_lead",
        "_limit",
        "descriptor",
        "path",
        "since",
        "until",
    )

    def __init__(
        self, path: Path, descriptor: int, found: os.stat_result, period: Period, limit: int | None
    ) -> None:
        self.path = path
        self.descriptor = descriptor
        self.since, self.until = period.since, period.until
        self._limit = _NO_LIMIT if limit is None else limit
        self._inode, self._device = found.st_ino, found.st_dev
        self._end = found.st_size if stat.S_ISREG(found.st_mode) else -1
        self._lead = b"\n" if self._ends_torn() else b""

    def write(self, lines: bytes) -> int:
        """Append whole lines.

        Returns:
            How many bytes of them are there: fewer than all where the write was cut. The line that
            it was cut in is a fragment then, and counts for nothing.

        Raises:
            Gone: it is not this file any more; nothing was written.
            OSError: nothing was written.
        """
        descriptor = self.descriptor
        found = os.fstat(descriptor)
        if found.st_ino != self._inode or not found.st_nlink or found.st_dev != self._device:
            raise Gone(errno.ESTALE, "the file is gone")
        if self._lead:
            self._lead = b"" if os.write(descriptor, self._lead) else self._lead
        done = os.write(descriptor, lines)
        if self._end < 0:  # no file on a disk: nobody can look back in it
            return done
        end = os.lseek(descriptor, 0, os.SEEK_CUR)
        if end - done != self._end:
            self._look_before(end - done)
        if done != len(lines) and done:
            self._patch(end - 1)
        self._end = end
        if end >= self._limit:
            self.until = 0
        return done

    def is_ours(self) -> bool:
        """Whether the descriptor still stands for the file that was opened."""
        try:
            found = os.fstat(self.descriptor)
        except OSError:
            return False
        return (found.st_ino, found.st_dev) == (self._inode, self._device)

    def close(self) -> None:
        """Close it; where the app closed the descriptor, and may have another there, do nothing."""
        if self.is_ours():
            os.close(self.descriptor)

    def _ends_torn(self) -> bool:
        if self._end <= 0 or sys.platform == "win32":
            return False
        return os.pread(self.descriptor, 1, self._end - 1) != b"\n"

    def _look_before(self, start: int) -> None:
        """Others wrote since: what stands before our line must be the end of a line."""
        if sys.platform == "win32" or start <= 0:
            return
        if os.pread(self.descriptor, 1, start - 1) != b"\n":
            self._patch(start - 1)

    def _patch(self, position: int) -> None:
        """Make the last byte of a fragment a newline; that needs no room on the disk."""
        if sys.platform == "win32":
            return
        flags = fcntl.fcntl(self.descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, flags & ~os.O_APPEND)
        try:
            os.pwrite(self.descriptor, b"\n", position)
        finally:
            fcntl.fcntl(self.descriptor, fcntl.F_SETFL, flags)


def opened(path: Path, period: Period, limit: int | None) -> OpenFile | None:
    """Open a file for appending; it is made, with mode 0600, where there is none.

    Returns:
        None where it takes no more lines: it is full, compressed or being compressed.

    Raises:
        Gone: it was removed at the same moment.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, _FLAGS, 0o600)
    file = None
    try:
        if locks.share(descriptor):
            file = _usable(path, descriptor, period, limit)
    finally:
        if file is None:
            os.close(descriptor)
    return file


def _usable(path: Path, descriptor: int, period: Period, limit: int | None) -> OpenFile | None:
    found = os.fstat(descriptor)
    if not found.st_nlink:
        raise Gone(errno.ESTALE, "the file was removed as it was opened")
    if any(path.with_name(path.name + end).exists() for end in COMPRESSED.values()):
        if not found.st_size:
            path.unlink(missing_ok=True)  # made by us just now: nobody keeps a file that is closed
        return None
    if limit is not None and found.st_size >= limit:
        return None
    return OpenFile(path, descriptor, found, period, limit)
