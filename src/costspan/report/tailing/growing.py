"""One file that others append to: the lines that came since it was last looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from costspan.export.folders import LONGEST_LINE, NO_FILE, is_endless

_CHUNK = 1 << 20


class Growing:
    """A plain file, kept open: what was written to it can be read after it was removed.

    Args:
        path: where it is now.
        from_end: pass over the lines that are in it already. A line that is torn at the end is not
            among them: its end may come.

    Attributes:
        offset: bytes up to which whole lines were given.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, *, from_end: bool = False) -> None:
        self.path = path
        if is_endless(path):
            raise OSError(errno.EINVAL, NO_FILE)
        self._file: BinaryIO = path.open("rb", buffering=0)
        self.offset = end_of_lines(self._file) if from_end else 0

    def lines(self) -> Iterator[bytes]:
        """The whole lines since the last time, each with its newline.

        Raises:
            OSError: it cannot be read.
        """
        if os.fstat(self._file.fileno()).st_size < self.offset:  # somebody emptied it
            self.offset = 0
        rest = b""
        self._file.seek(self.offset)
        while chunk := self._file.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                self.offset += len(line) + 1
                yield line + b"\n"
            if len(rest) > LONGEST_LINE:  # of nobody we know: no memory is given to it
                self.offset += len(rest)
                rest = b""

    @property
    def is_at_its_path(self) -> bool:
        """Whether its name still leads to it."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    @property
    def is_removed(self) -> bool:
        """Whether no name leads to it any more."""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


def end_of_lines(file: BinaryIO) -> int:
    """How many bytes of a file are whole lines."""
    place = file.seek(0, os.SEEK_END)
    while place:
        first = max(place - _CHUNK, 0)
        file.seek(first)
        found = file.read(place - first).rfind(b"\n")
        if found >= 0:
            return first + found + 1
        place = first
    return 0


def backwards(path: Path, end: int) -> Iterator[bytes]:
    """The lines of a plain file, the last first, from those that end before `end` bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        place, rest = end, b""
        while place:
            first = max(place - _CHUNK, 0)
            file.seek(first)
            chunk = file.read(place - first) + rest
            rest, *whole = chunk.split(b"\n")
            yield from (line + b"\n" for line in reversed(whole) if line)
            place = first
            if len(rest) > LONGEST_LINE:
                return
        if rest:
            yield rest + b"\n"
