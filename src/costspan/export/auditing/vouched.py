"""Checkpoints, held against the files: how far each writer was known to be."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from costspan.export.auditing.audit import Checkpoint, Seal, signed
from costspan.export.auditing.chains import Chains
from costspan.export.auditing.findings import Verification
from costspan.export.auditing.keys import Key
from costspan.export.folders import Unreadable, lines_of

_decode = msgspec.json.Decoder(Checkpoint, strict=True).decode


class Vouched:
    """What checkpoints say of the lines of writers."""

    def __init__(self, keys: Mapping[str, Key], made: Verification) -> None:
        self._keys = keys
        self._made = made
        self._of: dict[str, dict[int, Checkpoint]] = defaultdict(dict)

    def read(self, path: Path) -> None:
        """Read a file of checkpoints; one that the key did not sign is a finding.

        Raises:
            OSError: it cannot be read.
        """
        number = 0
        try:
            for number, text in lines_of(path):
                if text is None or not text.isspace():
                    self._read(path, number, text)
        except Unreadable as fault:
            raise OSError(f"{path}: {fault}") from None

    def _read(self, path: Path, number: int, text: bytes | None) -> None:
        self._made.counts["checkpoints"] += 1
        try:
            found = _decode(text or b"")
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._made.add("checkpoint", path, number, "it is no checkpoint, or broken off")
            return
        key = self._keys.get(found.key)
        if key is None:
            why = f"it is signed with a key that was not given, {found.key}"
            self._made.add("checkpoint", path, number, why)
        elif not hmac.compare_digest(signed(key.secret, found).hex(), found.mac):
            self._made.add("checkpoint", path, number, "it was changed")
        else:
            self._of[found.writer][found.seq] = found

    def saw(self, seal: Seal, path: Path, line: int) -> None:
        """A line of the files: what a checkpoint says of it must hold."""
        of = self._of.get(seal.writer)
        said = None if of is None else of.get(seal.seq)
        if said is not None and said.line_mac != seal.mac.hex():
            why = f"line {seal.seq} of writer {seal.writer} was another one at {said.timestamp}"
            self._made.add("changed", path, line, why)

    def compare(self, chains: Chains, is_gone: Callable[[str], bool]) -> None:
        """Once all is read: no writer ends before its last checkpoint."""
        for writer, said in self._of.items():
            farthest = said[max(said)]
            last = chains.last_of(writer)
            if last < farthest.seq and not is_gone(farthest.file):
                path = chains.of[writer][-1].path if last else None
                line = chains.of[writer][-1].line if last else 0
                first = last + 1
                self._made.add(
                    "missing",
                    path,
                    line,
                    f"lines {first} to {farthest.seq} of writer {writer}, which were written by "
                    f"{farthest.timestamp}, the last to {farthest.file}",
                )
