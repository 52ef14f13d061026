"""Disks that are full, folders that go, clocks and descriptors: the app never notices."""

import errno
import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from costspan.export import gaps, open_file
from tests.export.conftest import DAY, NOON, SECOND, line
from tests.export.folder import Folder

ROOT = Path(__file__).parents[2]


def said(caplog: pytest.LogCaptureFixture, level: int = logging.ERROR) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def assert_gap(record: dict, lost: int, first: int, last: int, reason: str) -> None:
    """A gap says how many are lost, of when, and why."""
    moments = [round(datetime.fromisoformat(record[key]).timestamp()) for key in ("from", "to")]
    assert [moment * SECOND for moment in moments] == [first, last]
    assert (record["schema"], record["kind"], record["lost"]) == (1, "gap", lost)
    assert (record["reason"], record["pid"]) == (reason, os.getpid())
    assert record["timestamp"].endswith("Z")


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A disk with as much room as the list says, byte counts write by write; then it is full."""
    room: list[int] = []
    write = os.write

    def filling(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: room.pop(0)])

    with monkeypatch.context() as patched:
        patched.setattr(open_file.os, "write", filling)
        yield room


class TestWrites:
    """Writes that fail, or take a part."""

    def test_what_is_lost_is_named_in_the_file(self, append_to, logs: Path, full, caplog):
        appender = append_to()
        assert not appender.append(line("lost 1"), NOON + 5 * SECOND)
        assert not appender.append(line("lost 2"), NOON)
        assert appender.lost == 2
        full += [1000, 1000]
        assert appender.append(line("after"), NOON + 9 * SECOND)
        found = Folder(logs)
        assert (found.agents, found.torn) == (["after"], [])
        (gap,) = found.records
        assert_gap(gap, 2, NOON, NOON + 5 * SECOND, "No space left on device")
        assert len(said(caplog)) == 1
        assert (
            "(No space left on device), 1 lost so far; the next call tries again" in said(caplog)[0]
        )
        (again,) = said(caplog, logging.WARNING)
        assert "writes to" in again
        assert "2 lines from 2026-11-22T12:00:00.000000Z to 2026-11-22T12:00:05" in again

    def test_a_gap_that_cannot_be_written_is_not_forgotten(self, append_to, logs: Path, full):
        appender = append_to()
        appender.append(line("lost 1"), NOON)
        full += [10]
        assert not appender.append(line("lost 2"), NOON)
        full += [1000]
        assert not appender.append(line("lost 3"), NOON)
        full += [1000, 1000]
        assert appender.append(line("after"), NOON)
        found = Folder(logs)
        # the first gap went through, its line did not
        assert [record["lost"] for record in found.records] == [2, 1]
        assert (found.agents, len(found.torn)) == (["after"], 1)
        assert appender.lost == 3

    def test_a_line_that_is_cut_is_a_fragment_and_written_anew(self, append_to, logs: Path, full):
        appender = append_to()
        full += [1000, 7, 1000]
        for number in range(2):
            assert appender.append(line(number), NOON)
        found = Folder(logs)
        assert (found.agents, found.records) == ([0, 1], [])
        assert found.torn == [line(1)[:6]]  # its last byte is the newline now
        assert appender.lost == 0

    def test_a_disk_that_fills_in_the_middle_of_a_line_spoils_that_line_alone(
        self, append_to, logs: Path, full
    ):
        appender = append_to()
        full += [1000, 10]
        assert appender.append(line("before"), NOON)
        assert not appender.append(line("torn"), NOON)
        full += [1000, 1000]
        assert appender.append(line("after"), NOON)
        found = Folder(logs)
        assert (found.agents, len(found.torn), appender.lost) == (["before", "after"], 1, 1)

    def test_a_write_that_never_takes_more_than_a_part_ends(self, append_to, full):
        full += [7] * 1000
        appender = append_to()
        assert not appender.append(line(1), NOON)
        assert appender.lost == 1

    def test_a_batch_that_is_cut_keeps_its_whole_lines(self, append_to, logs: Path, full):
        appender = append_to()
        lines = [line(number) for number in range(10)]
        full += [len(lines[0]) * 3 + 5]
        assert not appender.append_all(lines, NOON)
        full += [1000] * 3
        assert appender.append(line("after"), NOON)
        found = Folder(logs)
        assert (found.agents, [one["lost"] for one in found.records]) == ([0, 1, 2, "after"], [7])

    def test_the_log_is_told_once_a_minute(self, append_to, full, caplog, monkeypatch):
        now = [1000.0]
        monkeypatch.setattr(gaps.time, "monotonic", lambda: now[0])
        appender = append_to()
        for seconds in (0, 30, 29, 1, 59, 1):
            now[0] += seconds
            appender.append(line("lost"), NOON)
        assert [text.split(", ")[1] for text in said(caplog)] == [
            "1 lost so far; the next call tries again",
            "4 lost so far; the next call tries again",
            "6 lost so far; the next call tries again",
        ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_that_is_always_full(append_to, logs: Path, caplog):
    logs.mkdir()
    (logs / "llm_trace_2026-11-22.jsonl").symlink_to("/dev/full")
    appender = append_to()
    assert not appender.append(line("lost"), NOON)
    assert "No space left on device" in caplog.text
    (logs / "llm_trace_2026-11-22.jsonl").unlink()
    assert appender.append(line("after"), NOON)
    assert Folder(logs).agents == ["after"]


def test_what_is_no_file_on_a_disk_is_written_to_as_well(append_to, logs: Path):
    logs.mkdir()
    (logs / "llm_trace_2026-11-22.jsonl").symlink_to("/dev/null")
    appender = append_to(rotate="1 kB")
    assert all(appender.append(line(number, 400), NOON) for number in range(9))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a file system takes root and a system that allows it")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a tmpfs")
@pytest.mark.system
@pytest.mark.parametrize("durability", ["call", "fsync"])
def test_a_disk_that_is_really_full(small_disk: Path, tmp_path: Path, append_to, durability: str):
    (tmp_path / "logs").symlink_to(small_disk)
    (small_disk / "other").write_bytes(b"x" * 30_000)
    appender = append_to(durability=durability)
    taken = [number for number in range(200) if appender.append(line(number, 301), NOON)]
    assert 0 < len(taken) < 200
    assert Folder(small_disk).agents == taken
    (small_disk / "other").unlink()
    taken += [number for number in range(200, 210) if appender.append(line(number), NOON)]
    found = Folder(small_disk)
    assert found.agents == taken
    assert taken[-10:] == list(range(200, 210))
    assert sum(record["lost"] for record in found.records) == 210 - len(taken) == appender.lost
    assert len(found.torn) <= 1


LIMITED = """
import resource, sys
from pathlib import Path
from costspan import LocalFiles
from costspan.export.appender import Appender
from tests.export.conftest import NOON, line

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
appender = Appender(LocalFiles(sys.argv[1]))
taken = [number for number in range(100) if appender.append(line(number, 301), NOON)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
taken += [number for number in range(100, 110) if appender.append(line(number), NOON)]
print(taken, appender.lost)
"""


def run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return done.stdout


def test_a_limit_of_the_files_size(logs: Path):
    printed = run(LIMITED, logs)
    # 33 lines of 301 bytes fit into 10,000, and 67 bytes of the next
    taken = [*range(33), *range(100, 110)]
    assert printed.strip() == f"{taken} 67"
    found = Folder(logs)
    assert (found.agents, [one["lost"] for one in found.records]) == (taken, [67])
    assert [len(torn) for torn in found.torn] == [66]


class TestFolder:
    """Folders that cannot be made, or go."""

    def test_a_file_stands_in_its_place(self, append_to, logs: Path, caplog):
        appender = append_to()
        logs.write_text("a file")
        assert not appender.append(line("lost"), NOON)
        assert str(logs) in said(caplog)[0]
        logs.unlink()
        assert appender.append(line("after"), NOON)
        found = Folder(logs)
        assert (found.agents, [one["reason"] for one in found.records]) == (
            ["after"],
            ["File exists"],
        )

    @pytest.mark.parametrize("durability", ["call", "batch", "fsync"])
    def test_it_is_removed_while_the_file_is_open(self, append_to, logs: Path, durability: str):
        appender = append_to(durability=durability)
        appender.append(line("before"), NOON)
        appender.flush()
        shutil.rmtree(logs)
        assert appender.append(line("after"), NOON)
        assert appender.flush()
        assert (Folder(logs).agents, appender.lost) == (["after"], 0)

    def test_the_file_is_removed(self, append_to, logs: Path):
        appender = append_to()
        for number in range(3):
            appender.append(line(number), NOON)
            (logs / "llm_trace_2026-11-22.jsonl").unlink()
        appender.append(line("after"), NOON)
        assert Folder(logs).agents == ["after"]

    def test_the_file_is_moved_away_and_keeps_its_lines(self, append_to, logs: Path):
        """As programs do that rotate logs by renaming."""
        appender = append_to()
        appender.append(line(1), NOON)
        (logs / "llm_trace_2026-11-22.jsonl").rename(logs / "llm_trace_2026-11-22.0001.jsonl")
        appender.append(line(2), NOON)
        assert Folder(logs).agents == [1, 2]

    def test_the_file_is_emptied(self, append_to, logs: Path):
        """As programs do that rotate logs by copying; without O_APPEND there would be a hole."""
        appender = append_to()
        appender.append(line(1), NOON)
        os.truncate(logs / "llm_trace_2026-11-22.jsonl", 0)
        for number in (2, 3):
            appender.append(line(number), NOON)
        found = Folder(logs)
        assert (found.agents, found.torn) == ([2, 3], [])


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from costspan import LocalFiles
from costspan.export.appender import Appender
from tests.export.conftest import DAY, NOON, line

logs = Path(sys.argv[1])
logs.mkdir()
os.chown(logs, 65534, 65534)
os.setegid(65534)
os.seteuid(65534)
appender = Appender(LocalFiles(logs))
taken = [appender.append(line("before"), NOON)]
logs.chmod(0o555)
taken.append(appender.append(line("still open"), NOON))
taken.append(appender.append(line("cannot be made"), NOON + DAY))
logs.chmod(0o755)
taken.append(appender.append(line("after"), NOON + DAY))
logs.chmod(0o000)
taken.append(appender.append(line("no way in"), NOON))
logs.chmod(0o755)
taken.append(appender.append(line("last"), NOON))
print(taken)
"""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="takes root to become another")
def test_a_permission_that_is_lost_and_comes_back(logs: Path):
    for folder in logs.parents:
        if Path(tempfile.gettempdir()) in folder.parents:  # pytest's are for their user alone
            folder.chmod(folder.stat().st_mode | 0o111)
    assert run(UNPRIVILEGED, logs).strip() == "[True, True, False, True, False, True]"
    found = Folder(logs)
    assert found.agents == ["before", "still open", "last", "after"]
    assert [one["reason"] for one in found.records] == ["Permission denied"] * 2


