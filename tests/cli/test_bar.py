"""The progress bar: on a terminal, for those who wait, and gone afterwards."""

import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from costspan.cli.bar import bar


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as standard error; the descriptor at which somebody looks at it."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        yield ours
    os.close(ours)


def read_until(descriptor: int, sign: bytes) -> bytes:
    seen = b""
    while sign not in seen:
        seen += os.read(descriptor, 1 << 16)
    return seen


def test_who_waits_sees_how_much_is_done(monkeypatch: pytest.MonkeyPatch):
    with terminal(monkeypatch) as screen:
        with bar(lambda: 42.0, patience=0):
            seen = read_until(screen, b" 42%")
        assert "━".encode() in seen
        assert b"\x1b[2K" in read_until(
            screen, b"\x1b[?25h"
        )  # the line is cleared, the cursor back


def test_where_nobody_knows_there_is_a_bar_without_a_figure(monkeypatch: pytest.MonkeyPatch):
    with terminal(monkeypatch) as screen:
        with bar(lambda: None, patience=0):
            seen = read_until(screen, "━".encode())
        seen += read_until(screen, b"\x1b[?25h")
    assert b"%" not in seen


def test_who_does_not_wait_sees_nothing(monkeypatch: pytest.MonkeyPatch):
    with terminal(monkeypatch) as screen:
        with bar(lambda: 42.0, patience=threading.TIMEOUT_MAX):
            pass
        sys.stderr.write("end")
        sys.stderr.flush()
        assert read_until(screen, b"end") == b"end"


def test_a_pipe_gets_none(capsys: pytest.CaptureFixture[str]):
    before = threading.active_count()
    with bar(lambda: 42.0, patience=0):
        assert threading.active_count() == before
    assert capsys.readouterr() == ("", "")


def test_a_fault_goes_through_and_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch):
    def running() -> bool:
        return any(thread.name == "costspan-bar" for thread in threading.enumerate())

    def fail() -> None:
        assert running()
        raise LookupError

    shown = bar(lambda: 42.0, patience=threading.TIMEOUT_MAX)
    with terminal(monkeypatch), pytest.raises(LookupError), shown:
        fail()
    assert not running()
