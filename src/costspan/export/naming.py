"""The names of the files of a folder: `<prefix><period>[.<process>][.<part>].jsonl[.gz|.zst]`.

`period` is a day or an hour, `process` stands there where each process has its own files, and
`part` (0001, 0002, ...) on every file of a period but its first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

COMPRESSED = {"gzip": ".gz", "zstd": ".zst"}
"""What a compressed file's name ends with."""

UNFINISHED = ".tmp"
"""What is appended to the name of a file that a compressor is still writing."""

_NAME = re.compile(
    r"(\d{4}-\d\d-\d\d(?:T\d\d)?)(?:\.(\d+-[0-9a-f]+))?(?:\.(\d{4,}))?\.jsonl(\.gz|\.zst)?(\.tmp)?"
)


class FileName(NamedTuple):
    """The parts of a name. `part` is 0 for the first file of a period."""

    prefix: str
    period: str
    process: str = ""
    part: int = 0
    compressed: str = ""
    unfinished: bool = False

    def __str__(self) -> str:
        """The name itself."""
        process = f".{self.process}" if self.process else ""
        part = f".{self.part:04d}" if self.part else ""
        end = UNFINISHED if self.unfinished else ""
        return f"{self.prefix}{self.period}{process}{part}.jsonl{self.compressed}{end}"

    @property
    def series(self) -> tuple[str, str]:
        """What the parts of one period, of one process where each has its own, have in common."""
        return self.period, self.process

    @property
    def plain(self) -> FileName:
        """The name before the file was compressed."""
        return self._replace(compressed="", unfinished=False)


def lasting_name(path: Path) -> str:
    """The name of a file without what a compressor adds."""
    return path.stem if path.suffix in COMPRESSED.values() else path.name


def parsed(prefix: str, name: str) -> FileName | None:
    """The parts of a name; None for a file that is not of this prefix, or not ours."""
    found = _NAME.fullmatch(name[len(prefix) :]) if name.startswith(prefix) else None
    if found is None:
        return None
    period, process, part, compressed, unfinished = found.groups()
    return FileName(
        prefix, period, process or "", int(part or 0), compressed or "", bool(unfinished)
    )
