"""The chains of writers through their files: whether each goes on where it left off.

What one writer put into one file from an `opened` line on is a stretch. Stretches are checked line
by line as files are read, and joined here, once all are known: a line may belong to the day before,
so that a writer goes back to an earlier file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from costspan.export.auditing.audit import Before
from costspan.export.auditing.findings import Verification
from costspan.export.naming import COMPRESSED


class Stretch(Struct):
    """Lines of one writer in one file, `first` to `last` by their numbers.

    They stand from line `start` of the file to `line`, and `mac` is the code of the last. `before`
    is what the `opened` line says; None for a writer's very first, and where there is no such line.
    """

    path: Path
    start: int
    line: int
    first: int
    last: int
    mac: bytes
    before: Before | None = None
    is_closed: bool = False


class Chains:
    """The stretches of all writers."""

    def __init__(self) -> None:
        self.of: dict[str, list[Stretch]] = defaultdict(list)

    def join(
        self, verification: Verification, is_gone: Callable[[str], bool], *, allow_open: bool
    ) -> None:
        """Find what is missing between stretches, and ends that are none.

        Args:
            is_gone: whether a file of that name was deleted on purpose.
        """
        for writer, stretches in self.of.items():
            stretches.sort(key=lambda stretch: (stretch.first, stretch.last))
            _check_start(verification, writer, stretches[0], is_gone)
            for one, following in pairwise(stretches):
                _check_joint(verification, writer, one, following, is_gone)
            last = stretches[-1]
            if not last.is_closed and not allow_open:
                verification.add(
                    "open",
                    last.path,
                    last.line,
                    f"writer {writer} ends at line {last.last} of its own without closing the "
                    "file: it is still at work, was killed, or what followed is cut off",
                )

    def last_of(self, writer: str) -> int:
        """The number of the last line of a writer; 0 where there is none."""
        stretches = self.of.get(writer)
        return max(stretch.last for stretch in stretches) if stretches else 0


def _check_start(
    verification: Verification, writer: str, first: Stretch, is_gone: Callable[[str], bool]
) -> None:
    before = first.before
    if first.first == 1 or (before is not None and is_gone(before.file)):
        return
    where = f", the last of them in {before.file}" if before is not None else ""
    verification.add(
        "missing",
        first.path,
        first.start,
        f"{_numbers(1, first.first - 1)} of writer {writer}{where}",
    )


def _check_joint(
    verification: Verification,
    writer: str,
    one: Stretch,
    following: Stretch,
    is_gone: Callable[[str], bool],
) -> None:
    before = following.before
    if following.first <= one.last:
        verification.add(
            "repeated",
            following.path,
            following.start,
            f"{_numbers(following.first, min(one.last, following.last))} of writer {writer} stand "
            f"in {one.path} too",
        )
    elif following.first > one.last + 1:
        if before is None or not is_gone(before.file):
            verification.add(
                "missing",
                following.path,
                following.start,
                f"{_numbers(one.last + 1, following.first - 1)} of writer {writer}, which stood "
                f"between {one.path}:{one.line} and here",
            )
    elif before is not None and (before.mac != one.mac.hex() or before.file != plain(one.path)):
        verification.add(
            "changed",
            one.path,
            one.line,
            f"line {one.last} of writer {writer} is not the one that it went on from",
        )


def plain(path: Path) -> str:
    """The name of a file before it was compressed."""
    return path.name.removesuffix(path.suffix) if path.suffix in COMPRESSED.values() else path.name


def is_of_before(day: date | None) -> Callable[[str], bool]:
    """Tells whether a file is of a day before `day`, by its name; never, where that is None."""

    def is_gone(name: str) -> bool:
        if day is None:
            return False
        found = day_in(name)
        return found is not None and found < day

    return is_gone


def day_in(name: str) -> date | None:
    """The day in the name of a file, such as `llm_trace_2026-11-21T14.jsonl`."""
    try:
        return date.fromisoformat(name.split("_trace_", 1)[1][:10])
    except (IndexError, ValueError):
        return None


def _numbers(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"
