"""Files that nobody writes any more: compressed, deleted, and never while somebody does."""

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from costspan import LocalFiles
from costspan.errors import ConfigurationError
from costspan.export import compression, folders, packing, sweeper
from costspan.export.closed_files import ClosedFiles
from costspan.export.naming import COMPRESSED
from tests.export.conftest import DAY, HOUR, NOON, SECOND, line
from tests.export.folder import Folder, text_of

MIDNIGHT = NOON + 12 * HOUR
LATER = MIDNIGHT + 60 * SECOND
TODAY = "llm_trace_2026-11-22.jsonl"
LONG_AGO = "llm_trace_2024-06-05.jsonl"
"""900 days before."""
LINES = b"".join(line(number) for number in range(100))


def closed(logs: Path, is_ending: Any = lambda: False, **rules: Any) -> ClosedFiles:
    return ClosedFiles(LocalFiles(logs, **rules), "llm_trace_", is_ending)


def names(logs: Path) -> list[str]:
    return sorted(path.name for path in logs.iterdir())


@pytest.fixture
def today(logs: Path) -> Path:
    """A file that is closed after the day."""
    logs.mkdir()
    (logs / TODAY).write_bytes(LINES)
    os.utime(logs / TODAY, ns=(NOON, NOON))
    return logs / TODAY


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
class TestCompression:
    """A closed file is replaced by its compressed copy."""

    def test_it_holds_the_same_and_is_as_old(self, today: Path, logs: Path, kind: str):
        closed(logs, compress=kind).tidy(LATER)
        (packed,) = logs.iterdir()
        assert packed.name == TODAY + COMPRESSED[kind]
        assert text_of(packed) == LINES
        assert packed.stat().st_mtime_ns == NOON
        assert stat.S_IMODE(packed.stat().st_mode) == 0o600

    def test_not_before_its_time_is_over(self, today: Path, logs: Path, kind: str):
        closed(logs, compress=kind).tidy(MIDNIGHT)
        assert names(logs) == [TODAY]

    def test_a_full_part_is_closed_at_once(self, append_to, logs: Path, kind: str):
        appender = append_to(rotate="1 kB")
        for number in range(11):
            appender.append(line(number, 250), NOON)
        closed(logs, rotate="1 kB", compress=kind).tidy(NOON)
        end = COMPRESSED[kind]
        assert names(logs) == [
            f"llm_trace_2026-11-22.0001.jsonl{end}",
            "llm_trace_2026-11-22.0002.jsonl",
            f"llm_trace_2026-11-22.jsonl{end}",
        ]
        assert sorted(Folder(logs).agents) == list(range(11))

    def test_not_while_somebody_writes_it(self, append_to, logs: Path, kind: str):
        appender = append_to()
        appender.append(line(1), NOON)
        files = closed(logs, compress=kind)
        files.tidy(LATER)
        assert names(logs) == [TODAY]
        appender.close()
        files.tidy(LATER)
        assert names(logs) == [TODAY + COMPRESSED[kind]]

    def test_a_line_that_comes_late_begins_another_part(
        self, append_to, today: Path, logs: Path, kind: str
    ):
        closed(logs, compress=kind).tidy(LATER)
        append_to().append(line("late"), NOON)
        late = "llm_trace_2026-11-22.0001.jsonl"
        assert names(logs) == [late, TODAY + COMPRESSED[kind]]
        assert Folder(logs).agents == ["late", *range(100)]

    def test_what_a_kill_left_half_made_is_made_anew(self, today: Path, logs: Path, kind: str):
        unfinished = logs / f"{TODAY}{COMPRESSED[kind]}.tmp"
        unfinished.write_bytes(b"half")
        closed(logs, compress=kind).tidy(LATER)
        assert names(logs) == [TODAY + COMPRESSED[kind]]
        assert Folder(logs).agents == list(range(100))

    def test_a_kill_before_the_file_was_dropped(
        self, today: Path, logs: Path, kind: str, monkeypatch: pytest.MonkeyPatch
    ):
        def killed(folder: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(packing, "sync_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            closed(logs, compress=kind).tidy(LATER)
        monkeypatch.undo()
        assert names(logs) == [TODAY, TODAY + COMPRESSED[kind]]
        assert Folder(logs).agents == list(range(100))  # a reader takes the compressed one
        closed(logs, compress=kind).tidy(LATER)
        assert names(logs) == [TODAY + COMPRESSED[kind]]

    def test_a_process_that_ends_leaves_the_file_as_it_was(
        self, today: Path, logs: Path, kind: str
    ):
        with pytest.raises(packing.Interrupted):
            closed(logs, lambda: True, compress=kind).tidy(LATER)
        assert names(logs) == [TODAY]

    def test_a_disk_that_is_full_leaves_the_file_as_it_was(
        self, today: Path, logs: Path, kind: str, monkeypatch: pytest.MonkeyPatch
    ):
        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(packing.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            closed(logs, compress=kind).tidy(LATER)
        assert names(logs) == [TODAY]

    def test_a_file_that_cannot_be_compressed_keeps_no_other_from_its_turn(
        self, today: Path, logs: Path, kind: str, monkeypatch: pytest.MonkeyPatch
    ):
        """A full disk above all: what is too old must go."""
        older = logs / "llm_trace_2026-11-20.jsonl"
        older.write_bytes(LINES)
        os.utime(older, ns=(NOON - DAY, NOON - DAY))
        (logs / "llm_trace_2026-01-01.jsonl.gz").write_bytes(b"old")
        os.utime(logs / "llm_trace_2026-01-01.jsonl.gz", ns=(NOON, NOON - 100 * DAY))
        pack = packing.pack

        def failing(path: Path, *rest: Any) -> bool:
            if path == older:
                raise OSError(28, "No space left on device")
            return pack(path, *rest)

        monkeypatch.setattr(packing, "pack", failing)
        with pytest.raises(OSError, match="No space left"):
            closed(logs, compress=kind, keep="30d").tidy(LATER)
        assert names(logs) == [older.name, TODAY + COMPRESSED[kind]]

    def test_two_of_one_name_that_differ_are_both_left(self, today: Path, logs: Path, kind: str):
        """Somebody else made one of them: neither is ours to drop."""
        closed(logs, compress=kind).tidy(LATER)
        today.write_bytes(LINES + line("more"))
        closed(logs, compress=kind).tidy(LATER)
        assert names(logs) == [TODAY, TODAY + COMPRESSED[kind]]


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
class TestDamagedCopy:
    """A copy that cannot be unpacked, beside its file, which is whole."""

    @pytest.fixture
    def damaged(self, today: Path, logs: Path, kind: str) -> Path:
        closed(logs, compress=kind).tidy(LATER)
        packed = logs / f"{TODAY}{COMPRESSED[kind]}"
        packed.write_bytes(packed.read_bytes()[:-20])
        today.write_bytes(LINES)
        os.utime(today, ns=(NOON, NOON))
        return packed

    @pytest.mark.parametrize("left", [b"", b"no packed file", None])
    def test_both_stay_and_all_others_are_tidied(
        self, damaged: Path, logs: Path, kind: str, left: bytes | None
    ):
        if left is not None:
            damaged.write_bytes(left)
        (logs / "llm_trace_2026-11-21.jsonl").write_bytes(line(1))
        (logs / LONG_AGO).write_bytes(line(1))
        os.utime(logs / LONG_AGO, ns=(0, 0))
        closed(logs, compress=kind, keep="30d").tidy(LATER)
        assert names(logs) == [
            f"llm_trace_2026-11-21.jsonl{COMPRESSED[kind]}",
            TODAY,
            damaged.name,
        ]

    def test_the_file_is_read(self, damaged: Path, logs: Path, kind: str):
        assert folders.files_in(logs, "llm_trace_") == [logs / TODAY]
        damaged.write_bytes(b"")
        assert folders.files_in(logs, "llm_trace_") == [logs / TODAY]
        damaged.unlink()
        closed(logs, compress=kind).tidy(LATER)
        assert folders.files_in(logs, "llm_trace_") == [damaged]


def test_a_copy_that_nothing_here_unpacks_is_read_as_the_file(
    today: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
):
    def missing() -> None:
        raise ConfigurationError("zstd needs a module")

    today.with_name(f"{TODAY}.zst").write_bytes(b"")
    monkeypatch.setattr(compression, "zstd", missing)
    closed(logs, compress="gzip").tidy(LATER)
    assert folders.files_in(logs, "llm_trace_") == [today]
    assert names(logs) == [TODAY, f"{TODAY}.zst"]


def test_what_was_left_of_another_kind_or_without_its_file_is_dropped(today: Path, logs: Path):
    (logs / f"{TODAY}.zst.tmp").write_bytes(b"half")
    (logs / "llm_trace_2026-11-20.jsonl.gz.tmp").write_bytes(b"half")
    closed(logs, keep="900d").tidy(LATER)
    assert names(logs) == [TODAY]


def test_what_is_being_made_is_left_alone(append_to, logs: Path):
    append_to().append(line(1), NOON)
    (logs / f"{TODAY}.gz.tmp").write_bytes(b"half")
    closed(logs, keep="900d").tidy(LATER)
    assert names(logs) == [TODAY, f"{TODAY}.gz.tmp"]


def test_what_is_not_ours_is_left_alone(today: Path, logs: Path):
    others = ["notes.txt", "spans_2026-11-22.jsonl", "llm_trace_2026-11-22.jsonl.bak", "llm_trace_"]
    for name in others:
        (logs / name).write_text("x")
        os.utime(logs / name, (0, 0))
    closed(logs, compress="gzip", keep=("1h", "1 kB")).tidy(NOON + 900 * DAY)
    assert names(logs) == sorted(others)


class TestRetention:
    """Closed files go when they are old, or too many."""

    @pytest.fixture
    def days(self, logs: Path) -> Path:
        """Four days of 1,000 bytes each, the first two compressed."""
        logs.mkdir()
        for number, end in enumerate((".gz", ".zst", "", "")):
            path = logs / f"llm_trace_2026-11-{19 + number}.jsonl{end}"
            path.write_bytes(b"x" * 999 + b"\n")
            at = NOON + (number - 3) * DAY
            os.utime(path, ns=(at, at))
        return logs

    @pytest.mark.parametrize(
        ("keep", "left"),
        [
            ("10d", ["19", "20", "21", "22"]),
            # the day of the 21st ended 24 hours and a minute ago
            ("1d", ["22"]),
            ("24h", ["22"]),
            ("25h", ["21", "22"]),
            ("1h", ["22"]),
            ("10 kB", ["19", "20", "21", "22"]),
            ("4 kB", ["19", "20", "21", "22"]),
            ("3.5 kB", ["20", "21", "22"]),
            ("1 kB", ["22"]),
            (("25h", "10 kB"), ["21", "22"]),
            (("10d", "2 kB"), ["21", "22"]),
        ],
    )
    def test_the_oldest_go_first(self, days: Path, keep: object, left: list[str]):
        closed(days, keep=keep).tidy(LATER)
        assert [name[18:20] for name in names(days)] == left

    def test_a_file_that_was_written_to_of_late_is_young(self, days: Path):
        path = days / "llm_trace_2026-11-21.jsonl"
        os.utime(path, ns=(LATER, LATER))
        closed(days, keep="1h").tidy(LATER)
        assert path.exists()

    def test_not_while_somebody_writes_it(self, append_to, logs: Path):
        appender = append_to()
        appender.append(line(1), NOON)
        files = closed(logs, keep=("1h", "1 kB"))
        os.utime(logs / TODAY, ns=(NOON, NOON))
        files.tidy(NOON + 100 * DAY)
        assert names(logs) == [TODAY]
        appender.close()
        files.tidy(NOON + 100 * DAY)
        assert names(logs) == []

    def test_the_file_of_today_stays_however_large(self, days: Path):
        (days / "llm_trace_2026-11-22.jsonl").write_bytes(b"x" * 90_000)
        closed(days, keep="1 kB").tidy(NOON)
        assert names(days) == ["llm_trace_2026-11-22.jsonl"]


class TestThread:
    """The thread that does this in a writer's process."""

    @pytest.fixture
    def looks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sweeper, "LOOKS_EVERY_SECONDS", 0.01)

    def gone(self, path: Path) -> None:
        """Wait until a file is gone; the test's time limit is the limit."""
        while path.exists():
            time.sleep(0.005)

    def test_a_file_is_compressed_when_the_next_begins(self, append_to, logs: Path):
        appender = append_to(compress="gzip")
        appender.append(line(1), NOON - 900 * DAY)
        appender.append(line(2), NOON)
        self.gone(logs / LONG_AGO)
        assert Folder(logs).agents == [1, 2]

    def test_an_idle_writer_closes_its_file(self, append_to, logs: Path, looks):
        """Otherwise the last file of a process without calls would stay as it is."""
        append_to(compress="gzip").append(line(1), NOON - 900 * DAY)
        self.gone(logs / LONG_AGO)
        assert Folder(logs).agents == [1]

    def test_a_start_finishes_what_a_killed_process_left(self, append_to, today: Path, logs: Path):
        old = today.rename(logs / "llm_trace_2020-01-01.jsonl")
        (logs / f"{old.name}.gz.tmp").write_bytes(b"half")
        append_to(compress="gzip").append(line("new"), NOON)
        self.gone(old)
        assert sorted(Folder(logs).agents, key=str) == sorted([*range(100), "new"], key=str)

    def test_there_is_none_where_nothing_is_to_be_done(self, append_to, threads_before):
        append_to().append(line(1), NOON)
        assert threads_before() == []

    def test_it_ends_with_its_writer(self, append_to, threads_before):
        appender = append_to(compress="gzip")
        appender.append(line(1), NOON)
        (thread,) = threads_before()
        appender.close()
        thread.join()

    def test_a_clock_that_is_turned_forward_deletes_nothing(
        self, append_to, today: Path, logs: Path, looks, monkeypatch: pytest.MonkeyPatch
    ):
        moments = iter([NOON])
        monkeypatch.setattr(sweeper.time, "time_ns", lambda: next(moments, NOON + 3650 * DAY))
        appender = append_to(keep="30d")
        for _ in range(3):
            appender._sweeper._look()
        assert names(logs) == [TODAY]

    def test_a_fault_is_said_once(
        self, append_to, today: Path, monkeypatch: pytest.MonkeyPatch, caplog
    ):
        def broken(*arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(packing, "pack", broken)
        today.rename(today.with_name("llm_trace_2020-01-01.jsonl"))
        appender = append_to(compress="gzip")
        for _ in range(3):
            appender._sweeper._look()
        (said,) = [record.getMessage() for record in caplog.records]
        assert "could not tidy" in said
        assert said.endswith("(No space left on device)")

    @pytest.mark.faults
    def test_no_fault_of_ours_ends_it(self, append_to, logs: Path, monkeypatch, caplog):
        looks: list[int] = []
        again = threading.Event()

        def broken(now: int) -> None:
            looks.append(now)
            if len(looks) == 2:
                again.set()
            raise ConfigurationError("zstd needs a module")

        appender = append_to(compress="gzip")
        monkeypatch.setattr(appender._sweeper._closed, "tidy", broken)
        appender.append(line(1), NOON)
        while not looks:
            threading.Event().wait(0.005)
        appender._sweeper._due.set()
        assert again.wait(10)
        assert "tidying files (ConfigurationError)" in caplog.text

    def test_a_folder_that_is_gone_is_no_fault(self, append_to, caplog):
        append_to(compress="gzip")._sweeper._look()
        assert caplog.records == []
