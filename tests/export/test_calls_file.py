"""The calls file: one write for each call before it returns, whatever happens around it."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import CostTracker, LocalFiles
from costspan.export import open_file
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
    found = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    return [line for line in found if "kind" not in line]


def test_a_line_is_one_write_and_there_when_settle_returns(
    costs: CostTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    writes: list[bytes] = []
    write = os.write

    def counted(descriptor: int, data: bytes) -> int:
        writes.append(data)
        return write(descriptor, data)

    monkeypatch.setattr(open_file.os, "write", counted)
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