def test_too_many_open_files(append_to, logs: Path):
    appender = append_to()
    appender.append(line("before"), NOON)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        appender.append(line("open already"), NOON)
        # the old file is closed first, so that there is room for one: fill that too
        appender.close()
        held.append(os.open(os.devnull, os.O_RDONLY))
        taken = appender.append(line("lost"), NOON + DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)
    assert not taken
    assert appender.append(line("after"), NOON + DAY)
    found = Folder(logs)
    assert found.agents == ["before", "open already", "after"]
    assert [one["reason"] for one in found.records] == ["Too many open files"]


class TestDescriptor:
    """A daemon closes all descriptors, and opens others that get their numbers."""

    def test_it_was_closed(self, append_to, logs: Path):
        appender = append_to()
        appender.append(line(1), NOON)
        os.close(appender._writer.file.descriptor)
        assert appender.append(line(2), NOON)
        assert (Folder(logs).agents, appender.lost) == ([1, 2], 0)

    def test_it_is_another_file_by_now(self, append_to, logs: Path, tmp_path: Path):
        appender = append_to()
        appender.append(line(1), NOON)
        with (tmp_path / "of the app").open("wb") as theirs:
            os.dup2(theirs.fileno(), appender._writer.file.descriptor)
            own = appender._writer.file.descriptor
            assert appender.append(line(2), NOON)
            appender.close()
            assert os.fstat(own).st_ino == os.fstat(theirs.fileno()).st_ino
        assert (tmp_path / "of the app").read_bytes() == b""
        os.close(own)
        assert Folder(logs).agents == [1, 2]


