"""`costspan replay`: wrong options, and an interruption; tests/report/replaying has the rest."""

from pathlib import Path

import pytest

from costspan.cli import main
from costspan.report.replaying.replay import Replay
from tests.report.folders import line, write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ENDPOINT", "TRACES_ENDPOINT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    return write(tmp_path / "logs", line())


def run(*arguments: object) -> int:
    try:
        return main(["replay", *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say where to: --to http://localhost:4318"),
        (("--to", "localhost:4318"), "give an address"),
        (("--to", "http://h", "--rate", "0"), "'0' is no number of spans a second: write 500"),
        (("--to", "http://h", "--from", "logs"), "invalid choice: 'logs'"),
        (("--to", "http://h", "--since", "soon"), "--since 'soon' is no moment"),
        (("--to", "http://h", "--header", "abc"), "write NAME=VALUE"),
        (("--to", "http://h", "--state", "/no/such/folder/x"), "name another file with --state"),
    ],
)
def test_what_cannot_begin_is_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(folder, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path / "logs", "--to", "http://h") == 2
    assert capsys.readouterr().err == f"{tmp_path / 'logs'}: there is no such file or folder\n"


def test_interrupted(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Replay, "run", interrupted)
    assert run(folder, "--to", "http://h") == 130
    assert capsys.readouterr().err == "stopped: run the same again to go on\n"


def test_one_file_and_its_state_beside_it(folder: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = folder.iterdir()
    assert run(path, "--to", "http://127.0.0.1:1", "--since", "2026-11-22") == 0
    assert capsys.readouterr().out == "0 spans of 1 file sent in 0 requests\n"
    assert [one.suffix for one in sorted(folder.iterdir())] == [".jsonl", ".state"]
