"""Folders with audited files, as real writers leave them."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from costspan import LocalFiles
from costspan.call import Cost
from costspan.export.auditing.findings import Verification
from costspan.export.auditing.keys import Key
from costspan.export.auditing.verifying import verify
from costspan.export.calls import CallsFile
from tests.cost.calls import AT, finished

SECRET = "the secret of the auditor"
DAY = "llm_trace_2026-11-22.jsonl"
NEXT_DAY = "llm_trace_2026-11-23.jsonl"


def call(number: int, days: float = 0):
    return finished(agent=f"a{number}", at=AT + timedelta(days=days), input_tokens=number)


def write(folder: Path, days: Sequence[float], *, close: bool = True, **rules) -> CallsFile:
    """One writer's calls, one for each of `days` after 2026-11-22, 12:00 UTC."""
    file = CallsFile(LocalFiles(folder, **{"audit_key": SECRET, **rules}))
    for number, day in enumerate(days, 1):
        file(call(number, day), Cost(status="priced", total=number))
    if close:
        file.close()
    return file


def verified(*places: Path, secret: str = SECRET, **options) -> Verification:
    return verify(places, [Key(secret.encode())], **options)


def kinds(found: Verification) -> list[str]:
    return [one.what for one in found.findings]


def places(found: Verification) -> list[tuple[str, str, int]]:
    return [(one.what, one.path.name if one.path else "", one.line) for one in found.findings]
