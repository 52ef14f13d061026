"""What has the name of a calls file and is none: named and passed over, and nobody waits at it."""

import os
from pathlib import Path

import pytest

from costspan.cli import main
from costspan.report.tailing.following import Following
from tests.report.folders import line, write

NAME = "llm_trace_2026-11-20.jsonl"


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


MADE = {
    "pipe": (os.mkfifo, "no regular file"),
    "folder": (os.mkdir, "Is a directory"),
    "loop": (loop, "Too many levels of symbolic links"),
    "dangling": (dangling, "No such file or directory"),
}


@pytest.fixture(params=MADE)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A folder with one call and one place that is no file, and why it is none."""
    make, why = MADE[request.param]
    logs = write(tmp_path / "logs", line(trace_id="4bf9" * 8))
    make(logs / NAME)
    return logs, why


@pytest.mark.parametrize(
    "command",
    [
        "report {}",
        "report {} --as-if no-cache",
        "waste {}",
        "export {} --format focus",
        "export {} --format focus --per call",
        "load {} --into sqlite:///{}/calls.db",
        "replay {} --to http://127.0.0.1:1 --dry-run",
        "show 4bf9 {}",
    ],
)
def test_every_command_names_it(
    folder: tuple[Path, str], capsys: pytest.CaptureFixture[str], command: str
):
    logs, why = folder
    assert main(command.replace("{}", str(logs)).split()) == 0
    assert f"{NAME}: " in (err := capsys.readouterr().err)
    assert why in err


def test_tail_names_it(folder: tuple[Path, str]):
    logs, why = folder
    following = Following(logs)
    assert list(following.lines()) == []
    is_there = why != "No such file or directory"  # else the file may come
    assert following.faults == ([f"{logs / NAME}: {why}"] if is_there else [])
    following.close()


@pytest.mark.parametrize(
    "command", ["report {}", "load {} --into sqlite:///x.db", "export {} --format focus"]
)
def test_a_pipe_that_is_named_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
):
    """It was reported as an empty file, whatever came through it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(command.replace("{}", str(pipe)).split()) == 2
    assert capsys.readouterr().err == (f"{pipe} is a pipe or a device: write it to a file first\n")
