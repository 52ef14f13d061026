"""`costspan tail`, run as a process beside processes that write."""

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.folders import GAP, line, write

DAY = "llm_trace_2026-11-21.jsonl"
WRITER = """
import sys
from costspan import Instrumentor, attribution, record_call

Instrumentor().instrument(local=sys.argv[1], providers=())
for number in range(int(sys.argv[3])):
    with attribution(agent=f"{sys.argv[2]}-{number}"), record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=1000, output_tokens=100)
"""


@contextmanager
def tail(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "costspan.cli", "tail", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=os.environ, preexec_fn=_hears_ctrl_c
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _hears_ctrl_c() -> None:
    """What a shell starts in the background is deaf to it, and so would its children be."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def first(process: subprocess.Popen[str], count: int) -> list[str]:
    """So many lines of its output, waited for."""
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def stopped(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What is left to read after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)


def test_calls_of_several_processes_and_the_totals_at_the_end(tmp_path: Path):
    """1,000 tokens at 0.15 and 100 at 0.60 a million are 0.00021 USD (gpt-4o-mini, 2026-11)."""
    logs = tmp_path / "logs"
    with tail(logs) as process:
        assert first(process, 1)[0].startswith("time UTC")
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(logs), name, "10"])
            for name in ("a", "b")
        ]
        rows = first(process, 20)
        assert [writer.wait(30) for writer in writers] == [0, 0]
        out, err = stopped(process)

    agents = sorted(row.split()[1] for row in rows)
    assert agents == sorted(f"{name}-{number}" for name in "ab" for number in range(10))
    assert {row.split()[-1] for row in rows} == {"0.000210"}
    assert (process.returncode, out) == (0, "")
    waiting, totals = err.splitlines()
    assert waiting == f"{logs} is not there yet: waiting for it"
    assert totals.startswith("20 calls, 22,000 tokens, 0.0042 USD, 0 errors; in 0:")


def test_lines_pass_through_as_they_are(tmp_path: Path):
    rows = [line(agent="a"), line(agent="b", model="ö"), line(agent="a", cost_usd="0.1")]
    write(tmp_path, *rows)
    with tail(tmp_path, "--json", "--agent", "a", "-n", "1") as process:
        assert first(process, 1) == [rows[2] + "\n"]
        gap = GAP[:-1] + ',"pid":1}'
        write(tmp_path, rows[1], "torn", gap, rows[0], rows[2], name="llm_trace_2026-11-22.jsonl")
        assert first(process, 2) == [rows[0] + "\n", rows[2] + "\n"]
        _, err = stopped(process)
    assert err.startswith("2 calls, 220 tokens, 0.6 USD, 0 errors, 1 broken line, 3 calls never")


def test_it_ends_when_nobody_reads_any_more(tmp_path: Path):
    """Not at the next call, which may never come."""
    write(tmp_path, line())
    with tail(tmp_path, "--json") as process:
        first(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=30) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_terminal_has_colours_and_the_totals_all_the_time(tmp_path: Path):
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "costspan.cli", "tail", str(tmp_path), "-n", "0"]
    with subprocess.Popen(command, stdout=child, stderr=child, preexec_fn=_hears_ctrl_c) as process:
        os.close(child)
        try:
            _until(parent, "0 calls, 0 tokens, 0 USD, 0 errors; last minute: 0 calls, 0 USD")
            write(tmp_path, line(agent="well"), line(agent="ill", error="openai.Timeout"))
            shown = _until(parent, "2 calls, 220 tokens, 1 USD, 1 error; last minute: 2 calls")
            process.send_signal(signal.SIGINT)
            _until(parent, "a minute")
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()  # it may wait for somebody to read what it shows
            os.close(parent)
    red = [row for row in shown.splitlines() if "\x1b[31m" in row]
    assert len(red) == 1
    assert "openai.Timeout" in red[0]


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_that_wants_no_colours(tmp_path: Path, variable: dict[str, str]):
    write(tmp_path, line(agent="ill", error="openai.Timeout"))
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "costspan.cli", "tail", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=child, env=os.environ | variable, preexec_fn=_hears_ctrl_c
    ) as process:
        os.close(child)
        try:
            shown = _until(parent, "openai.Timeout")
        finally:
            process.kill()
            os.close(parent)
    assert "\x1b" not in shown


def _until(terminal: int, text: str) -> str:
    """What a terminal shows, up to a text."""
    shown, deadline = b"", time.monotonic() + 60
    while text.encode() not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"{text!r} is not in {shown!r}"
        shown += os.read(terminal, 4096)
        assert time.monotonic() < deadline, f"{text!r} is not in {shown!r}"
    return shown.decode(errors="replace")


def test_it_sleeps_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    mine, others = threading.get_ident(), time.sleep

    def sleep(seconds: float) -> None:
        if threading.get_ident() != mine:  # such as of a store that another test left
            others(seconds)
            return
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    assert main(["tail", str(tmp_path)]) == 0
    assert slept == [0.25, 0.25, 0.25]


def test_what_is_no_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write(tmp_path, line())
    assert main(["tail", str(tmp_path / DAY)]) == 2
    assert capsys.readouterr().err == f"{tmp_path / DAY} is no folder\n"


def test_a_url_is_refused_and_not_shown(capsys: pytest.CaptureFixture[str]):
    assert main(["tail", "postgresql://u:s3cret@host/db"]) == 2
    assert capsys.readouterr().err == "tail follows a folder, and no URL\n"
