"""What `costspan verify` finds, and where."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from msgspec import Struct

MOST_KEPT = 1000


class Finding(Struct, frozen=True):
    """Something that is not as its writer left it.

    `what` is one of `changed`, `missing`, `inserted`, `repeated`, `renamed`, `torn`, `open`,
    `unreadable`, `retired` and `checkpoint`. `line` counts from 1; 0 is the file as a whole.
    `path` is None where the place is known by its writer alone.
    """

    what: str
    path: Path | None
    line: int
    text: str

    def __str__(self) -> str:
        """Place and finding on one line."""
        line = f":{self.line}" if self.line else ""
        place = f"{self.path}{line}: " if self.path is not None else ""
        return f"{place}{self.what}: {self.text}"


class Verification:
    """The outcome: counts of what was read, and what was found.

    Attributes:
        counts: `files`, `lines`, `writers`, `checkpoints`, and each kind of finding by its name.
        findings: the first 1,000.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.found = 0

    def add(self, what: str, path: Path | None, line: int, text: str) -> None:
        """Note a finding."""
        self.found += 1
        self.counts[what] += 1
        if len(self.findings) < MOST_KEPT:
            self.findings.append(Finding(what, path, line, text))

    def __str__(self) -> str:
        """What was read, in a sentence."""
        read = ", ".join(
            f"{self.counts[word]:,} {word if self.counts[word] != 1 else word[:-1]}"
            for word in ("lines", "writers", "files", "checkpoints")
        )
        return f"{read}: {self.found or 'no'} finding{'' if self.found == 1 else 's'}"
