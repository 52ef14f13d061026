"""The audit chain: each line carries a code that only the key's holder can make.

A line ends with `"audit":{"key":...,"writer":...,"seq":...,"mac":...}`. `writer` is one process
with its numbering, `seq` counts its lines from 1 through all its files, and `mac` is the
HMAC-SHA256 of the code before it (32 zero bytes before the first) and of the line up to `"mac"`. In
each file a writer begins with an `opened` line, which says what it wrote last and where, and ends
with a `closed` one. `verifying.py` reads all that.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.schema import SCHEMA_VERSION, rfc3339

FIRST = bytes(32)
"""Stands before the first line of a writer."""

_LEAST_KEY = 16
_CHECKPOINT_LINES = 1000
_CHECKPOINT_NANOSECONDS = 60 * 10**9
_SEALED = re.compile(
    rb'(.*,"audit":\{"key":"([0-9a-f]{8})","writer":"([0-9a-f]{16})","seq":([1-9][0-9]{0,17}))'
    rb',"mac":"([0-9a-f]{64})"\}\}\n',
    re.DOTALL,
)


class Keep(Protocol):
    """Keeps checkpoints; each is a line of JSON with its newline."""

    def __call__(self, checkpoint: bytes) -> None:
        """Keep one, without delay: the writer has its lock."""

    def settle(self) -> None:
        """Wait for what is being kept, for a moment; the lock is free."""

    def forked(self) -> None:
        """This is a forked child now."""


_encode = msgspec.json.Encoder().encode


class Before(Struct, frozen=True):
    """What a writer wrote last, before it opened a file."""

    file: str
    seq: int
    mac: str


class Mark(Struct, frozen=True, omit_defaults=True):
    """A line of its own: a writer `opened` or `closed` a file. `pid` is its process."""

    schema: int
    kind: str
    timestamp: str
    file: str
    pid: int
    before: Before | None = None


class Checkpoint(Struct, frozen=True):
    """How far a writer was at a moment, to be kept elsewhere than the files.

    `line_mac` is the code of line `seq`; `mac` is over the checkpoint up to itself.
    """

    schema: int
    kind: str
    timestamp: str
    file: str
    key: str
    writer: str
    seq: int
    line_mac: str
    mac: str = ""


class Seal(NamedTuple):
    """What stands at the end of a sealed line; `body` is what it vouches for."""

    body: bytes
    key: str
    writer: str
    seq: int
    mac: bytes


def seal_of(line: bytes) -> Seal | None:
    """The seal of a line, or None where it has none of exactly that form."""
    found = _SEALED.fullmatch(line)
    if found is None:
        return None
    body, key, writer, seq, mac = found.groups()
    return Seal(body, key.decode(), writer.decode(), int(seq), bytes.fromhex(mac.decode()))


def mac_of(key: bytes, before: bytes, body: bytes) -> bytes:
    """The code of a line: of the one before it and its own text."""
    return hmac.digest(key, before + body, "sha256")


def signed(key: bytes, checkpoint: Checkpoint) -> bytes:
    """The code of a checkpoint, in a domain of its own: no line can be taken for one."""
    text = _encode(msgspec.structs.replace(checkpoint, mac=""))
    return hmac.digest(key, b"costspan checkpoint\n" + text, "sha256")


def id_of(key: bytes) -> str:
    """Names a key in the lines without giving it away."""
    return hmac.digest(key, b"costspan audit key", "sha256")[:4].hex()


def key_of(given: Any) -> bytes:
    """A key as it was given, in bytes; spaces and newlines around a text are none of it.

    Raises:
        ConfigurationError: it is no text or bytes, or too short to be secret.
    """
    if not isinstance(given, str | bytes):
        raise ConfigurationError("LocalFiles(audit_key=...): give the key as text or bytes")
    key = given.strip().encode() if isinstance(given, str) else given
    if len(key) < _LEAST_KEY:
        raise ConfigurationError(
            f"LocalFiles(audit_key=...) has {len(key)} bytes, and {_LEAST_KEY} are needed: make "
            "one with python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return key


class Sealer:
    """Chains the lines of one writer; see `seals.Seal` for when it is asked.

    Args:
        key: the secret.
        lead: how a line about the writer itself begins, so that readers of the file accept it.
        keep: takes each checkpoint.
    """

    def __init__(self, key: bytes, lead: bytes = b"{", keep: Keep | None = None) -> None:
        self._key = key
        self._lead = lead
        self._keep = keep
        self.forked()

    def forked(self) -> None:
        """A new writer, with a chain of its own."""
        self._writer = secrets.token_hex(8)
        start = f',"audit":{{"key":"{id_of(self._key)}","writer":"{self._writer}","seq":'
        self._start = start.encode()
        self._seq, self._mac = 0, FIRST
        self._file = self._opening = ""
        self._pending: list[bytes] = []
        self._kept_seq = self._kept_at = 0
        if self._keep is not None:
            self._keep.forked()

    def opened(self, path: Path) -> Sequence[bytes]:
        """A line that says what this writer wrote last, and where."""
        before = Before(self._file, self._seq, self._mac.hex()) if self._seq else None
        self._opening = path.name
        self._kept_at = 0  # a file is vouched for from its first line on
        return (self._mark("opened", before),)

    def closing(self, path: Path) -> Sequence[bytes]:
        """A line that says that nothing of this writer follows in this file."""
        self._kept_at = 0
        return (self._mark("closed"),)

    def sealed(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """The lines with their seals."""
        made, self._pending = [], []
        seq, mac = self._seq, self._mac
        for line in lines:
            seq += 1
            body = b"%b%b%d" % (line[:-2], self._start, seq)
            mac = mac_of(self._key, mac, body)
            self._pending.append(mac)
            made.append(b'%b,"mac":"%b"}}\n' % (body, mac.hex().encode()))
        return made

    def written(self, count: int) -> None:
        """They are in the file: the chain goes on behind them."""
        if not count:
            return
        self._seq += count
        self._mac = self._pending[count - 1]
        self._file = self._opening
        if self._keep is not None:
            self._vouch(self._keep, time.time_ns())

    def settle(self) -> None:
        """Wait for checkpoints that are being kept, for a moment."""
        if self._keep is not None:
            self._keep.settle()

    def _vouch(self, keep: Keep, now: int) -> None:
        """Have a checkpoint kept, where lines enough or time enough have passed since the last."""
        is_soon = 0 <= now - self._kept_at < _CHECKPOINT_NANOSECONDS
        if is_soon and self._seq - self._kept_seq < _CHECKPOINT_LINES:
            return
        self._kept_seq, self._kept_at = self._seq, now
        keep(self._checkpoint(now))

    def _mark(self, kind: str, before: Before | None = None) -> bytes:
        mark = Mark(
            SCHEMA_VERSION, kind, rfc3339(time.time_ns()), self._opening, os.getpid(), before
        )
        return self._lead + _encode(mark)[1:] + b"\n"

    def _checkpoint(self, now: int) -> bytes:
        made = Checkpoint(
            SCHEMA_VERSION,
            "checkpoint",
            rfc3339(now),
            self._file,
            id_of(self._key),
            self._writer,
            self._seq,
            self._mac.hex(),
        )
        mac = signed(self._key, made).hex()
        return _encode(msgspec.structs.replace(made, mac=mac)) + b"\n"
