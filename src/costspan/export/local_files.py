"""LocalFiles: where files are written, how safely, and how long they are kept."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from costspan.errors import ConfigurationError
from costspan.export import compression, locks
from costspan.export.auditing import audit
from costspan.export.auditing.checkpoints import keeper_of
from costspan.export.identity import key_of
from costspan.export.limits import retention_of, rotation_of

DURABILITIES = ("call", "batch", "fsync")
COMPRESSIONS = (None, "gzip", "zstd")


class LocalFiles:
    """A folder of files, `llm_trace_2026-11-21.jsonl`, one line per call.

    Args:
        directory: the folder; it is made when the first line is written.
        durability: when a line is safe. `"call"`: it is written when the call returns; `"batch"`:
            within a second; `"fsync"`: it is on the disk when the call returns.
        rotate: when another file begins: `"day"`, `"hour"`, a size such as `"50 MB"` (and each
            day), or both, `("hour", "50 MB")`. A line belongs to the day of its call's end.
        keep: how long closed files are kept: an age such as `"30d"`, a size of all files together
            such as `"1 GB"`, or both; by default for ever.
        compress: `"gzip"` or `"zstd"` for closed files; by default they stay as they are.
        per_process: whether each process has files of its own; by default on network file systems
            and on Windows.
        identify: how users and sessions are written: `"hash"` as an HMAC under the key in
            COSTSPAN_IDENTIFY_KEY, bytes under that key; by default as they are.
        audit_key: a secret, text or bytes, that lines are chained with, so that `costspan verify`
            finds what was changed; by default they are not.
        checkpoints: with `audit_key`: a file elsewhere, or a function, that takes how far each
            writer is.
        timezone: the zone that days and hours are of, such as `"Europe/Berlin"`; by default UTC.

    Attributes:
        unit, rotate_bytes: what `rotate` said.
        keep_seconds, keep_bytes: what `keep` said.

    Raises:
        ConfigurationError: a value is wrong, or not available.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        durability: str = "call",
        rotate: Any = "day",
        keep: Any = None,
        compress: str | None = None,
        per_process: bool | None = None,
        identify: str | bytes | None = None,
        audit_key: str | bytes | None = None,
        checkpoints: Any = None,
        timezone: str | tzinfo = UTC,
    ) -> None:
        self.directory = _folder(directory)
        self.durability = _choice("durability", durability, DURABILITIES)
        self.unit, self.rotate_bytes = rotation_of(rotate)
        self.keep_seconds, self.keep_bytes = retention_of(keep)
        self.compress = _choice("compress", compress, COMPRESSIONS)
        self.per_process = _choice("per_process", per_process, (None, True, False))
        self.identify = key_of(identify)
        self.timezone = _zone(timezone)
        self.audit_key = None if audit_key is None else audit.key_of(audit_key)
        self.checkpoints = checkpoints
        self._check()

    def _check(self) -> None:
        if self.compress == "zstd":
            compression.zstd()
        if keeper_of(self.checkpoints) is not None and self.audit_key is None:
            raise ConfigurationError("LocalFiles(checkpoints=...) needs audit_key=... beside it")
        if not locks.AVAILABLE and (self.compress or self.keep_seconds or self.keep_bytes):
            raise ConfigurationError(
                "LocalFiles(compress=..., keep=...) need file locks (flock), which this system "
                "does not have: leave them out"
            )
        if self.keep_bytes and self.rotate_bytes and self.keep_bytes < self.rotate_bytes:
            raise ConfigurationError(
                f"LocalFiles(keep=...) is less than one file of {self.rotate_bytes} bytes: keep "
                "more, or rotate at a smaller size"
            )

    def __eq__(self, other: object) -> bool:
        """Two are equal if they write the same to the same folder."""
        return isinstance(other, LocalFiles) and vars(other) == vars(self)

    def __hash__(self) -> int:
        """By the folder."""
        return hash(self.directory)


def files_of(local: Any) -> LocalFiles:
    """What `instrument(local=...)` or a configuration file's `[local]` stands for.

    Raises:
        ConfigurationError: it is none of a folder, a table and LocalFiles, or a value is wrong.
    """
    if isinstance(local, LocalFiles):
        return local
    if isinstance(local, str | os.PathLike):
        return LocalFiles(local)
    if not isinstance(local, Mapping):
        raise ConfigurationError(f"local={local!r}: give a folder's name or LocalFiles('logs')")
    for key in local:
        if key not in _KEYS:
            raise ConfigurationError(f"[local]: unknown key {key!r}: use {', '.join(_KEYS)}")
    if "directory" not in local:
        raise ConfigurationError('[local]: it names no folder: write directory = "logs"')
    return LocalFiles(**local)


_KEYS = tuple(inspect.signature(LocalFiles).parameters)


def _folder(directory: Any) -> Path:
    if not isinstance(directory, str | os.PathLike):
        raise ConfigurationError(f"LocalFiles({directory!r}): give a folder's name")
    if not str(directory):
        raise ConfigurationError("LocalFiles('') names no folder: use LocalFiles('logs')")
    folder = Path(directory)
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(
            f"LocalFiles({str(directory)!r}) is a file: give the name of a folder"
        )
    return folder


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if not any(value is one or (isinstance(one, str) and value == one) for one in choices):
        raise ConfigurationError(
            f"LocalFiles({name}={value!r}): use {', '.join(map(repr, choices))}"
        )
    return value


def _zone(zone: Any) -> tzinfo:
    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, TypeError, OSError):
        raise ConfigurationError(
            f"LocalFiles(timezone={zone!r}) is no known zone: use a name such as 'Europe/Berlin'"
        ) from None
