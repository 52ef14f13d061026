"""`costspan report`: what it prints where, and the exit codes that a script goes by."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.folders import GAP, line, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        *(line(agent=f"a{n}", cost_usd=f"0.{n:02}") for n in range(1, 31)),
        line(cost_usd=None, status="unpriced"),
        "torn",
        GAP,
    )


def run(*arguments: object) -> int:
    try:
        return main(["report", *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def test_a_table_and_what_it_leaves_out(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder) == 0
    out, err = capsys.readouterr()
    assert [row.split()[:2] for row in out.splitlines()] == [
        ["model", "calls"],
        ["gpt-4o-mini", "31"],
        ["total", "31"],
    ]
    assert err.splitlines() == [
        "1 call without a price: its dollars are not in the sums",
        "3 calls could not be written to the files when they were made",
        "passed over: 1 line",
        f"  {folder / 'llm_trace_2026-11-21.jsonl'}:32: torn",
    ]


def test_rows_of_a_table_are_twenty_and_of_a_script_all(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    lengths = {}
    for more in ((), ("--top", "3"), ("--top", "0"), ("--csv",), ("--csv", "--top", "3")):
        assert run(folder, "--by", "agent", *more) == 0
        lengths[more] = len(capsys.readouterr().out.splitlines())
    assert list(lengths.values()) == [1 + 20 + 2, 1 + 3 + 2, 1 + 31 + 1, 1 + 31, 1 + 3 + 1]


def test_words_by_comma_and_by_repetition(folder: Path, capsys: pytest.CaptureFixture[str]):
    run(folder, "--by", "agent, day", "--by", "tag:team", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["by"] == ["agent", "day", "tag:team"]
    assert found["rows"][0]["agent"] == "a30"
    assert found["rows"][0]["tag:team"] is None


@pytest.mark.parametrize(("limit", "code"), [("4.65", 0), ("4.649999999999", 1), ("0", 1)])
def test_fail_over(folder: Path, capsys: pytest.CaptureFixture[str], limit: str, code: int):
    """0.01 + ... + 0.30 = 4.65."""
    assert run(folder, "--fail-over", limit) == code
    assert ("4.65 USD is over" in capsys.readouterr().err) == bool(code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "cost > 1"), "there is no field 'cost'"),
        (("--by", "session_id"), "write session"),
        (("--since", "soon"), "is no moment"),
        (("--fail-over", "much"), "'much' is no amount of dollars: write 5.00"),
        (("--fail-over", "nan"), "'nan' is no amount of dollars"),
        (("--top", "-1"), "'-1' is no number of rows: write 10"),
        (("--json", "--csv"), "not allowed with argument"),
        (("--by", ","), "write a word, such as agent"),
    ],
)
def test_a_wrong_question_is_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(folder, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path / "logs") == 2
    assert capsys.readouterr().err == f"{tmp_path / 'logs'}: there is no such file or folder\n"


def test_an_empty_folder_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path) == 0
    assert capsys.readouterr().err == (
        "no calls in 0 files: in a folder they are named llm_trace_<day>.jsonl\n"
    )


def test_without_duckdb_one_sentence_names_the_extra(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run(folder) == 2
    assert capsys.readouterr().err == "a report needs DuckDB: pip install 'costspan[report]'\n"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "costspan.cli", "report", *map(str, arguments)]


def test_a_terminal_gets_colours_and_bars(folder: Path):
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    with subprocess.Popen(command(folder, "--by", "agent"), stdout=theirs, env=environ) as process:
        os.close(theirs)
        printed = b""
        while part := _read(ours):
            printed += part
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[32m" in printed
    assert "██████████".encode() in printed


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # Linux: the other end is closed
        return b""


def test_a_reader_that_had_enough(folder: Path):
    """The pipe is closed before anything is written to it."""
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run(command(folder), stdout=written, stderr=subprocess.PIPE, text=True)
    os.close(written)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_what_a_report_does_not_need_is_not_imported(folder: Path):
    """The whole process is to take a second for a million calls."""
    code = (
        "import sys; from costspan.cli import main; main(sys.argv[1:]); "
        "print(sorted({'rich', 'genai_prices', 'opentelemetry.sdk', 'openai'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", str(folder)], capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
