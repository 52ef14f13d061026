"""The writer through any order of calls, faults, kills, forks, clocks and tidying: a state machine.

What it holds: every acknowledged line is in the files once, every other is not there more than
once, and the gaps count exactly what was not acknowledged and is not there.
"""

import errno
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from costspan import LocalFiles
from costspan.export import open_file
from costspan.export.appender import Appender
from costspan.export.closed_files import ClosedFiles
from tests.export.conftest import DAY, HOUR, NOON, line
from tests.export.folder import Folder

MOMENTS = st.sampled_from([NOON, NOON + HOUR, NOON + DAY, NOON - DAY, NOON - 1])


class FullDisk:
    """`os`, with a disk that has room for so many bytes, or for any number."""

    def __init__(self) -> None:
        self.room: int | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room is None:
            return os.write(descriptor, data)
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = os.write(descriptor, data[: self.room])
        self.room -= done
        return done


class Writers(RuleBasedStateMachine):
    """Two writers of one folder."""

    @initialize(
        rotate=st.sampled_from(["day", "hour", "1 kB", ("hour", "1 kB")]),
        durability=st.sampled_from(["call", "batch", "fsync"]),
        compress=st.sampled_from(["gzip", "zstd"]),
        own=st.booleans(),
    )
    def begin(self, rotate: object, durability: str, compress: str, own: bool) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.logs = self.folder / "logs"
        self.disk = open_file.os = FullDisk()
        self.rules = {"rotate": rotate, "durability": durability, "per_process": own}
        self.tidy = ClosedFiles(
            LocalFiles(self.logs, rotate=rotate, compress=compress), "llm_trace_", lambda: False
        )
        self.writers = [self.made(), self.made()]
        self.number = 0
        self.acknowledged: list[int] = []
        self.refused: list[int] = []
        self.lost = 0
        self.fragments = 0

    def made(self) -> Appender:
        appender = Appender(LocalFiles(self.logs, **self.rules))
        appender._batches._start = lambda run: None  # what waits is written where a rule says so
        return appender

    @rule(which=st.integers(0, 1), at=MOMENTS, size=st.integers(0, 600))
    def append(self, which: int, at: int, size: int) -> None:
        self.number += 1
        taken = self.writers[which].append(line(self.number, size), at)
        (self.acknowledged if taken else self.refused).append(self.number)

    @rule(which=st.integers(0, 1), at=MOMENTS, sizes=st.lists(st.integers(0, 400), max_size=5))
    def append_all(self, which: int, at: int, sizes: list[int]) -> None:
        numbers = [self.number + 1 + n for n in range(len(sizes))]
        self.number += len(sizes)
        lines = [line(number, size) for number, size in zip(numbers, sizes, strict=True)]
        taken = self.writers[which].append_all(lines, at)
        (self.acknowledged if taken else self.refused).extend(numbers)

    @rule(which=st.integers(0, 1))
    def flush(self, which: int) -> None:
        self.writers[which].flush()

    @rule(which=st.integers(0, 1))
    def close(self, which: int) -> None:
        if self.disk.room is None:  # what waits and cannot be written at the end is lost
            self.writers[which].close()

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        if self.disk.room is None:
            self.writers[which].end()
            self.lost += self.writers[which].lost - self.unsaid(which)
            self.writers[which] = self.made()

    @rule(which=st.integers(0, 1), size=st.integers(1, 60))
    def another_process_is_killed_in_a_write(self, which: int, size: int) -> None:
        file = self.writers[which]._writer.file
        if file is not None and file.path.exists():
            with file.path.open("ab") as other:
                other.write(line("of the killed", 100)[:size])
            self.fragments += 1

    @rule(room=st.integers(0, 700))
    def the_disk_fills(self, room: int) -> None:
        self.disk.room = room

    @rule()
    def the_disk_has_room_again(self) -> None:
        self.disk.room = None

    @rule(days=st.integers(0, 3))
    def tidied(self, days: int) -> None:
        if self.logs.exists():
            self.tidy.tidy(NOON + days * DAY + 13 * HOUR)

    @rule()
    def forked(self) -> None:
        """What a child does, its parent being gone: begin anew, with what the parent flushed."""
        for writer in self.writers:
            if writer.before_fork(1):
                writer.forked_parent()

    def unsaid(self, which: int) -> int:
        return self.writers[which]._writer.losses.unsaid

    @invariant()
    def each_line_is_there_at_most_once(self) -> None:
        if self.logs.exists():
            times = Counter(Folder(self.logs).agents)
            assert [one for one, count in times.items() if count > 1] == []

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            self.disk.room = None
            for writer in self.writers:
                writer.append(line("last"), NOON)  # a gap is named by the next line
                assert writer.flush()
                writer.close()
            self.assert_whole()
        finally:
            open_file.os = os
            shutil.rmtree(self.folder)

    def assert_whole(self) -> None:
        found = Folder(self.logs)
        times = Counter(found.agents)
        assert times.pop("last") == len(self.writers)
        assert [number for number in self.acknowledged if times[number] != 1] == []
        there = [number for number in self.refused if times[number]]
        named = sum(record["lost"] for record in found.records)
        assert named == len(self.refused) - len(there)


Writers.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWriters = Writers.TestCase
