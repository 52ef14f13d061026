"""Putting a compressed copy in the place of a closed file, so that a kill loses nothing.

Until the copy is whole and synced it has another name. From then on it counts, and the file beside
it, where a kill left that, is dropped by the next who looks and can read the copy. The lock on the
file is what makes one process alone do all this.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from costspan.export import locks
from costspan.export.compression import CHUNK, compressor, unpacked_bytes
from costspan.export.naming import COMPRESSED, UNFINISHED


class Interrupted(Exception):
    """The process is ending."""


@contextmanager
def alone(path: Path) -> Iterator[IO[bytes] | None]:
    """Open a file that nobody else has open; None where somebody has, or it is not there."""
    try:
        source = path.open("r+b")
    except FileNotFoundError:
        yield None
        return
    with source:
        is_alone = locks.take(source.fileno()) and os.fstat(source.fileno()).st_nlink
        yield source if is_alone else None


def pack(path: Path, kind: str, is_ending: Callable[[], bool]) -> bool:
    """Compress one file, unless somebody has it open; an empty one is dropped.

    Args:
        kind: "gzip" or "zstd".
        is_ending: asked now and then; the file is left as it was once it is true.

    Returns:
        Whether the file itself is gone now. It stays beside a copy that is damaged, or is none.

    Raises:
        OSError: it could not be done; the file is as it was.
        Interrupted: the process is ending.
    """
    with alone(path) as source:
        if source is None:
            return False
        size = os.fstat(source.fileno()).st_size
        left = [p for end in COMPRESSED.values() if (p := _beside(path, end)).exists()]
        if left and unpacked_bytes(left[0]) != size:
            return False
        if not left and size:  # nothing comes of an empty file
            target = _beside(path, COMPRESSED[kind])
            unfinished = _beside(target, UNFINISHED)
            try:
                _copy(source, unfinished, kind, is_ending)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
            unfinished.rename(target)
            sync_folder(path.parent)
        path.unlink(missing_ok=True)
        return True


def drop_unfinished(path: Path, origin: Path) -> None:
    """Remove what a killed compressor left of its work on `origin`."""
    with alone(origin) as source:
        if source is not None or not origin.exists():
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut; Windows lets no folder be synced."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _copy(source: IO[bytes], target: Path, kind: str, is_ending: Callable[[], bool]) -> None:
    state = os.fstat(source.fileno())
    with open(target, "wb", opener=_private) as raw:
        with compressor(kind)(raw) as packed:
            while chunk := source.read(CHUNK):
                packed.write(chunk)
                if is_ending():
                    raise Interrupted
        raw.flush()
        os.fsync(raw.fileno())
    os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))  # its age is that of its lines


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
