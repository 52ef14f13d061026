"""Which files of folders a report reads.

A file of a folder is chosen by its name, `llm_trace_<day>[...].jsonl[.gz|.zst]`. Where a plain file
stands beside its compressed copy, the copy is whole and the plain one is passed over. A file that
was named itself is read whatever it is called.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from costspan.errors import ConfigurationError

_NAME = re.compile(
    r"llm_trace_(\d{4}-\d\d-\d\d)(?:T\d\d)?(?:\.\d+-[0-9a-f]+)?(?:\.\d{4,})?\.jsonl(\.gz|\.zst)?"
)
_ZONES = timedelta(days=2)
"""A file's day may be that of any time zone, so that it can be near a call's day in UTC."""

Place = str | os.PathLike[str]


def files_in(
    places: Iterable[Place], since: date | None = None, until: date | None = None
) -> list[Path]:
    """The files to read, each once, in the order of the folders and of the names in them.

    Args:
        places: folders, or files themselves.
        since, until: UTC days; of a folder, files of days well outside them are left out.

    Raises:
        ConfigurationError: a place is not there, or cannot be looked into.
    """
    found: dict[str, Path] = {}
    for place in map(Path, places):
        for path in _files_at(place, since, until):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _files_at(place: Path, since: date | None, until: date | None) -> Sequence[Path]:
    if place.is_dir():
        try:
            return list(_files_of(place, since, until))
        except OSError as fault:
            raise ConfigurationError(f"{place} cannot be read: {fault.strerror}") from None
    if not place.exists():
        raise ConfigurationError(f"{place}: there is no such file or folder")
    return [place]


def _files_of(folder: Path, since: date | None, until: date | None) -> Iterator[Path]:
    names = set(os.listdir(folder))
    for name in sorted(names):
        parts = _NAME.fullmatch(name)
        if parts is None or (folder / name).is_dir():
            continue
        if not parts[2] and names & {f"{name}.gz", f"{name}.zst"}:
            continue
        if _is_within(parts[1], since, until):
            yield folder / name


def _is_within(day: str, since: date | None, until: date | None) -> bool:
    try:
        then = date.fromisoformat(day)
    except ValueError:
        return True
    return (since is None or then >= since - _ZONES) and (until is None or then <= until + _ZONES)
