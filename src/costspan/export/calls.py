"""The calls file: one JSON object per call and line, written before the call returns.

Each line is one `write(2)` to a file opened with `O_APPEND`, so that many threads and processes
may share a folder. Files are named by the UTC day of the call's end and have mode 0600.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

from costspan.call import Call, Cost
from costspan.errors import ConfigurationError
from costspan.export.schema import day_of, encoded

logger = logging.getLogger("costspan")

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_LATER = ("rotate", "keep", "compress", "per_process", "identify", "audit_key")
_DAY_NANOSECONDS = 86_400 * 10**9


class LocalFiles:
    """A folder of daily files, `llm_trace_2026-11-21.jsonl`, one line per call.

    Args:
        directory: the folder; it is made when the first line is written.
        durability: `"call"`: a line is written when the call returns.

    Raises:
        ConfigurationError: a value is wrong, or not available yet.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, durability: str = "call", **later: Any
    ) -> None:
        for word in later:
            if word not in _LATER:
                raise TypeError(f"LocalFiles() got an unexpected keyword argument {word!r}")
            raise ConfigurationError(f"LocalFiles({word}=...) is not available yet: leave it out")
        if durability != "call":
            raise ConfigurationError(
                f"LocalFiles(durability={durability!r}) is not available yet: use 'call'"
            )
        if not str(directory):
            raise ConfigurationError("LocalFiles('') names no folder: use LocalFiles('logs')")
        self.directory = Path(directory)
        if self.directory.exists() and not self.directory.is_dir():
            raise ConfigurationError(
                f"LocalFiles({str(directory)!r}) is a file: give the name of a folder"
            )

    def __eq__(self, other: object) -> bool:
        """Two are equal if they write to the same folder."""
        return isinstance(other, LocalFiles) and other.directory == self.directory

    def __hash__(self) -> int:
        """By the folder."""
        return hash(self.directory)

    def path(self, nanoseconds: int) -> Path:
        """The file of a call that ended at a moment (nanoseconds since the epoch)."""
        return self.directory / f"llm_trace_{day_of(nanoseconds)}.jsonl"


class CallsFile:
    """Writes the line of each settled call."""

    def __init__(self, files: LocalFiles) -> None:
        self.files = files
        self._lock = threading.RLock()
        self._descriptor = -1
        self._day = -1
        self._torn = False
        self.lost = 0
        os.register_at_fork(after_in_child=self._renew)

    def __call__(self, call: Call, cost: Cost) -> None:
        """Append one line. A line that cannot be written is counted and said, never raised."""
        line = encoded(call, cost)
        try:
            with self._lock:
                self._write(self._opened(call.ended_at), line)
        except OSError as fault:
            self._failed(fault)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
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

    def _open(self, nanoseconds: int) -> int:
        path = self.files.path(nanoseconds)
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
