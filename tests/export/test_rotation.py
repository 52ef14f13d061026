"""Which file a line goes to: by time, by size, by process."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from costspan.export import mounts, writer
from costspan.export.mounts import is_shared_over_network, kind_of
from costspan.export.open_file import OpenFile
from tests.export.conftest import DAY, HOUR, NOON, SECOND, line
from tests.export.folder import Folder, files_in


def names(logs: Path) -> list[str]:
    return sorted(path.name for path in logs.iterdir())


def test_each_hour_has_its_file(append_to, logs: Path):
    appender = append_to(rotate="hour")
    for number, at in enumerate((NOON - 1, NOON, NOON + HOUR - 1, NOON + HOUR, NOON - 2)):
        assert appender.append(line(number), at)
    assert names(logs) == [
        "llm_trace_2026-11-22T11.jsonl",
        "llm_trace_2026-11-22T12.jsonl",
        "llm_trace_2026-11-22T13.jsonl",
    ]
    assert Folder(logs).agents == [0, 4, 1, 2, 3]


def test_the_day_is_that_of_the_zone(append_to, logs: Path):
    appender = append_to(timezone="Asia/Tokyo")
    for number, at in enumerate((NOON + 3 * HOUR - 1, NOON + 3 * HOUR)):
        appender.append(line(number), at)
    assert names(logs) == ["llm_trace_2026-11-22.jsonl", "llm_trace_2026-11-23.jsonl"]


def test_a_full_file_is_followed_by_the_next_part(append_to, logs: Path):
    appender = append_to(rotate="1 kB")
    for number in range(25):
        appender.append(line(number, 100), NOON)
    assert names(logs) == [
        "llm_trace_2026-11-22.0001.jsonl",
        "llm_trace_2026-11-22.0002.jsonl",
        "llm_trace_2026-11-22.jsonl",
    ]
    assert sorted(path.stat().st_size for path in logs.iterdir()) == [500, 1000, 1000]
    assert sorted(Folder(logs).agents) == list(range(25))


def test_writers_of_one_folder_move_on_together(append_to, logs: Path):
    several = [append_to(rotate="1 kB") for _ in range(3)]
    for number in range(90):
        several[number % 3].append(line(number, 100), NOON)
    sizes = [path.stat().st_size for path in logs.iterdir()]
    assert sorted(Folder(logs).agents) == list(range(90))
    # one that finds its file full after its own line has gone past the end by at most that
    assert max(sizes) <= 1000 + 3 * 100


def test_a_new_writer_goes_on_with_the_newest_part(append_to, logs: Path):
    for number in range(12):
        appender = append_to(rotate="1 kB")
        appender.append(line(number, 300), NOON)
        appender.close()
    assert [path.stat().st_size for path in files_in(logs)] == [1200, 1200, 1200]


def test_a_writer_that_others_have_overtaken_finds_the_newest_part(
    append_to, logs: Path, monkeypatch: pytest.MonkeyPatch
):
    """While it looked for one they have filled and compressed more than it would ever try."""
    opened, name = writer.opened, "llm_trace_2026-11-22"
    filled = [f"{name}.jsonl.gz", *(f"{name}.{part:04d}.jsonl.gz" for part in range(1, 300))]

    def overtaken(path: Path, *more: Any) -> OpenFile | None:
        while filled:
            (logs / filled.pop()).write_bytes(b"\x1f\x8b")
        return opened(path, *more)

    monkeypatch.setattr(writer, "opened", overtaken)
    assert append_to(rotate="1 kB").append(line(0), NOON)
    assert [path.name for path in logs.glob("*.jsonl")] == [f"{name}.0300.jsonl"]


def test_a_clock_that_is_turned_back_goes_back_to_its_file(append_to, logs: Path):
    appender = append_to()
    for number, at in enumerate((NOON, NOON + DAY, NOON - DAY, NOON)):
        appender.append(line(number), at)
    assert names(logs) == [f"llm_trace_2026-11-{day}.jsonl" for day in (21, 22, 23)]
    assert Folder(logs).agents == [2, 0, 3, 1]


def test_lines_of_two_days_in_one_batch_go_to_their_files(append_to, logs: Path):
    appender = append_to(durability="batch")
    for number in range(250):
        appender.append(line(number), NOON + (number % 2) * DAY)
    assert appender.flush()
    assert Folder(logs).agents == [*range(0, 250, 2), *range(1, 250, 2)]


class TestProcess:
    """A file for each process."""

    def test_it_has_the_process_in_its_name(self, append_to, logs: Path):
        for _ in range(2):
            append_to(per_process=True, rotate="1 kB").append(line(1, 1000), NOON)
        for name in names(logs):
            assert re.fullmatch(rf"llm_trace_2026-11-22\.{os.getpid()}-[0-9a-f]{{6}}\.jsonl", name)
        assert len(names(logs)) == 2

    def test_its_parts_are_its_own(self, append_to, logs: Path):
        one, other = append_to(per_process=True, rotate="1 kB"), append_to(per_process=True)
        for number in range(3):
            one.append(line(number, 1000), NOON)
        other.append(line(3), NOON)
        parts = [name.split(".")[2] for name in names(logs)]
        assert sorted(parts) == ["0001", "0002", "jsonl", "jsonl"]

    @pytest.mark.parametrize(("network", "count"), [(True, 2), (False, 1)])
    def test_it_is_found_to_be_needed(
        self, append_to, logs: Path, monkeypatch: pytest.MonkeyPatch, network: bool, count: int
    ):
        monkeypatch.setattr(writer, "is_shared_over_network", lambda folder: network)
        for _ in range(2):
            append_to().append(line(1), NOON)
        assert len(names(logs)) == count

    def test_it_can_be_ruled_out(self, append_to, logs: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(writer, "is_shared_over_network", lambda folder: True)
        append_to(per_process=False).append(line(1), NOON)
        assert names(logs) == ["llm_trace_2026-11-22.jsonl"]


class TestMounts:
    """What kind of file system a folder lies on."""

    TABLE = (
        "/dev/vda / ext4 rw 0 0\n"
        "server:/home /home nfs4 rw 0 0\n"
        "tmpfs /home/me/tmp tmpfs rw 0 0\n"
        "me@host: /mnt/my\\040files fuse.sshfs rw 0 0\n"
        "over /srv overlay rw 0 0\n"
        "//box/share /srv cifs rw 0 0\n"
        "broken\n"
    )

    @pytest.mark.parametrize(
        ("place", "kind"),
        [
            ("/var/log", "ext4"),
            ("/home", "nfs4"),
            ("/home/me", "nfs4"),
            ("/home/me/tmp/logs", "tmpfs"),
            ("/homely", "ext4"),
            ("/mnt/my files/logs", "fuse.sshfs"),
            ("/srv/logs", "cifs"),
        ],
    )
    def test_the_innermost_mount_counts(self, place: str, kind: str):
        assert kind_of(place, self.TABLE) == kind

    def test_no_table_tells_nothing(self):
        assert kind_of("/home", "") == ""

    @pytest.mark.parametrize(
        ("kind", "network"),
        [
            ("nfs", True),
            ("nfs4", True),
            ("cifs", True),
            ("9p", True),
            ("fuse.sshfs", True),
            ("ext4", False),
            ("tmpfs", False),
            ("overlay", False),
            ("fuseblk", False),
        ],
    )
    def test_a_network_file_system_is_told_from_a_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, network: bool
    ):
        (tmp_path / "mounts").write_text(f"x / {kind} rw 0 0\n")
        monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "mounts")
        assert is_shared_over_network(tmp_path) is network

    def test_a_system_without_the_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "none")
        assert not is_shared_over_network(tmp_path)

    def test_the_folder_of_this_test_is_on_a_disk(self, tmp_path: Path):
        assert not is_shared_over_network(tmp_path)


def test_a_moment_may_come_in_any_order(append_to, logs: Path):
    appender = append_to(rotate=("hour", "1 kB"))
    for number in range(200):
        appender.append(line(number, 100), NOON + (number * 37 % 7) * HOUR + number * SECOND)
    assert sorted(Folder(logs).agents) == list(range(200))
