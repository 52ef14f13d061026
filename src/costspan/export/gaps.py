"""Lines that could not be written: counted, told to the log, and named in the file afterwards."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from costspan.export.schema import SCHEMA_VERSION, rfc3339

logger = logging.getLogger("costspan")

SAID_EVERY_SECONDS = 60.0


class Gap(Struct, frozen=True):
    """A line of the file about lines that are not in it.

    `lost` of them, about moments from `since` to `until` (`from` and `to` in the file), for the
    reason that the system gave for the first. `timestamp` is when this was written, `pid` the
    process that lost them.
    """

    schema: int
    kind: str
    timestamp: str
    lost: int
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    reason: str
    pid: int


_encoder = msgspec.json.Encoder()


def encoded_gap(gap: Gap) -> bytes:
    """The line as it stands in a file, with its newline."""
    return _encoder.encode(gap) + b"\n"


class Losses:
    """What one writer could not write. Its user has a lock around each method but `tell`.

    Attributes:
        is_held: nothing is told for now, as the user keeps its lock.
        total: lines lost in this process.
        unsaid: lines lost that no file names yet.
        until: the last moment, nanoseconds, that one of these is about.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.total = 0
        self._said_at: float | None = None
        self._is_told = False
        self._untold: deque[Callable[[], object]] = deque()
        self.is_held = False
        self._forget()

    def tell(self) -> None:
        """Log what happened. Not under the lock: a handler of the log may wait for a call."""
        while self._untold and not self.is_held:
            try:
                log = self._untold.popleft()
            except IndexError:  # another thread told it
                return
            log()

    def later(self, log: Callable[[], object]) -> None:
        """Have `tell` call this."""
        self._untold.append(log)

    def _forget(self) -> None:
        self.unsaid = 0
        self._since = self.until = 0
        self._reason = ""

    def add(self, count: int, first: int, last: int, fault: OSError) -> None:
        """Count lines about moments from `first` to `last` (nanoseconds), to be told at times."""
        if not self.unsaid:
            self._since, self.until, self._reason = first, last, reason_of(fault)
        self._since, self.until = min(self._since, first), max(self.until, last)
        self.unsaid += count
        self.total += count
        self.complain(fault, f"{self.total} lost so far; the next call tries again")

    def complain(self, fault: OSError, state: str) -> None:
        """Have the log told of a fault, the first time and then at most once a minute."""
        now = time.monotonic()
        if self._said_at is not None and now - self._said_at < SAID_EVERY_SECONDS:
            return
        self._said_at, self._is_told = now, True
        text = "costspan could not write a line to %s (%s), %s"
        self.later(partial(logger.error, text, self._directory, reason_of(fault), state))

    def gap(self) -> Gap:
        """The line that names what is lost and not named yet."""
        return Gap(
            SCHEMA_VERSION,
            "gap",
            rfc3339(time.time_ns()),
            self.unsaid,
            rfc3339(self._since),
            rfc3339(self.until),
            self._reason,
            os.getpid(),
        )

    def named(self) -> None:
        """The gap is in the file: writing goes on."""
        if self._is_told:
            text = "costspan writes to %s again; %d lines from %s to %s are lost"
            period = rfc3339(self._since), rfc3339(self.until)
            self.later(partial(logger.warning, text, self._directory, self.unsaid, *period))
            self._is_told = False
        self._forget()


def reason_of(fault: OSError) -> str:
    """What the system said, such as "No space left on device"."""
    return fault.strerror or str(fault) or type(fault).__name__