class TestFragments:
    """What a killed process leaves at the end of a file."""

    def test_the_next_start_begins_a_line_of_its_own(self, append_to, logs: Path):
        logs.mkdir()
        (logs / "llm_trace_2026-11-22.jsonl").write_bytes(line(1) + b'{"agent": 2, "x')
        append_to().append(line(3), NOON)
        found = Folder(logs)
        assert (found.agents, found.torn) == ([1, 3], [b'{"agent": 2, "x'])

    def test_one_that_another_process_leaves_meanwhile_spoils_no_line(self, append_to, logs: Path):
        appender = append_to()
        appender.append(line(1), NOON)
        with (logs / "llm_trace_2026-11-22.jsonl").open("ab") as other:
            other.write(line(2) + b'{"agent": 3, "x')
        for number in (4, 5):
            assert appender.append(line(number), NOON)
        found = Folder(logs)
        assert (found.agents, found.torn) == ([1, 2, 4, 5], [b'{"agent": 3, "'])

    def test_a_file_that_ends_well_is_left_as_it_is(self, append_to, logs: Path):
        logs.mkdir()
        (logs / "llm_trace_2026-11-22.jsonl").write_bytes(line(1))
        append_to().append(line(2), NOON)
        assert (logs / "llm_trace_2026-11-22.jsonl").read_bytes() == line(1) + line(2)
