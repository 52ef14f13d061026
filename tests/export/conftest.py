"""Lines and writers for the tests of files."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from costspan import LocalFiles
from costspan.export.appender import Appender
from tests.cost.calls import AT

NOON = round(AT.timestamp()) * 10**9
"""2026-11-22T12:00:00Z in nanoseconds."""

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def line(agent: Any, size: int = 0) -> bytes:
    """A line that is told from others by its agent, of at least `size` bytes."""
    text = json.dumps({"agent": agent})
    return (
        text[:-1] + ", " + json.dumps({"x": "x" * max(size - len(text) - 10, 0)})[1:]
    ).encode() + b"\n"


@pytest.fixture
def append_to(tmp_path: Path) -> Iterator[Callable[..., Appender]]:
    """Makes appenders to the folder `logs`, which are closed in the end."""
    made: list[Appender] = []

    def make(**rules: Any) -> Appender:
        made.append(Appender(LocalFiles(tmp_path / "logs", **rules)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The folder."""
    return tmp_path / "logs"


@pytest.fixture
def threads_before() -> Callable[[], list[threading.Thread]]:
    """Gives the threads of files that were started since."""
    before = set(threading.enumerate())
    return lambda: [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.name == "costspan-files"
    ]
