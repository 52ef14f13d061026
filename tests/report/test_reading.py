"""How much was read: by what this process really reads."""

import sys
from pathlib import Path

import pytest

from costspan.report import reading
from costspan.report.query import Question, ask
from tests.report.folders import line, write


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts what a process has read")
def test_what_is_read_is_told(tmp_path: Path):
    half, other = tmp_path / "half", tmp_path / "other"
    half.write_bytes(b"x" * 4_000_000)
    other.write_bytes(b"x" * 4_000_000)
    percent = reading.percent_read([half, other])

    before = percent()
    half.read_bytes()
    between = percent()
    other.read_bytes()
    half.read_bytes()

    assert before < 1
    assert 50 <= between < 51
    assert percent() == 100


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts what a process has read")
def test_what_duckdb_reads_counts(tmp_path: Path):
    """At the end of a report all of the files are read."""
    write(tmp_path, *(line(agent=f"a{n}") for n in range(2000)))
    kept = []

    class Watch:
        def __init__(self, percent: reading.Percent) -> None:
            self.percent = percent

        def __enter__(self) -> None:
            kept.append(self.percent())

        def __exit__(self, *_: object) -> None:
            kept.append(self.percent())

    ask(Question([tmp_path], watch=Watch))
    assert kept[0] < 5
    assert kept[1] == 100


def test_elsewhere_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "_COUNTED", tmp_path / "not there")
    assert reading.percent_read([])() is None
    assert reading.percent_read([tmp_path / "gone"])() is None
