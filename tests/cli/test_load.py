"""`costspan load`: what it prints, and the exit codes that a script goes by."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from costspan.cli import main
from costspan.report.databases import loading
from tests.report.folders import GAP, line, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "logs", *(line(agent=f"a{n}") for n in range(1500)), "torn", GAP)


def run(*arguments: object) -> int:
    try:
        return main(["load", *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def test_what_it_says(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    into = f"sqlite:///{tmp_path}/x.db"
    assert run(folder, "--into", into, "--rollup", "hour", "--by", "agent, model") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"1,500 calls of 1 file: 1,500 new in {into}, 0 known",
        "rollup by hour, agent, model: 1 hour summed up",
    ]
    assert err.splitlines() == [
        "3 calls could not be written to the files when they were made",
        "passed over: 1 line",
        f"  {folder / 'llm_trace_2026-11-21.jsonl'}:1501: torn",
    ]


def test_json(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    into = f"sqlite:///{tmp_path}/x.db"
    run(folder, "--into", into)
    capsys.readouterr()
    assert run(folder, "--into", into, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["files"], found["calls"], found["new"], found["rollups"]) == (1, 1500, 0, {})
    assert found["passed_over"]["lines"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--into", "x.db"), "'x.db' is no database"),
        (("--into", "mysql://u:s3cret@h/d"), "'mysql:...' is no database"),
        (("--by", "agent"), "add --rollup day"),
        (("--rollup", "month"), "write day or hour"),
        (("--rollup", "day", "--by", "session_id"), "write session"),
    ],
)
def test_what_cannot_be_done_is_code_2(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
):
    assert run(folder, "--into", f"sqlite:///{tmp_path}/x.db", *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "s3cret" not in err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path / "logs", "--into", f"sqlite:///{tmp_path}/x.db") == 2
    assert capsys.readouterr().err == f"{tmp_path / 'logs'}: there is no such file or folder\n"
    assert not (tmp_path / "x.db").exists()


def test_interrupted(folder: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    """In the middle of a step, which is undone; the next load does all."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    into = f"sqlite:///{tmp_path}/x.db"
    with monkeypatch.context() as patched:
        patched.setattr(loading, "_mark", interrupted)
        assert run(folder, "--into", into) == 130
    assert capsys.readouterr().err == "stopped: run the same again to go on\n"
    assert run(folder, "--into", into) == 0
    assert "1,500 new" in capsys.readouterr().out


def test_it_needs_no_duckdb(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run(folder, "--into", f"sqlite:///{tmp_path}/x.db") == 0


def test_a_terminal_is_told_how_far_it_is_and_left_clean(folder: Path, tmp_path: Path):
    """On standard error alone; the output is the same as in a pipe."""
    master, slave = pty.openpty()
    code = (
        "import sys; from costspan.cli import main, progress;"
        "from costspan.report.databases import loading;"
        "progress._QUIET_SECONDS = progress._EVERY_SECONDS = 0; loading.BATCH = 1000;"
        "sys.exit(main(sys.argv[1:]))"
    )
    into = f"sqlite:///{tmp_path}/x.db"
    done = subprocess.run(
        [sys.executable, "-c", code, "load", str(folder), "--into", into],
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
        check=True,
    )
    os.close(slave)
    told = os.read(master, 10_000).decode()
    os.close(master)
    assert done.stdout == f"1,500 calls of 1 file: 1,500 new in {into}, 0 known\n"
    first, second, *rest = told.split("\r")[1:]
    assert first.startswith("1,000 calls, ")
    assert second.startswith("1,500 calls, ")
    assert rest[0].isspace()
    assert rest[1].startswith("3 calls could not be written")
