"""A folder that is followed: each line once, whatever happens to the files."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costspan.report.tailing import following
from costspan.report.tailing.choosing import Choice, latest
from costspan.report.tailing.following import Following
from tests.export.folder import Folder
from tests.report.folders import line, write

Follow = Callable[[Path], Following]
DAY = "llm_trace_2026-11-21.jsonl"
NEXT = "llm_trace_2026-11-22.jsonl"


@pytest.fixture
def follow() -> Iterator[Follow]:
    """`Following`, closed at the end."""
    made: list[Following] = []

    def followed(folder: Path) -> Following:
        made.append(Following(folder))
        return made[-1]

    yield followed
    for one in made:
        one.close()


def new(folder: Following) -> list[str]:
    return [text.decode() for text in folder.lines()]


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "logs", "before")


def test_what_is_there_is_not_new_and_what_comes_is(folder: Path, follow: Follow):
    followed = follow(folder)
    assert new(followed) == []
    append(folder / DAY, "a\nb\n")
    assert new(followed) == ["a\n", "b\n"]
    assert new(followed) == []


def test_a_line_is_given_once_its_end_is_there(folder: Path, follow: Follow):
    append(folder / DAY, "torn before we came, ")
    followed = follow(folder)
    assert new(followed) == []
    append(folder / DAY, "and ended\nand the ne")
    assert new(followed) == ["torn before we came, and ended\n"]
    append(folder / DAY, "xt\n")
    assert new(followed) == ["and the next\n"]


def test_other_files_come(folder: Path, follow: Follow):
    followed = follow(folder)
    names = [NEXT, "llm_trace_2026-11-21.0001.jsonl", "llm_trace_2026-11-21.4711-ab.jsonl"]
    for name in names:
        write(folder, name, name=name)
    write(folder, "of spans", name="otlp_trace_2026-11-21.jsonl")
    write(folder, "of somebody", name="notes.jsonl")
    assert sorted(new(followed)) == sorted(f"{name}\n" for name in names)


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_file_that_is_compressed_is_given_once(folder: Path, is_seen: bool, follow: Follow):
    """Also what was written to it since the last look."""
    followed = follow(folder)
    write(folder, "a", name=NEXT)
    seen = new(followed) if is_seen else []
    append(folder / NEXT, "b\n")
    packed = folder / f"{NEXT}.gz"
    packed.write_bytes(gzip.compress((folder / NEXT).read_bytes()))
    both = new(followed)
    (folder / NEXT).unlink()
    assert seen + both + new(followed) + new(followed) == ["a\n", "b\n"]


def test_a_file_that_was_compressed_before_it_was_seen(folder: Path, follow: Follow):
    followed = follow(folder)
    write(folder, "a", "b", name=f"{NEXT}.gz")
    assert new(followed) == ["a\n", "b\n"]
    assert new(followed) == []


def test_a_file_that_is_compressed_while_others_are_read(folder: Path, follow: Follow):
    """It was listed under its plain name, which is gone when its turn comes."""
    followed = follow(folder)
    write(folder, "a", name=NEXT)
    write(folder, "b", name="llm_trace_2026-11-23.jsonl")
    lines = followed.lines()
    seen = [next(lines)]
    (folder / "llm_trace_2026-11-23.jsonl").unlink()
    write(folder, "b", name="llm_trace_2026-11-23.jsonl.gz")
    seen += [*lines, *followed.lines(), *followed.lines()]
    assert seen == [b"a\n", b"b\n"]


def test_a_damaged_one_is_named(folder: Path, follow: Follow):
    followed = follow(folder)
    (folder / f"{NEXT}.gz").write_bytes(b"\x1f\x8bnot gzip")
    assert new(followed) == []
    assert len(followed.faults) == 1
    assert new(followed) == []


def test_a_folder_that_is_deleted_and_made_again(folder: Path, follow: Follow):
    followed = follow(folder)
    append(folder / DAY, "last words\n")
    shutil.rmtree(folder)
    assert new(followed) == ["last words\n"]
    assert new(followed) == []
    write(folder, "again")
    assert new(followed) == ["again\n"]


def test_a_folder_that_comes_later(tmp_path: Path, follow: Follow):
    followed = follow(tmp_path / "logs")
    assert new(followed) == []
    write(tmp_path / "logs", "a")
    assert new(followed) == ["a\n"]


def test_a_file_in_the_place_of_another(folder: Path, follow: Follow):
    followed = follow(folder)
    write(folder, "longer than what was there", name="other")
    append(folder / DAY, "last words\n")
    os.replace(folder / "other", folder / DAY)
    assert sorted(new(followed)) == ["last words\n", "longer than what was there\n"]


def test_a_file_that_is_moved_away_is_written_to_there(
    folder: Path, tmp_path: Path, follow: Follow
):
    followed = follow(folder)
    (folder / DAY).rename(tmp_path / "moved")
    assert new(followed) == []
    append(tmp_path / "moved", "a\n")
    write(folder, "b")
    assert sorted(new(followed)) == ["a\n", "b\n"]


def test_a_file_that_somebody_empties(folder: Path, follow: Follow):
    followed = follow(folder)
    (folder / DAY).write_text("")
    assert new(followed) == []
    append(folder / DAY, "a\n")
    assert new(followed) == ["a\n"]


def test_only_so_many_files_are_kept_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch, follow: Follow
):
    monkeypatch.setattr(following, "MOST_OPEN", 2)
    for number in range(1, 5):
        name = f"llm_trace_2026-11-21.{number:04}.jsonl"
        write(folder, "old", name=name)
        os.utime(folder / name, (number, number))
    followed = follow(folder)
    assert {path.name for path in followed.began_at} == {DAY, "llm_trace_2026-11-21.0004.jsonl"}
    append(folder / DAY, "a\n")
    assert new(followed) == ["a\n"]


def test_every_line_of_real_writers_comes_once(tmp_path: Path, follow: Follow):
    """Three processes that write, begin new files and compress the full ones."""
    logs = tmp_path / "logs"
    followed = follow(logs)
    seen: list[bytes] = []
    command = [
        sys.executable,
        "-m",
        "tests.export.nursery",
        str(logs),
        "2",
        "call",
        "60 KB",
        "gzip",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as writers:
        assert writers.stdout is not None
        for number, _ in enumerate(writers.stdout):
            if number % 40 == 0:
                seen += followed.lines()
            if number == 1500:
                break
        os.killpg(writers.pid, signal.SIGKILL)
    seen += followed.lines()
    (tmp_path / "seen").mkdir()
    (tmp_path / "seen" / DAY).write_bytes(b"".join(seen))

    wanted = Counter(Folder(logs).agents)
    assert any(path.suffix == ".gz" for path in logs.iterdir())
    assert sum(wanted.values()) > 1000
    assert Counter(Folder(tmp_path / "seen").agents) == wanted
    assert followed.faults == []


def test_the_latest_of_all_processes(tmp_path: Path, follow: Follow):
    at = "2026-11-{}T10:00:{:02}.000000Z".format
    for process in (1, 2):
        rows = [line(agent=f"{process}", timestamp=at(21, n)) for n in range(process, 40, 2)]
        write(tmp_path, *rows, name=f"llm_trace_2026-11-21.{process}-a.jsonl")
    write(tmp_path, line(timestamp=at(20, 50)), name="llm_trace_2026-11-20.jsonl")
    files = follow(tmp_path).began_at

    found = [one.line.timestamp[17:19] for one in latest(files, Choice(), 3)]
    assert found == ["37", "38", "39"]
    found = [one.line.timestamp[17:19] for one in latest(files, Choice({"agent": "1"}), 2)]
    assert found == ["37", "39"]
    assert len(latest(files, Choice(), 1000)) == 40
    assert latest(files, Choice(), 0) == []


def test_what_is_new_begins_where_the_latest_end(folder: Path, follow: Follow):
    append(folder / DAY, f"{line(agent='a')}\n{line(agent='b')[:100]}")
    followed = follow(folder)
    append(folder / DAY, f"{line(agent='b')[100:]}\n")
    assert [one.line.agent for one in latest(followed.began_at, Choice(), 5)] == ["a"]
    assert new(followed) == [f"{line(agent='b')}\n"]
