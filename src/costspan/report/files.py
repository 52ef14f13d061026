"""Which files of folders a report reads: the calls files, each once, of the days that are asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from costspan.errors import ConfigurationError
from costspan.export import folders
from costspan.export.folders import Place
from costspan.export.naming import FileName, parsed

PREFIX = "llm_trace_"

SPILLED = "calls of a database.jsonl"
"""What the temporary file is called that a database's calls are written to."""

_PACKED = 10
"""How many bytes one of a compressed file may stand for."""

_FEWER_FIELDS = 4
"""And one of the lines of a database, which have only the fields that are read."""

_SQLITE = b"SQLite format 3\0"
"""How a file of SQLite's begins."""

_ZONES = timedelta(days=2)
"""A file's day may be that of any time zone, so that it can be near a call's day in UTC."""


def files_in(
    places: Iterable[Place],
    since: date | None = None,
    until: date | None = None,
    *,
    prefix: str = PREFIX,
) -> list[Path]:
    """The files to read, in the order of the folders and of the periods in them.

    Args:
        places: folders, or files themselves, which are read whatever they are called.
        since, until: UTC days; of a folder, files of days well outside them are left out.
        prefix: how the names of the files of a folder begin.

    Raises:
        ConfigurationError: a place is not there, or cannot be looked into.
    """
    found: dict[str, Path] = {}
    for place in map(Path, places):
        try:
            paths = folders.files_in(place, prefix)
        except FileNotFoundError as fault:
            raise ConfigurationError(str(fault)) from None
        except OSError as fault:
            raise ConfigurationError(f"{place} cannot be read: {fault.strerror}") from None
        if paths == [place] and folders.is_endless(place):
            raise ConfigurationError(f"{place} is a pipe or a device: write it to a file first")
        if paths == [place] and _is_database(place):
            raise ConfigurationError(
                f"{place} is a database and no calls file: a report reads it as sqlite:///{place}"
            )
        for path in paths:
            if path == place or _is_within(parsed(prefix, path.name), since, until):
                found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def bytes_in(files: Iterable[Path]) -> int:
    """About how many bytes of lines there are: of those that files hold packed, or in part."""
    return sum(map(_bytes, files))


def _bytes(path: Path) -> int:
    weight = _FEWER_FIELDS if path.name == SPILLED else 1 if path.suffix == ".jsonl" else _PACKED
    try:
        return path.stat().st_size * weight
    except OSError:
        return 0


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _is_within(parts: FileName | None, since: date | None, until: date | None) -> bool:
    try:
        day = date.fromisoformat(parts.period[:10]) if parts is not None else None
    except ValueError:
        day = None
    if day is None:
        return True
    return (since is None or day >= since - _ZONES) and (until is None or day <= until + _ZONES)
