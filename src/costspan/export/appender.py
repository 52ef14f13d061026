"""Appender: puts whole lines into the files of a folder, from any thread and process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from costspan.export.local_files import LocalFiles
from costspan.export.schema import day_of
from costspan.export.seals import Seal

logger = logging.getLogger("costspan")

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_DAY_NANOSECONDS = 86_400 * 10**9


class Appender:
    """Writes lines to the files `<prefix><period>.jsonl` of a folder. It never raises.

    Args:
        files: the folder and the rules.
        prefix: how names begin; files of another prefix are not touched.
        seal: has the last word on each line.
    """

    def __init__(
        self, files: LocalFiles, prefix: str = "llm_trace_", *, seal: Seal | None = None
    ) -> None:
        self.files = files
        self.prefix = prefix
        self.lost = 0
        self._seal = seal
        self._lock = threading.RLock()
        self._descriptor = -1
        self._day = -1
        self._torn = False
        os.register_at_fork(after_in_child=self._renew)

    def append(self, line: bytes, at: int) -> bool:
        """Write one line, with its newline, as `files.durability` says.

        Args:
            at: the moment the line is about, nanoseconds since the epoch: it decides the file.

        Returns:
            Whether the line is acknowledged; one that is not was counted in `lost` and logged.
        """
        try:
            with self._lock:
                self._write(self._opened(at), line)
        except OSError as fault:
            self._failed(fault)
            return False
        return True

    def append_all(self, lines: Sequence[bytes], at: int) -> bool:
        """Write several lines about one moment, together."""
        return all([self.append(line, at) for line in lines])

    def append_later(self, line: Callable[[], bytes], at: int) -> bool:
        """As `append` of what `line()` gives; with `batch` it is asked on the writer's thread."""
        return self.append(line(), at)

    def flush(self, timeout: float = 5.0) -> bool:
        """Write what is waiting; False where time (seconds) ran out or it cannot be written."""
        return True

    def close(self) -> None:
        """Flush and close the file; the next line opens one again."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = self._day = -1

    def _renew(self) -> None:
        self._lock = threading.RLock()

    def _opened(self, nanoseconds: int) -> int:
        day = nanoseconds // _DAY_NANOSECONDS
        if day != self._day:
            self.close()
            self._descriptor = self._open(nanoseconds)
            self._day = day
        return self._descriptor

    def _path(self, nanoseconds: int) -> Path:
        return self.files.directory / f"{self.prefix}{day_of(nanoseconds)}.jsonl"

    def _open(self, nanoseconds: int) -> int:
        path = self._path(nanoseconds)
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _FLAGS, 0o600)

    def _write(self, descriptor: int, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line  # the disk was full in the middle of a line: leave it alone there
        written = os.write(descriptor, line)
        while written < len(line):
            self._torn = True
            written += os.write(descriptor, line[written:])
        self._torn = False

    def _failed(self, fault: OSError) -> None:
        self.lost += 1
        self.close()
        logger.error(
            "costspan could not write a line to %s (%s), %d lost so far; the next call tries again",
            self.files.directory,
            fault.strerror,
            self.lost,
        )
