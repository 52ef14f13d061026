"""How far a replay is: a small file that says of each file how many of its lines were taken.

It is only ever added to: a line for each batch that the receiver took, so that a process which is
killed leaves at most a fragment of one, which is passed over. Who replays has it locked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export import locks
from costspan.export.naming import lasting_name

_encode = msgspec.json.Encoder().encode
_BEGINNING = b'{"to":"'
_FAULTS = (msgspec.MsgspecError, ValueError)


class Replayed(Struct, frozen=True, kw_only=True):
    """What a replay is of: a state serves no other. Moments are as they were written, and as they
    were understood when the replay began."""

    to: str
    kind: str
    since: str | None = None
    until: str | None = None
    from_moment: str | None = None
    to_moment: str | None = None


class Taken(Struct, frozen=True):
    """How many lines of a file are done, and a digest of its first, by which it is known."""

    lines: int
    first: str


class Reached:
    """How far an earlier run came.

    Args:
        path: where its state is, which this one leaves as it is.
        replayed: what is replayed now; the moments of an earlier run stay in force.

    Attributes:
        replayed: what is replayed.

    Raises:
        ConfigurationError: the state cannot be read, or is of another replay.
    """

    def __init__(self, path: Path, replayed: Replayed) -> None:
        self.path = path
        try:
            data = path.read_bytes() if path.exists() else b""
        except OSError as fault:
            raise self._fault(f"cannot be read ({fault.strerror})") from None
        self._begin(data.split(b"\n"), replayed)

    def _begin(self, lines: list[bytes], replayed: Replayed) -> None:
        before = _replayed(lines[0])
        self.is_new = before is None
        if before is None and (
            len(lines) > 1 or not lines[0].startswith(_BEGINNING[: len(lines[0])])
        ):
            raise self._fault("is no state of a replay")
        self.replayed = before or replayed
        for name in ("to", "kind", "since", "until"):
            was, now = getattr(self.replayed, name), getattr(replayed, name)
            if was != now:
                raise self._fault(f"is of a replay {_option(name, was)}, not {_option(name, now)}")
        self._taken: dict[str, Taken] = {}
        for line in lines[1:]:
            self._taken.update(_batch(line))

    def _fault(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path} {what}: name another file with --state")

    def name(self, path: Path) -> str:
        """What a file is called in it: its place beside it, without what a compressor adds."""
        return os.path.relpath(path.with_name(lasting_name(path)), self.path.parent)

    def taken(self, name: str, first: str) -> int:
        """How many lines of a file are done; 0 where it is another one by now."""
        found = self._taken.get(name)
        return found.lines if found is not None and found.first == first else 0

    def note(self, batch: Mapping[str, Taken]) -> None:
        """So many lines of these files are done."""
        self._taken.update(batch)

    def close(self) -> None:
        """There is nothing to close."""


class State(Reached):
    """The file itself, open and locked: what is noted is on the disk.

    Raises:
        ConfigurationError: it cannot be written, is of another replay, or one is under way.
    """

    def __init__(self, path: Path, replayed: Replayed) -> None:
        self.path = path
        try:
            self._file = path.open("a+b")
        except OSError as fault:
            raise self._fault(f"cannot be written ({fault.strerror})") from None
        try:
            if locks.AVAILABLE and not locks.take(self._file.fileno()):
                raise ConfigurationError(f"{path}: another replay with this state is under way")
            self._file.seek(0)
            lines = self._file.read().split(b"\n")
            self._begin(lines, replayed)
            if self.is_new:
                self._file.truncate(0)  # but a fragment of what a killed process wrote first
                self._write(replayed)
            elif lines[-1]:  # a fragment too: what comes next begins on a line of its own
                self._file.write(b"\n")
        except BaseException:
            self._file.close()
            raise

    def note(self, batch: Mapping[str, Taken]) -> None:
        """The receiver took a batch: so many lines of these files are done."""
        super().note(batch)
        self._write(batch)

    def _write(self, said: Any) -> None:
        self._file.write(_encode(said) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let others have it."""
        self._file.close()


def _replayed(line: bytes) -> Replayed | None:
    try:
        return msgspec.json.decode(line, type=Replayed)
    except _FAULTS:
        return None


def _batch(line: bytes) -> dict[str, Taken]:
    try:
        return msgspec.json.decode(line, type=dict[str, Taken])
    except _FAULTS:
        return {}


def _option(name: str, value: str | None) -> str:
    options = {"to": "to", "kind": "of", "since": "--since", "until": "--until"}
    return f"without {options[name]}" if value is None else f"{options[name]} {value}"
