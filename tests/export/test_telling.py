"""What goes wrong is logged while nobody waits for it: a handler of the log may make a call."""

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costspan.call import Cost
from costspan.export import batches, open_file, syncing
from costspan.export.appender import Appender
from tests.export.auditing.audited import call, write
from tests.export.conftest import NOON, line


class Calling(logging.Handler):
    """Waits for a call of another thread, such as that of a log which a model reads."""

    def __init__(self) -> None:
        super().__init__()
        self.call: Callable[[], object] = lambda: None
        self.told: list[str] = []
        self.is_stuck = False

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())
        thread = threading.Thread(target=self.call, daemon=True)
        thread.start()
        thread.join(5)
        self.is_stuck |= thread.is_alive()


@pytest.fixture
def calling() -> Iterator[Calling]:
    handler, logger = Calling(), logging.getLogger("costspan")
    before = logger.level
    logger.setLevel(logging.DEBUG)  # a fault of ours is an error only the first time
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def fails(*given: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def lost_and_found(appender: Appender, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(open_file.os, "write", fails)
        appender.append(line("lost"), NOON)
        appender.close()
    appender.append(line("found"), NOON)


def not_synced(appender: Appender, monkeypatch: pytest.MonkeyPatch) -> None:
    appender.append(line(1), NOON)
    with monkeypatch.context() as patched:
        patched.setattr(syncing.os, "fsync", fails)
        appender.append(line("lost"), NOON)


def too_many(appender: Appender, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(open_file.os, "write", fails)
        patched.setattr(batches, "MOST_WAITING", 1)
        for _ in range(3):
            appender.append(line("lost"), NOON)
        appender.close()


def not_made(appender: Appender, monkeypatch: pytest.MonkeyPatch) -> None:
    appender.append_later(lambda: line(int("x")), NOON)
    appender.flush()


@pytest.mark.faults
@pytest.mark.parametrize(
    ("durability", "fault", "told"),
    [
        ("call", lost_and_found, "No space left on device"),
        ("fsync", lost_and_found, "No space left on device"),
        ("fsync", not_synced, "may not survive a power cut"),
        ("batch", lost_and_found, "No space left on device"),
        ("batch", too_many, "lines wait"),
        ("batch", not_made, "ValueError"),
    ],
)
def test_a_handler_of_the_log_may_make_a_call(
    append_to, logs: Path, calling: Calling, monkeypatch, durability: str, fault, told: str
):
    appender = append_to(durability=durability)
    calling.call = lambda: appender.append(line("of the log"), NOON)
    fault(appender, monkeypatch)
    appender.flush()
    assert told in "".join(calling.told)
    assert not calling.is_stuck


@pytest.mark.faults
def test_a_checkpoint_that_cannot_be_kept_is_told_while_nobody_waits(
    tmp_path: Path, calling: Calling
):
    file = write(tmp_path / "logs", [], close=False, checkpoints=tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    calling.call = lambda: file(call(2), Cost(status="priced", total=2))
    file(call(1), Cost(status="priced", total=1))
    file.close()
    assert "keeping a checkpoint" in "".join(calling.told)
    assert not calling.is_stuck
    calling.call = lambda: None
    file.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_what_goes_wrong_before_a_fork_is_told_after_it(
    append_to, calling: Calling, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "GATHERED_FOR_SECONDS", 60)
    appender = append_to(durability="batch")
    appender.append(line(1), NOON)
    monkeypatch.setattr(open_file.os, "write", fails)
    assert appender.before_fork(5)
    assert calling.told == []
    monkeypatch.undo()
    calling.call = lambda: appender.append(line("of the log"), NOON)
    appender.forked_parent()
    (told,) = calling.told
    assert "No space left on device" in told
    assert not calling.is_stuck
