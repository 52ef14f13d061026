"""Appender: puts whole lines into the files of a folder, from any thread and process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from costspan.export import lifetime, workers
from costspan.export.auditing.seals import Seal
from costspan.export.batches import Batches
from costspan.export.gaps import Gap, encoded_gap
from costspan.export.local_files import LocalFiles
from costspan.export.sweeper import Sweeper
from costspan.export.syncing import Syncs
from costspan.export.writer import Placed, Writer

_AFTER_ITS_END = 60 * 10**9


class Appender:
    """Writes lines to the files `<prefix><period>.jsonl` of a folder. No fault of a disk is raised.

    Args:
        files: the folder and the rules.
        prefix: how names begin; files of another prefix are not touched.
        seal: has the last word on each line.
        gap: makes the line that names lines which could not be written.

    Attributes:
        waits: whether an append may block for long; an event loop must not make it then.
    """

    def __init__(
        self,
        files: LocalFiles,
        prefix: str = "llm_trace_",
        *,
        seal: Seal | None = None,
        gap: Callable[[Gap], bytes] = encoded_gap,
    ) -> None:
        self.files = files
        self.waits = files.durability == "fsync"
        self._is_batched = files.durability == "batch"
        self._sweeper = Sweeper(files, prefix, self._close_past)
        self._writer = Writer(files, prefix, seal, gap, self._turned)
        self._seal = seal
        self._is_plain = seal is None and not self.waits
        self._begin()
        lifetime.watch(self)

    def _begin(self) -> None:
        """As in a new process: nothing is waiting, nobody holds a lock."""
        self._lock = threading.RLock()
        self._busy = False
        self._is_closing = False
        self._late: list[Placed] = []
        self._batches = Batches(self._lock, self._writer, workers.start, self._alone)
        self._syncs = Syncs(self._lock, self._writer)

    @property
    def lost(self) -> int:
        """How many lines could not be written in this process."""
        return self._writer.losses.total

    def append(self, line: bytes, at: int) -> bool:
        """Write one line, with its newline, as `files.durability` says.

        Args:
            at: the moment the line is about, nanoseconds since the epoch: it decides the file.

        Returns:
            Whether the line is acknowledged; one that is not was counted in `lost` and logged.
        """
        if self._is_batched:
            return self._batches.put(line, at)
        if self._is_plain:
            with self._lock:
                if not self._busy:
                    self._busy = True
                    try:
                        file = self._writer.file
                        if (
                            file is not None
                            and file.since <= at < file.until
                            and not self._writer.losses.unsaid
                            and file.write(line) == len(line)
                        ):
                            return True
                    except OSError:
                        pass  # the long way tries once more, and tells of it
                    finally:
                        self._busy = False
                        if self._late or self._is_closing:
                            self._catch_up()
        return self._append(((line, at),))

    def append_all(self, lines: Sequence[bytes], at: int) -> bool:
        """Write several lines about one moment, together; they are written when this returns."""
        return self._append([(line, at) for line in lines])

    def append_later(self, line: Callable[[], bytes], at: int) -> bool:
        """As `append` of what `line()` gives; with `batch` it is asked on the writer's thread."""
        return self._batches.put(line, at) if self._is_batched else self.append(line(), at)

    def flush(self, timeout: float = 5.0) -> bool:
        """Write what is waiting; False where time (seconds) ran out or it cannot be written."""
        return self._batches.flush(time.monotonic() + timeout)

    def close(self) -> None:
        """Flush and close the file; the next line opens one again."""
        with self._lock:
            if self._busy:  # a signal's handler: the write that it is in the middle of closes
                self._is_closing = True
                return
        if not self.flush():
            self._batches.give_up()
        with self._lock:
            self._is_closing = True
            self._catch_up()
        self._writer.losses.tell()
        self._sweeper.stop()
        if self._seal is not None:
            self._seal.settle()

    def _append(self, lines: Sequence[Placed]) -> bool:
        with self._lock:
            if self._busy:  # a signal's handler, in the middle of a write of this thread
                self._late.extend(lines)
                return True
            first = self._writer.writes + 1
            is_whole = self._alone(partial(self._write, lines))
            last = self._writer.writes
        self._writer.losses.tell()
        return is_whole and (not self.waits or self._is_synced(first, last))

    def _alone(self, write: Callable[[], bool]) -> bool:
        """Write, under the lock, so that no handler of a signal writes in the middle of it.

        Returns:
            What `write` does; False where this is such a handler, and nothing is done.
        """
        if self._busy:
            return False
        self._busy = True
        try:
            return write()
        finally:
            self._busy = False
            self._catch_up()

    def _catch_up(self) -> None:
        """Do what handlers of signals asked for in the middle of a write."""
        while self._late or self._is_closing:
            self._busy = True
            try:
                late, self._late = self._late, []
                self._write(late)
                if self._is_closing and not self._late:
                    self._is_closing = False
                    self._writer.name_losses()
                    self._writer.close()
            finally:
                self._busy = False

    def _write(self, lines: Sequence[Placed]) -> bool:
        done = self._writer.write(lines)
        if done == len(lines):
            return True
        lost = [at for _, at in lines[done:]]
        self._writer.losses.add(len(lost), min(lost), max(lost), self._writer.fault)
        return False

    def _is_synced(self, first: int, last: int) -> bool:
        try:
            self._syncs.until(first, last)
        except OSError as fault:
            self._writer.losses.complain(fault, "it is written, and may not survive a power cut")
            self._writer.losses.tell()
            return False
        return True

    def _turned(self) -> None:
        """A file was opened."""
        lifetime.used()
        self._sweeper.wake()

    def _close_past(self, now: int) -> None:
        """Close the file if it is full, or its time was over a minute ago."""
        with self._lock:
            file = self._writer.file
            if file is not None and file.until + _AFTER_ITS_END < now:
                self._writer.close()
        self._writer.losses.tell()

    def before_fork(self, timeout: float) -> bool:
        """Write what waits, and hold the lock over the fork: no line is half written in it."""
        if not self._lock.acquire(timeout=timeout):
            return False
        self._writer.losses.is_held = True
        try:
            self.flush(timeout)
        except BaseException:
            self.forked_parent()
            raise
        return True

    def forked_parent(self) -> None:
        """Go on."""
        self._writer.losses.is_held = False
        self._lock.release()
        self._writer.losses.tell()

    def forked_child(self) -> None:
        """Begin anew: what is open or waiting is the parent's."""
        self._writer.forked()
        self._sweeper.forked()
        self._begin()

    def end(self) -> None:
        """Write what waits and close; what comes after is written at once."""
        self._batches.end()
        self.close()
