"""The calls file: one JSON object per call and line, written before the call returns."""

from __future__ import annotations

from functools import partial

from costspan.call import Call, Cost
from costspan.export.appender import Appender
from costspan.export.auditing.sealing import sealer_of
from costspan.export.identity import Identities
from costspan.export.local_files import LocalFiles
from costspan.export.schema import encoded

PREFIX = "llm_trace_"


class CallsFile:
    """Writes the line of each settled call.

    Attributes:
        waits: whether a call of it may block for long; an event loop must not make it then.
    """

    def __init__(self, files: LocalFiles) -> None:
        self.files = files
        self.waits = files.durability == "fsync"
        self._appender = Appender(files, PREFIX, seal=sealer_of(files))
        self._identities = None if files.identify is None else Identities(files.identify)
        self._is_batched = files.durability == "batch"

    def __call__(self, call: Call, cost: Cost) -> None:
        """Append one line. A line that cannot be written is counted and said, never raised."""
        if self._identities is not None:
            call = self._identities.hashed(call)
        if self._is_batched:
            self._appender.append_later(partial(encoded, call, cost), call.ended_at)
        else:
            self._appender.append(encoded(call, cost), call.ended_at)

    @property
    def lost(self) -> int:
        """How many lines could not be written in this process."""
        return self._appender.lost

    def flush(self, timeout: float = 5.0) -> bool:
        """Write what is waiting; False where time ran out."""
        return self._appender.flush(timeout)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        self._appender.close()
