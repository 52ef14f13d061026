"""What commands do where standard output is not what they would like, and at Ctrl-C."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from costspan import cli
from costspan.report import running
from tests.report.folders import line, write

TRACE = "0af7651916cd43dd8448eb211c80319c"
AGENT = "prüfer ☃ 🚀"
ESCAPED = r"pr\u00fcfer \u2603 \ud83d\ude80"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, line(agent=AGENT, trace_id=TRACE, span_id="00f067aa0ba902b1"))


def costspan(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "costspan.cli", *map(str, arguments)]
    environ = os.environ | {"PYTHONIOENCODING": "ascii"}
    return subprocess.run(command, env=environ, text=True, stderr=subprocess.PIPE, **more)


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--by", "agent"),
        ("report", "--by", "agent", "--markdown"),
        ("waste", "--by", "agent"),
        ("show", TRACE),
    ],
    ids=lambda command: " ".join(command),
)
def test_what_the_output_cannot_carry_is_spelt(folder: Path, command: tuple[str, ...]):
    done = costspan(*command, folder, stdout=subprocess.PIPE)

    assert done.returncode == 0, done.stderr
    assert ESCAPED in done.stdout
    if command[0] == "show":
        assert "\n`- chat gpt-4o-mini " in done.stdout


def test_json_and_csv_of_such_an_output(folder: Path):
    done = costspan("report", "--by", "agent", "--json", folder, stdout=subprocess.PIPE)
    assert [row["agent"] for row in json.loads(done.stdout)["rows"]] == [AGENT]

    done = costspan("export", "--format", "focus", "--by", "agent", folder, stdout=subprocess.PIPE)
    assert [row["SubAccountId"] for row in csv.DictReader(io.StringIO(done.stdout))] == [ESCAPED]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no full device")
def test_a_full_disk_is_one_line_and_no_exit_code_of_an_answer(folder: Path):
    for form in ((), ("--json",)):
        with open("/dev/full", "w") as full:
            done = costspan("report", folder, *form, stdout=full)
        assert done.returncode == 2
        assert done.stderr == "costspan report: [Errno 28] No space left on device\n"


def test_a_closed_output_is_nowhere(folder: Path):
    done = costspan("report", folder, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_is_one_word_and_no_exit_code_of_an_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("costspan.cli.report.ask", interrupted)
    assert cli.main(["report", str(folder)]) == 130
    assert capfd.readouterr() == ("", "stopped\n")


def test_ctrl_c_in_the_middle_of_a_query(folder: Path):
    """DuckDB takes the signal for itself, and makes this of it (measured on 2.0)."""

    def interrupted(engine: Any, _: object) -> None:
        raise RuntimeError("Query interrupted")

    with pytest.raises(KeyboardInterrupt):
        running.run(list(folder.glob("*.jsonl")), interrupted)


def test_the_version(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as done:
        cli.main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith("costspan 0.")
