"""LocalFiles: where files are written, how safely, and how long they are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from costspan.errors import ConfigurationError

_LATER = ("rotate", "keep", "compress", "per_process", "identify", "audit_key", "timezone")


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
        self.durability = durability
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
