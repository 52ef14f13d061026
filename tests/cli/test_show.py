"""`costspan show`: what it prints where, and its exit codes."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.folders import line, write

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        line(trace_id=TRACE, span_id="00f067aa0ba902b7", agent="a", cost_usd="0.25"),
        line(trace_id=TRACE, span_id="00f067aa0ba902b8", agent="a", error="openai.Timeout"),
    )


def test_the_tree_and_how_much_was_read(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["show", "0af7", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[:3] == [
        f"trace {TRACE}  2026-11-21T09:59:59Z",
        "agent a",
        "2 calls, 1.00 s, 0.75 USD, 1 error",
    ]
    assert err == "read 1 of 1 file\n"


def test_without_a_folder_the_one_that_calls_are_written_to(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COSTSPAN_LOCAL", str(folder))
    assert main(["show", TRACE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost_usd"] == 0.75


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ffff", "."), 1, "no trace ffff in 1 of 1 file"),
        (("0af7", "nowhere"), 2, "nowhere: there is no such file or folder"),
        (("0af7", ".", "--since", "soon"), 2, "--since 'soon' is no moment"),
        (("what",), 2, "'what' is no trace id"),
    ],
)
def test_exit_codes(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    said: str,
):
    monkeypatch.chdir(folder)
    assert main(["show", *arguments]) == code
    assert capsys.readouterr().err.startswith(said)


def test_colours_and_bars_are_for_a_terminal(folder: Path):
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "costspan.cli", "show", TRACE, str(folder)]
    with subprocess.Popen(
        command, stdout=child, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    ) as process:
        os.close(child)
        printed = b""
        while True:
            try:
                printed += os.read(parent, 4096)
            except OSError:  # the other end is closed
                break
    os.close(parent)
    assert process.returncode == 0
    text = printed.decode()
    assert "\x1b[" in text
    assert "█" in text

    plain = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "\x1b[" not in plain
    assert "█" not in plain
