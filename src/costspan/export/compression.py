"""Compressed files, made and read: gzip by the standard library, zstd where Python has it.

zstd comes with Python 3.14; before, `backports.zstd` has the same (`costspan[zstd]`).
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from costspan.errors import ConfigurationError

CHUNK = 1 << 20
_GZIP_LEVEL = 6


def zstd() -> Any:
    """The module that compresses with zstd.

    Raises:
        ConfigurationError: there is none.
    """
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return import_module(name)
    except ImportError:
        raise ConfigurationError(
            f"zstd needs {name}: pip install 'costspan[zstd]', or use gzip"
        ) from None


def reading(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking it where its name says that it is compressed.

    Raises:
        ConfigurationError: it is a zstd file, and nothing here reads these.
    """
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if path.suffix == ".zst":
        return zstd().open(path)  # type: ignore[no-any-return]
    return path.open("rb")


def faults() -> tuple[type[Exception], ...]:
    """What reading a file may raise: of the disk, or because a packed file is damaged."""
    plain = (OSError, EOFError, zlib.error, ConfigurationError)
    try:
        return *plain, zstd().ZstdError
    except ConfigurationError:
        return plain


def unpacked_bytes(path: Path) -> int | None:
    """How many bytes a file holds, unpacked; None where it cannot be read to its end."""
    try:
        with reading(path) as packed:
            return sum(len(chunk) for chunk in iter(lambda: packed.read(CHUNK), b""))
    except faults():
        return None


def compressor(kind: str) -> Callable[[IO[bytes]], IO[bytes]]:
    """What wraps an open file so that what is written to it is compressed."""
    if kind == "gzip":
        return lambda raw: gzip.GzipFile(  # type: ignore[return-value]
            fileobj=raw, mode="wb", compresslevel=_GZIP_LEVEL, filename=""
        )
    module = zstd()
    return lambda raw: module.ZstdFile(raw, "wb", options=_for_lines(module))


def _for_lines(module: Any) -> dict[Any, int]:
    """Settings of zstd for lines that are alike but for their ids.

    Short matches within random ids cost more than they save, so a match is at least six bytes;
    measured, these give 12.0 MB where level 9 gives 12.9 and level 19, at 37 times the CPU, 11.5.
    """
    parameter = module.CompressionParameter
    return {
        parameter.strategy: module.Strategy.btlazy2,
        parameter.window_log: 18,
        parameter.hash_log: 17,
        parameter.chain_log: 19,
        parameter.search_log: 5,
        parameter.min_match: 6,
        parameter.target_length: 256,
    }
