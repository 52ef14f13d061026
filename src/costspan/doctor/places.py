"""The folder of the calls file, and the last calls in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from costspan.doctor.finding import Finding
from costspan.export.local_files import LocalFiles
from costspan.export.mounts import is_shared_over_network
from costspan.guard import fault_of, quietly

_TOPIC = "calls file"
_LAST_CALLS = 3
_TAIL_BYTES = 64 * 1024
_LEAST_FREE_BYTES = 100 * 2**20


def places(files: LocalFiles | None) -> Iterator[Finding]:
    """Whether lines can be written, where they are asked for."""
    if files is None:
        yield Finding(
            _TOPIC, "none", "note", "set COSTSPAN_LOCAL=logs, or instrument(local='logs')"
        )
        return
    folder = files.directory
    why = unwritable(folder)
    if why is not None:
        yield Finding(
            _TOPIC,
            f"{folder} cannot be written to ({why})",
            "error",
            "let the program's user write there, or name another folder",
        )
        return
    yield Finding(_TOPIC, f"{folder}/llm_trace_<{files.unit}>.jsonl")
    yield from _room(files)
    yield from _last_calls(folder)


def unwritable(folder: Path) -> str | None:
    """Why no file can be made in a folder, or in the first one above it that is there."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    fault = fault_of(lambda: _try(there))
    return None if fault is None else getattr(fault, "strerror", None) or type(fault).__name__


def _try(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")


def _room(files: LocalFiles) -> Iterator[Finding]:
    folder = files.directory
    there = folder if folder.exists() else Path(os.curdir)
    if is_shared_over_network(there):
        shared = files.per_process is False
        yield Finding(
            _TOPIC,
            f"{folder} is on a network file system"
            + (
                ", and per_process=False: lines of several processes may be torn"
                if shared
                else ": each process writes files of its own"
            ),
            "warning" if shared else "note",
            "leave per_process out" if shared else None,
        )
    free = shutil.disk_usage(there).free
    if free < _LEAST_FREE_BYTES:
        yield Finding(
            _TOPIC,
            f"{free // 2**20} MiB are free in {folder}",
            "warning",
            "make room, or have old files deleted: LocalFiles(keep='1 GB')",
        )


def _last_calls(folder: Path) -> Iterator[Finding]:
    files = sorted(path for path in folder.glob("llm_trace_*.jsonl") if path.is_file())
    if not files:
        yield Finding("last calls", f"none in {folder} yet")
        return
    lines: list[bytes] = []
    fault = fault_of(lambda: lines.extend(_tail(files[-1])))
    if isinstance(fault, OSError):
        said = f"{files[-1]} cannot be read ({fault.strerror})"
        yield Finding("last calls", said, "warning", "let the program's user read it")
    for line in lines:
        with quietly("reading a line of the calls file"):
            record = msgspec.json.decode(line)
            if "kind" not in record:
                yield Finding("last calls", _call(record))


def _tail(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read().splitlines()[-_LAST_CALLS:]


def _call(line: Mapping[str, Any]) -> str:
    cost = "unpriced" if line["cost_usd"] is None else f"{line['cost_usd']} USD"
    failed = f", {line['error']}" if line["error"] else ""
    return f"{line['timestamp']} {line['operation']} {line['model']}: {cost}{failed}"
