"""A folder of calls files, followed: new lines of all its files, whatever happens to these.

Files come and go: another day begins, a file is full, another process has its own, a closed one is
compressed and removed, the folder is deleted and made again. A file that is followed is kept open,
so that what was written to it before it went is read. Of one that came and was compressed between
two looks, the compressed one is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from costspan.export.calls import PREFIX
from costspan.export.folders import Unreadable, lines_of
from costspan.export.naming import FileName, parsed
from costspan.report.tailing.growing import Growing

MOST_OPEN = 500
"""Files that are kept open. Of more that are there at the start, the oldest are left alone."""


class Following:
    """The calls files of a folder; `lines` gives what came since the last time.

    Args:
        folder: it need not be there yet.

    Attributes:
        began_at: the plain files that were there at the start, each with the bytes of its lines.
        faults: what could not be read, and why.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self._followed: dict[FileName, Growing] = {}
        self._elsewhere: list[Growing] = []
        names = self._names()
        plain = [name for name in names if not name.compressed]
        plain.sort(key=lambda name: _written_at(folder / str(name)))
        self._left_alone = set(plain[:-MOST_OPEN])
        self._given = {name.plain for name in names}
        for name in plain[-MOST_OPEN:]:
            self._follow(name, from_end=True)
        self.began_at = {one.path: one.offset for one in self._followed.values()}

    def _names(self) -> set[FileName]:
        try:
            found = {parsed(PREFIX, entry) for entry in os.listdir(self.folder)}
        except (FileNotFoundError, NotADirectoryError):
            return set()
        return {name for name in found if name is not None and not name.unfinished}

    def _follow(self, name: FileName, *, from_end: bool = False) -> None:
        path = self.folder / str(name)
        try:
            self._followed[name] = Growing(path, from_end=from_end)
        except FileNotFoundError:  # it went while we came: the compressed one is not given yet
            return
        except OSError as fault:
            self._left_alone.add(name)
            self.faults.append(f"{path}: {fault.strerror}")
        else:
            self._given.add(name)

    def lines(self) -> Iterator[bytes]:
        """The lines since the last time, whole ones, in the order of each file.

        Raises:
            OSError: the folder may not be listed.
        """
        names = self._names()
        self._left_alone &= names
        for name in self._followed.keys() - names:
            self._gone(name)
        for name in sorted(names):
            if not name.compressed:
                yield from self._of_plain(name)
            elif name.plain not in names and name.plain not in self._given:
                yield from self._of_compressed(name)
        yield from self._of_elsewhere()

    def _of_plain(self, name: FileName) -> Iterator[bytes]:
        if name in self._left_alone:
            return
        known = self._followed.get(name)
        if known is not None and not known.is_at_its_path:
            self._gone(name)
        if name not in self._followed:
            self._follow(name)
        if name in self._followed:
            yield from self._read(self._followed[name])

    def _gone(self, name: FileName) -> None:
        """A file has lost its name: removed, or moved away with those who write to it."""
        self._elsewhere.append(self._followed.pop(name))

    def _of_elsewhere(self) -> Iterator[bytes]:
        for gone in list(self._elsewhere):
            is_removed = gone.is_removed
            yield from self._read(gone)
            if is_removed:
                gone.close()
                self._elsewhere.remove(gone)

    def _of_compressed(self, name: FileName) -> Iterator[bytes]:
        """A file that came and was compressed before it was ever seen."""
        self._given.add(name.plain)
        path = self.folder / str(name)
        try:
            yield from (line for _, line in lines_of(path) if line is not None)
        except Unreadable as fault:
            self.faults.append(f"{path}: {fault}")

    def _read(self, growing: Growing) -> Iterator[bytes]:
        try:
            yield from growing.lines()
        except OSError as fault:
            self.faults.append(f"{growing.path}: {fault.strerror}")

    def close(self) -> None:
        """Let go of all files."""
        for growing in (*self._followed.values(), *self._elsewhere):
            growing.close()


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
