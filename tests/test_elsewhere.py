"""Work that is handed to other threads."""

import threading
from collections.abc import Iterator

import pytest

from costspan import elsewhere

PATIENCE = 20.0


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A pool whose only thread is at work until this is set, and that gets no other one."""
    monkeypatch.setattr(elsewhere, "_pool", elsewhere._Pool())
    until = threading.Event()
    elsewhere.submit(until.wait)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield until
    until.set()


def test_what_a_pool_has_no_thread_for_is_done_here_and_once(busy: threading.Event):
    """The pool keeps it all the same: a call that was counted here would be counted there too."""
    done: list[str] = []
    elsewhere.submit(lambda: done.append("here"))
    busy.set()
    assert elsewhere.finished(PATIENCE)
    last = elsewhere._pool._threads
    assert last is not None
    last.shutdown()
    assert done == ["here"]


@pytest.mark.usefixtures("busy")
def test_what_fails_here_fails_for_who_asked():
    with pytest.raises(ZeroDivisionError):
        elsewhere.submit(lambda: 1 / 0)
