"""Folders that cannot be written to, that are on a network, or that are full."""

import os
from collections import namedtuple
from pathlib import Path

import pytest

from costspan import LocalFiles
from costspan.doctor import money, places
from costspan.doctor.finding import Finding

Usage = namedtuple("Usage", "total used free")


def found(files: LocalFiles | None) -> list[Finding]:
    return list(places.places(files))


def test_none_is_asked_for() -> None:
    assert [one.severity for one in found(None)] == ["note"]


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    findings = found(LocalFiles(tmp_path / "a" / "b"))

    assert [one.severity for one in findings] == ["ok", "ok"]
    assert os.listdir(tmp_path) == []


def test_a_folder_that_takes_no_file() -> None:
    """Nobody may write there, root included."""
    (finding,) = found(LocalFiles("/proc/costspan"))

    assert finding.severity == "error"
    assert finding.text.startswith("/proc/costspan cannot be written to (")


@pytest.mark.parametrize(
    ("per_process", "severity"), [(None, "note"), (True, "note"), (False, "warning")]
)
def test_a_network_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_process: bool | None, severity: str
) -> None:
    monkeypatch.setattr(places, "is_shared_over_network", lambda folder: folder == tmp_path)

    _, network, _ = found(LocalFiles(tmp_path, per_process=per_process))

    assert network.severity == severity
    assert "network file system" in network.text


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 99 * 2**20))

    _, full, _ = found(LocalFiles(tmp_path))

    assert (full.severity, full.text) == ("warning", f"99 MiB are free in {tmp_path}")


def test_a_store_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(money, "is_shared_over_network", lambda folder: folder == tmp_path)

    _, network, missing = money.budgets(None, f"sqlite:///{tmp_path}/costs.db")

    assert network.severity == "warning"
    assert "redis://" in str(network.remedy)
    assert missing.text == "sqlite, whose file is not there yet"


def test_a_store_whose_folder_takes_no_file() -> None:
    _, refused, _ = money.budgets(None, "sqlite:////proc/costs.db")

    assert refused.severity == "error"


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A folder and a pipe that nobody writes to may have the name of a calls file."""
    (tmp_path / "llm_trace_2026-11-22.jsonl").mkdir()
    os.mkfifo(tmp_path / "llm_trace_2026-11-23.jsonl")
    (tmp_path / "llm_trace_2026-11-24.jsonl").symlink_to("llm_trace_2026-11-24.jsonl")

    assert found(LocalFiles(tmp_path))[-1].text == f"none in {tmp_path} yet"
