"""What stands in folders of files: which ones to read, and their lines, one at a time.

A compressed file is read like a plain one. Where both are there, the plain one is what a killed
compressor left, and is passed over; unless the compressed one is damaged, or cannot be read here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from costspan.export import compression
from costspan.export.naming import COMPRESSED, FileName, parsed

SPANS = "otlp_trace_"
"""How the names of files of spans begin."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+:/")
_PASSWORD = re.compile(r":[^/@]*@")

LONGEST_LINE = 64 << 20
"""Bytes. What is longer is no line of ours, and is not kept in memory."""


class RawLine(NamedTuple):
    """A line of a file: its number from 1, and its bytes, with the newline if it has one.

    `text` is None where the line is longer than `LONGEST_LINE`.
    """

    number: int
    text: bytes | None


NO_FILE = "no regular file"


class Unreadable(Exception):
    """A file, or the rest of it, cannot be read; the message says why."""


Place = str | os.PathLike[str]


def files_in(places: Place | Iterable[Place], prefix: str) -> list[Path]:
    """The files of a prefix in folders, in the order of their periods; a file stands for itself.

    Raises:
        FileNotFoundError: a place is not there.
        OSError: a folder cannot be listed.
    """
    if isinstance(places, str | os.PathLike):
        places = (places,)
    found: dict[Path, None] = {}
    for place in map(Path, places):
        if place.is_dir():
            found.update(dict.fromkeys(_files_of(place, prefix)))
        elif place.exists():
            found[place] = None
        else:
            raise FileNotFoundError(_not_there(str(place)))
    return list(found)


def _not_there(place: str) -> str:
    """What is said of a place that is not there; without the password of what is a URL."""
    url = _URL.match(place)
    if url is not None:
        return f"{url[0]}... is a URL, and here folders and files are read: name one of these"
    shown = _PASSWORD.sub(":***@", place)
    return f"{shown}: there is no such file or folder"


def _files_of(folder: Path, prefix: str) -> list[Path]:
    names: dict[FileName, list[FileName]] = {}
    for entry in os.listdir(folder):
        name = parsed(prefix, entry)
        if name is not None and not name.unfinished:
            names.setdefault(name.plain, []).append(name)
    return [_chosen(folder, names[plain]) for plain in sorted(names)]


def _chosen(folder: Path, names: list[FileName]) -> Path:
    """Which of the files is read that hold the same, compressed or not."""
    names = sorted(names, key=lambda name: not name.compressed)
    *packed, last = (folder / str(name) for name in names)
    packed = [path for path in packed if not is_endless(path)]
    # One that holds nothing is damaged too: nothing is made of an empty file.
    return next((path for path in packed if compression.unpacked_bytes(path)), last)


def damaged_beside(path: Path) -> list[Path]:
    """The compressed copies of a file that stand beside it and cannot be read."""
    packed = [path.with_name(path.name + end) for end in COMPRESSED.values()]
    return [one for one in packed if one.exists() and not compression.unpacked_bytes(one)]


def lines_of(path: Path) -> Iterator[RawLine]:
    """The lines of a file, unpacked where its name says that it is compressed.

    Raises:
        Unreadable: it cannot be opened, or is damaged from here on.
    """
    faults = compression.faults()
    try:
        with _opened(path) as file:
            yield from _numbered(file)
    except faults as fault:
        raise Unreadable(getattr(fault, "strerror", None) or str(fault)) from None


def _numbered(file: IO[bytes]) -> Iterator[RawLine]:
    number = 0
    while text := file.readline(LONGEST_LINE):
        number += 1
        if len(text) < LONGEST_LINE or text.endswith(b"\n"):
            yield RawLine(number, text)
            continue
        while text and not text.endswith(b"\n"):
            text = file.readline(LONGEST_LINE)
        yield RawLine(number, None)


def is_endless(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device: who reads it may wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:  # who opens it is told why
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def by_now(path: Path) -> Path:
    """The name that a file has by now: it may have been compressed since it was listed."""
    if path.exists():
        return path
    packed = (path.with_name(path.name + end) for end in COMPRESSED.values())
    return next((other for other in packed if other.exists()), path)


def _opened(path: Path) -> IO[bytes]:
    """Open a file, under the name that it has by now."""
    if is_endless(path):
        raise Unreadable(NO_FILE)
    try:
        return compression.reading(path)
    except FileNotFoundError:
        return compression.reading(by_now(path))
