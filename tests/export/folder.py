"""Reading a folder of files in tests, without the code under test."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    try:
        from backports import zstd
    except ImportError:  # not on every interpreter of the matrix
        zstd = None


def text_of(path: Path) -> bytes:
    """What a file holds, unpacked."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return zstd.decompress(path.read_bytes()) if path.suffix == ".zst" else path.read_bytes()


def files_in(folder: Path, prefix: str = "llm_trace_") -> list[Path]:
    """The files that count: not a plain one beside its compressed copy, nor a half-made one."""
    found = [p for p in folder.iterdir() if p.name.startswith(prefix) and p.suffix != ".tmp"]
    names = {path.name for path in found}
    return sorted(p for p in found if not {f"{p.name}.gz", f"{p.name}.zst"} & names)


class Folder:
    """All lines of a folder: `calls` and other `records` by kind, and what is `torn`."""

    def __init__(self, folder: Path, prefix: str = "llm_trace_") -> None:
        self.calls: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.torn: list[bytes] = []
        for path in files_in(folder, prefix):
            for line in text_of(path).split(b"\n"):
                if line:
                    self._read(line)

    def _read(self, line: bytes) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            self.torn.append(line)
            return
        (self.records if "kind" in found else self.calls).append(found)

    @property
    def agents(self) -> list[str]:
        """The `agent` of each call."""
        return [call["agent"] for call in self.calls]
