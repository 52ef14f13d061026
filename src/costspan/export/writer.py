"""The writer of one folder: which file a line belongs to, and what goes with it."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Sequence

from costspan.export.auditing.seals import Seal
from costspan.export.gaps import Gap, Losses
from costspan.export.local_files import LocalFiles
from costspan.export.mounts import is_shared_over_network
from costspan.export.naming import FileName, parsed
from costspan.export.open_file import Gone, OpenFile, opened
from costspan.export.packing import sync_folder
from costspan.export.periods import period_of

Placed = tuple[bytes, int]
"""A line, and the moment it is about: nanoseconds since the epoch."""

_NOT_OURS = (errno.ESTALE, errno.EBADF)
_ATTEMPTS = 5
_MOST_CLOSED_IN_A_ROW = 100


class Writer:
    """Writes lines to the right file. Its user has a lock of its own around each method.

    Attributes:
        file: the file that is open.
        fault: why the last write was not whole.
        writes: how many there were, each of one or more lines into one file.
        unsynced: the highest number of a write that may not survive a power cut, as `sync_fault`
            says; 0 where all were synced.
    """

    def __init__(
        self,
        files: LocalFiles,
        prefix: str,
        seal: Seal | None,
        gap: Callable[[Gap], bytes],
        turned: Callable[[], None],
    ) -> None:
        self._files = files
        self._prefix = prefix
        self._seal = seal
        self._gap = gap
        self._turned = turned
        self._process: str | None = None
        self.losses = Losses(files.directory)
        self.file: OpenFile | None = None
        self.fault = self.sync_fault = OSError()
        self.writes = self.unsynced = 0

    def write(self, lines: Sequence[Placed]) -> int:
        """Write lines in their order; after a fault the rest is not tried.

        Returns:
            How many are in their files. Fewer than all: `fault` says why.
        """
        done = attempts = 0
        while done < len(lines):
            try:
                some = self._write_some(lines, done)
                self.fault = OSError("the write was cut")
            except OSError as fault:
                some, self.fault = 0, fault
                if fault.errno not in _NOT_OURS:
                    self.close()
                    break
                self.abandon()
            done += some
            self.writes += bool(some)
            attempts = 0 if some else attempts + 1
            if attempts == _ATTEMPTS:
                break
        return done

    def close(self) -> None:
        """Close the file; the next line opens one."""
        file = self.file
        if file is None:
            return
        try:
            if self._seal is not None and file.is_ours():
                self._put(file, self._seal.closing(file.path))
        except OSError as fault:
            self.losses.complain(fault, "as it closed a file")
        try:
            if self._files.durability == "fsync" and file.is_ours():
                os.fsync(file.descriptor)
        except OSError as fault:
            self.losses.complain(fault, "as it closed a file")
            self.not_synced(self.writes, fault)
        self.abandon()

    def not_synced(self, upto: int, fault: OSError) -> None:
        """What was written up to this number may not be on the disk."""
        if upto > self.unsynced:
            self.unsynced, self.sync_fault = upto, fault

    def name_losses(self) -> None:
        """Name in the file what could not be written before, if that can be written now."""
        if self.losses.unsaid:
            try:
                self._name_losses(self.file or self._turn(self.losses.until))
            except OSError as fault:
                self.losses.complain(fault, f"{self.losses.unsaid} lost lines are in no file")

    def abandon(self) -> None:
        """Close the file and write nothing more into it."""
        file, self.file = self.file, None
        if file is not None:
            file.close()

    def forked(self) -> None:
        """In a forked child: what is open is the parent's, and what is lost is told by it."""
        self.abandon()
        self._process = None
        self.losses = Losses(self._files.directory)
        if self._seal is not None:
            self._seal.forked()

    def _write_some(self, lines: Sequence[Placed], done: int) -> int:
        """As many of the lines from `done` on as belong to one file."""
        at = lines[done][1]
        file = self.file
        if file is None or not file.since <= at < file.until:
            file = self._turn(at)
        run = []
        for line, moment in lines[done:] if done else lines:
            if not file.since <= moment < file.until:
                break
            run.append(line)
        if self.losses.unsaid and not self._name_losses(file):
            return 0
        return self._put(file, run)

    def _name_losses(self, file: OpenFile) -> bool:
        if not self._put(file, (self._gap(self.losses.gap()),)):
            return False
        self.losses.named()
        return True

    def _put(self, file: OpenFile, lines: Sequence[bytes]) -> int:
        if self._seal is not None and lines:
            lines = self._seal.sealed(lines)
        data = b"".join(lines)
        done = file.write(data) if data else 0
        whole = len(lines) if done == len(data) else data.count(b"\n", 0, done)
        if self._seal is not None and lines:
            self._seal.written(whole)
        return whole

    def _turn(self, at: int) -> OpenFile:
        """Open the file of a moment instead of the one that is open."""
        self.close()
        self._files.directory.mkdir(parents=True, exist_ok=True)
        file = self._opened(at)
        self.file = file
        self._turned()
        if self._files.durability == "fsync":
            sync_folder(file.path.parent)
        if self._seal is not None:
            self._put(file, self._seal.opened(file.path))
        return file

    def _opened(self, at: int) -> OpenFile:
        files = self._files
        period = period_of(at, files.unit, files.timezone)
        name = FileName(self._prefix, period.name, self._own_process())
        part = self._newest_part(name)
        for _ in range(_MOST_CLOSED_IN_A_ROW):
            path = files.directory / str(name._replace(part=part))
            try:
                file = opened(path, period, files.rotate_bytes)
            except Gone:
                continue
            if file is not None:
                return file
            # Others may have filled many while this one was looking.
            part = max(part + 1, self._newest_part(name))
        raise OSError("too many files in a row take no more lines")

    def _newest_part(self, name: FileName) -> int:
        """The highest part of a period that there is, in whatever state."""
        found = (parsed(self._prefix, entry) for entry in os.listdir(self._files.directory))
        return max((one.part for one in found if one and one.series == name.series), default=0)

    def _own_process(self) -> str:
        """What tells this process's files from those of others; empty where they share them."""
        if self._process is None:
            own = self._files.per_process
            if own is None:
                own = is_shared_over_network(self._files.directory)
            self._process = f"{os.getpid()}-{secrets.token_hex(3)}" if own else ""
        return self._process
