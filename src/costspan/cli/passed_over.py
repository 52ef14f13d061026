"""What a command read and did not count as a call, in words for standard error."""

from __future__ import annotations

from collections.abc import Iterator

from costspan.report.passed_over import PassedOver
from costspan.report.vocabulary import printable


def told(passed: PassedOver) -> Iterator[str]:
    """A line for each thing that is worth saying."""
    if passed.lost:
        yield f"{many(passed.lost, 'call')} could not be written to the files when they were made"
    if passed.is_newer:
        yield "some lines are of a newer version of costspan: read as far as they are known here"
    counts = {
        "line": passed.lines,
        "empty file": passed.empty_files,
        "unreadable file": passed.unreadable_files,
    }
    found = [many(count, what) for what, count in counts.items() if count]
    if found:
        yield f"passed over: {', '.join(found)}"
        yield from (f"  {printable(place)}" for place in passed.named)
        if len(passed.named) < sum(counts.values()):
            yield "  ..."


def no_calls(files: int) -> str:
    """That there is none; of no file, with what would have been one: it may be another folder."""
    named = "" if files else ": in a folder they are named llm_trace_<day>.jsonl"
    return f"no calls in {many(files, 'file')}{named}"


def many(count: int, what: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
