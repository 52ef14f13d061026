"""Verifies files that were written with `audit_key`: which line is not as its writer left it.

Each line is held against its own code and the one before it. See `audit.py` for what is written,
and the page on the audit for what this cannot show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from costspan.export.auditing.audit import FIRST, Before, Mark, Seal, mac_of, seal_of
from costspan.export.auditing.chains import Chains, Stretch, day_in, is_of_before, plain
from costspan.export.auditing.findings import Verification
from costspan.export.auditing.keys import Key, keys_by_id
from costspan.export.auditing.vouched import Vouched
from costspan.export.calls import PREFIX as CALLS
from costspan.export.folders import SPANS, Place, Unreadable, damaged_beside, files_in, lines_of

_MARKS = tuple(
    lead + b'"schema":1,"kind":"%b",' % kind
    for kind in (b"opened", b"closed")
    for lead in (b"{", b'{"resourceSpans":[],')
)
_as_mark = msgspec.json.Decoder(Mark).decode


def verify(
    places: Place | Iterable[Place],
    keys: Iterable[Key],
    *,
    checkpoints: Iterable[Place] = (),
    since: date | None = None,
    allow_open: bool = False,
) -> Verification:
    """Read all lines and tell what was changed, removed, inserted or moved.

    Args:
        places: folders, of which the files of calls and of spans are read, or files.
        keys: those that lines may be sealed with.
        checkpoints: files with checkpoints.
        since: files of earlier days may be gone, as `keep` deletes them.
        allow_open: chains may end without a `closed` line: writers are at work, or were killed.

    Raises:
        OSError: a place is not there, or cannot be read.
    """
    made = Verification()
    by_id = keys_by_id(keys)
    vouched = Vouched(by_id, made)
    for place in checkpoints:
        vouched.read(Path(place))
    chains = Chains()
    places = [places] if isinstance(places, str) or not isinstance(places, Iterable) else [*places]
    files = dict.fromkeys([*files_in(places, CALLS), *files_in(places, SPANS)])
    # The newest first: a writer that moves on meanwhile leaves no hole then, only an end.
    for path in reversed(files):
        _File(path, by_id, chains, vouched, made).check()
        for packed in damaged_beside(path):
            made.add("unreadable", packed, 0, f"{path.name} beside it was read")
    is_gone = is_of_before(since)
    chains.join(made, is_gone, allow_open=allow_open)
    vouched.compare(chains, is_gone)
    made.counts["writers"] = len(chains.of)
    return made


class _File:
    """Checks the lines of one file, and adds its stretches to the chains."""

    def __init__(
        self,
        path: Path,
        keys: Mapping[str, Key],
        chains: Chains,
        vouched: Vouched,
        made: Verification,
    ) -> None:
        self._path = path
        self._keys = keys
        self._chains = chains
        self._vouched = vouched
        self._made = made
        self._day = day_in(path.name)
        self._now: dict[str, Stretch] = {}
        self._retired: set[str] = set()

    def check(self) -> None:
        """All lines of it."""
        self._made.counts["files"] += 1
        number = 0
        try:
            for number, text in lines_of(self._path):
                self._made.counts["lines"] += 1
                self._line(number, text)
        except Unreadable as fault:
            self._made.add("unreadable", self._path, number + 1 if number else 0, str(fault))

    def _line(self, number: int, text: bytes | None) -> None:
        if text is not None and text.isspace():
            return  # a writer ends a fragment that it believes to see with a newline
        seal = None if text is None else seal_of(text)
        if text is None or seal is None:
            what, why = _unsealed(text)
            self._made.add(what, self._path, number, why)
            return
        key = self._keys.get(seal.key)
        if key is None:
            why = f"it is sealed with a key that was not given, {seal.key}"
            self._made.add("inserted", self._path, number, why)
            return
        self._retire(key, seal, number)
        mark = _mark_in(text, seal)
        if mark is not None and mark.file != plain(self._path):
            why = f"this file was {mark.file} when it was written"
            self._made.add("renamed", self._path, number, why)
        if mark is not None and mark.kind == "opened":
            self._opened(number, seal, key, mark.before)
        else:
            self._next(number, seal, key, is_closed=mark is not None)

    def _retire(self, key: Key, seal: Seal, number: int) -> None:
        """A key that was replaced vouches for no file of a later day."""
        if key.until is None or self._day is None or self._day <= key.until:
            return
        if seal.writer not in self._retired:
            self._retired.add(seal.writer)
            why = f"writer {seal.writer} uses a key that was replaced on {key.until}"
            self._made.add("retired", self._path, number, why)

    def _opened(self, number: int, seal: Seal, key: Key, before: Before | None) -> None:
        """The first line of a stretch."""
        stands_before = FIRST if before is None else bytes.fromhex(before.mac)
        if mac_of(key.secret, stands_before, seal.body) != seal.mac:
            self._changed(number, seal)
        now = self._now.get(seal.writer)
        if now is not None and seal.seq <= now.last:
            self._behind(number, seal, now)
        self._begin(number, seal, before)

    def _next(self, number: int, seal: Seal, key: Key, *, is_closed: bool) -> None:
        """A line that follows another of its writer."""
        now = self._now.get(seal.writer)
        if now is None:
            why = f"what writer {seal.writer} wrote here before"
            self._made.add("missing", self._path, number, why)
            self._begin(number, seal, None)
            return
        if seal.seq <= now.last:
            self._behind(number, seal, now)
            return
        if seal.seq > now.last + 1:
            why = f"lines {now.last + 1} to {seal.seq - 1} of writer {seal.writer}"
            self._made.add("missing", self._path, number, why)
        elif mac_of(key.secret, now.mac, seal.body) != seal.mac:
            self._changed(number, seal)
        now.last, now.mac, now.line = seal.seq, seal.mac, number
        now.is_closed = is_closed
        self._vouched.saw(seal, self._path, number)

    def _begin(self, number: int, seal: Seal, before: Before | None) -> None:
        stretch = Stretch(self._path, number, number, seal.seq, seal.seq, seal.mac, before)
        self._now[seal.writer] = stretch
        self._chains.of[seal.writer].append(stretch)
        self._vouched.saw(seal, self._path, number)

    def _behind(self, number: int, seal: Seal, now: Stretch) -> None:
        why = f"line {seal.seq} of writer {seal.writer} stands behind its line {now.last}"
        self._made.add("repeated", self._path, number, why)

    def _changed(self, number: int, seal: Seal) -> None:
        why = f"line {seal.seq} of writer {seal.writer}, or the code of the one before it"
        self._made.add("changed", self._path, number, why)


def _mark_in(text: bytes, seal: Seal) -> Mark | None:
    """What a line says of its writer, as it is before it is known to be genuine."""
    if not text.startswith(_MARKS):
        return None
    try:
        mark = _as_mark(text)
        if mark.before is not None and len(bytes.fromhex(mark.before.mac)) != len(seal.mac):
            return None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return mark


def _unsealed(text: bytes | None) -> tuple[str, str]:
    if text is None:
        return "inserted", "it is longer than any line that is written"
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "torn", "it was broken off, by a full disk or the end of a process, or damaged"
    if not text.endswith(b"\n"):
        return "torn", "it has no end"
    return "inserted", "it has no seal"
