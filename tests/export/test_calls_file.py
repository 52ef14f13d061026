"""The calls file: one write for each call before it returns, whatever happens around it."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import CostTracker, LocalFiles
from costspan.export import appender
from costspan.export.calls import CallsFile
from tests.cost.calls import AT, finished

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
TODAY = "llm_trace_2026-11-22.jsonl"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CallsFile]:
    made = CallsFile(LocalFiles(tmp_path / "logs"))
    yield made
    made.close()


@pytest.fixture
def costs(file: CallsFile) -> CostTracker:
    tracker = CostTracker()
    tracker.writers = (file,)
    return tracker


def lines(path: Path) -> list[dict]:
    return [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]


def test_a_line_is_one_write_and_there_when_settle_returns(
    costs: CostTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    writes: list[bytes] = []
    write = os.write

    def counted(descriptor: int, data: bytes) -> int:
        writes.append(data)
        return write(descriptor, data)

    monkeypatch.setattr(appender.os, "write", counted)
    for number in range(3):
        costs.settle(finished(agent=f"a{number}", **COUNTS))
        assert len(writes) == number + 1
        assert (tmp_path / "logs" / TODAY).read_bytes() == b"".join(writes)


def test_folders_are_made_and_nobody_else_may_read(tmp_path: Path):
    file = CallsFile(LocalFiles(tmp_path / "deep" / "logs"))
    assert not (tmp_path / "deep").exists()
    file(finished(**COUNTS), CostTracker().settle(finished(**COUNTS)))
    file.close()
    path = tmp_path / "deep" / "logs" / TODAY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_utc_day_has_its_file(costs: CostTracker, tmp_path: Path):
    midnight = AT.replace(hour=0)
    for agent, at in (
        ("late", midnight - timedelta(microseconds=1)),
        ("early", midnight),
        ("late again", midnight - timedelta(hours=1)),
        ("tomorrow", midnight + timedelta(days=1)),
    ):
        costs.settle(finished(agent=agent, at=at, **COUNTS))
    found = {p.name: [x["agent"] for x in lines(p)] for p in (tmp_path / "logs").iterdir()}
    assert found == {
        "llm_trace_2026-11-21.jsonl": ["late", "late again"],
        "llm_trace_2026-11-22.jsonl": ["early"],
        "llm_trace_2026-11-23.jsonl": ["tomorrow"],
    }


def test_a_file_that_is_there_is_continued(tmp_path: Path):
    for number in range(2):
        file = CallsFile(LocalFiles(tmp_path))
        file(finished(agent=f"a{number}"), CostTracker().settle(finished()))
        file.close()
    assert [line["agent"] for line in lines(tmp_path / TODAY)] == ["a0", "a1"]


def test_a_file_that_was_emptied_is_filled_from_its_start(costs: CostTracker, tmp_path: Path):
    """As log rotation by copying does; without O_APPEND there would be a hole."""
    costs.settle(finished(agent="before", **COUNTS))
    os.truncate(tmp_path / "logs" / TODAY, 0)
    costs.settle(finished(agent="after", **COUNTS))
    assert [line["agent"] for line in lines(tmp_path / "logs" / TODAY)] == ["after"]


def test_the_sum_of_the_file_is_the_ledgers(costs: CostTracker, tmp_path: Path):
    models = ("gpt-4o-mini", "gpt-4o", "gpt-5-nano", "never-heard-of")
    for number in range(400):
        counts = {"input_tokens": 997 * number, "output_tokens": 13 * number}
        costs.settle(finished(models[number % 4], **counts))
    file = tmp_path / "logs" / TODAY
    assert sum(line["cost_usd"] or 0 for line in lines(file)) == costs.summary().cost_usd
    # as anybody would write it
    with file.open() as rows:
        dollars = sum(json.loads(row)["cost_usd"] or 0 for row in rows)
    assert dollars == pytest.approx(float(costs.summary().cost_usd))
    assert costs.summary().unpriced_calls == 100


def broken_by(tmp_path: Path, costs: CostTracker, caplog: pytest.LogCaptureFixture) -> None:
    """Settle while nothing can be written; the app must not notice."""
    for _ in range(2):
        assert costs.settle(finished(**COUNTS)).total_usd == Decimal("0.00027")
    said = [record for record in caplog.records if "could not write a line" in record.message]
    assert [record.levelname for record in said] == ["ERROR", "ERROR"]
    assert "1 lost so far" in said[0].message
    assert "2 lost so far" in said[1].message
    assert str(tmp_path) in said[0].message


def test_a_folder_that_cannot_be_made(
    costs: CostTracker, file: CallsFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "logs").write_text("a file stands where the folder should be")
    broken_by(tmp_path, costs, caplog)
    assert file.lost == 2
    (tmp_path / "logs").unlink()
    costs.settle(finished(agent="after", **COUNTS))
    assert [line["agent"] for line in lines(tmp_path / "logs" / TODAY)] == ["after"]
    assert costs.summary().calls == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(
    costs: CostTracker, file: CallsFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / TODAY).symlink_to("/dev/full")
    broken_by(tmp_path, costs, caplog)
    assert "No space left on device" in caplog.text
    (tmp_path / "logs" / TODAY).unlink()
    costs.settle(finished(agent="after", **COUNTS))
    assert [line["agent"] for line in lines(tmp_path / "logs" / TODAY)] == ["after"]
    assert file.lost == 2


def test_a_write_that_takes_a_part_is_continued(
    costs: CostTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = os.write
    monkeypatch.setattr(appender.os, "write", lambda fd, data: write(fd, data[:7]))
    costs.settle(finished(agent="ann", **COUNTS))
    assert [line["agent"] for line in lines(tmp_path / "logs" / TODAY)] == ["ann"]


def test_a_disk_that_fills_in_the_middle_of_a_line_spoils_that_line_alone(
    costs: CostTracker, file: CallsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write, room = os.write, [10]

    def filling(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: room.pop()])

    costs.settle(finished(agent="before", **COUNTS))
    with monkeypatch.context() as full:
        full.setattr(appender.os, "write", filling)
        costs.settle(finished(agent="torn", **COUNTS))
    costs.settle(finished(agent="after", **COUNTS))
    before, torn, after = (tmp_path / "logs" / TODAY).read_text().splitlines()
    assert (json.loads(before)["agent"], json.loads(after)["agent"]) == ("before", "after")
    assert len(torn) == 10
    assert file.lost == 1


def test_a_closed_file_opens_again(costs: CostTracker, file: CallsFile, tmp_path: Path):
    file.close()
    file.close()
    costs.settle(finished(**COUNTS))
    file.close()
    costs.settle(finished(**COUNTS))
    assert len(lines(tmp_path / "logs" / TODAY)) == 2


def test_threads_share_a_file(costs: CostTracker, tmp_path: Path):
    def settle(number: int) -> None:
        for _ in range(500):
            costs.settle(finished(agent=f"a{number}" * (1 + number * 40), **COUNTS))

    threads = [threading.Thread(target=settle, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines(tmp_path / "logs" / TODAY)
    assert len(found) == 4000
    assert sum(line["cost_usd"] for line in found) == costs.summary().cost_usd


FORKING = """
import os, sys, threading
from costspan import CostTracker
from costspan.export.calls import CallsFile
from costspan.export.local_files import LocalFiles
from tests.cost.calls import finished

costs = CostTracker()
costs.writers = (CallsFile(LocalFiles(sys.argv[1])),)

def settle(process, thread):
    for number in range(100):
        facts = {"agent": f"{process}/{thread}/{number}", "tags": {"long": "x" * 37 * thread}}
        costs.settle(finished(input_tokens=1000, output_tokens=200, **facts))

settle("parent", 0)
children = []
for process in range(4):
    child = os.fork()
    if child == 0:
        break
    children.append(child)
else:
    process = "parent"
threads = [threading.Thread(target=settle, args=(process, n)) for n in range(1, 9)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if not children or process != "parent":
    os._exit(0)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_threads_of_forked_processes_share_a_file(tmp_path: Path):
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", FORKING, tmp_path], check=True, cwd=root, timeout=100)
    found = [line["agent"] for line in lines(tmp_path / TODAY)]
    assert len(found) == 100 + 5 * 8 * 100
    assert len(set(found)) == len(found)
