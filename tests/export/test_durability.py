"""When a line is safe: at return, within a second, or on the disk at return."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from costspan import CostTracker, LocalFiles
from costspan.export import batches, lifetime, open_file, syncing, writer
from costspan.export.calls import CallsFile
from tests.cost.calls import finished
from tests.export.conftest import DAY, NOON, line
from tests.export.folder import Folder

ROOT = Path(__file__).parents[2]


class Gate:
    """Stops a thread where it writes, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self._sleep = batches.time.sleep
        monkeypatch.setattr(batches, "time", self)
        self.monotonic = __import__("time").monotonic

    def sleep(self, seconds: float) -> None:
        self.entered.set()
        self.opened.wait(60)
        self._sleep(0)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


class TestBatch:
    """Lines wait for a thread that writes them together."""

    def test_the_thread_writes_what_has_gathered(self, append_to, logs: Path, gate: Gate):
        appender = append_to(durability="batch")
        for number in range(300):
            assert appender.append(line(number), NOON)
        assert gate.entered.wait(60)
        assert not logs.exists()
        gate.opened.set()
        while not (logs.exists() and Folder(logs).agents == list(range(300))):
            threading.Event().wait(0.005)

    def test_they_gather_for_less_than_a_second(self):
        assert batches.GATHERED_FOR_SECONDS < 0.5

    def test_one_write_takes_many(self, append_to, gate: Gate, monkeypatch: pytest.MonkeyPatch):
        sizes: list[int] = []
        write = os.write
        monkeypatch.setattr(
            open_file.os,
            "write",
            lambda to, data: sizes.append(data.count(b"\n")) or write(to, data),
        )
        appender = append_to(durability="batch")
        for number in range(250):
            appender.append(line(number), NOON)
        assert appender.flush()
        assert sizes == [100, 100, 50]

    def test_a_line_may_be_made_by_the_thread(self, append_to, logs: Path, gate: Gate):
        appender = append_to(durability="batch")
        made: list[int] = []

        def make(number: int) -> bytes:
            made.append(number)
            return line(number)

        for number in range(3):
            appender.append_later(lambda number=number: make(number), NOON)
        assert made == []
        assert appender.flush()
        assert Folder(logs).agents == made == [0, 1, 2]

    @pytest.mark.faults
    def test_one_that_cannot_be_made_costs_no_other(
        self, append_to, logs: Path, gate: Gate, caplog
    ):
        appender = append_to(durability="batch")
        appender.append(line(1), NOON)
        appender.append_later(lambda: line(1 / 0), NOON)
        appender.append(line(2), NOON)
        assert appender.flush()
        assert Folder(logs).agents == [1, 2]
        assert [one["reason"] for one in Folder(logs).records] == ["it could not be made"]
        assert "costspan failed at making a line (ZeroDivisionError)" in caplog.text

    def test_what_cannot_be_written_waits(self, append_to, logs: Path, gate: Gate, caplog):
        appender = append_to(durability="batch")
        logs.write_text("a file")
        for number in range(150):
            assert appender.append(line(number), NOON)
        assert not appender.flush()
        assert "(File exists), 150 lines wait" in caplog.text
        logs.unlink()
        assert appender.flush()
        assert (Folder(logs).agents, appender.lost) == (list(range(150)), 0)
        assert Folder(logs).records == []

    def test_what_is_too_much_is_lost_and_named(
        self, append_to, logs: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(batches, "MOST_WAITING", 10)
        appender = append_to(durability="batch")
        logs.write_text("a file")
        assert [appender.append(line(number), NOON) for number in range(13)] == (
            [True] * 10 + [False] * 3
        )
        logs.unlink()
        assert appender.flush()
        found = Folder(logs)
        assert (found.agents, [one["lost"] for one in found.records]) == (list(range(10)), [3])

    def test_a_full_queue_is_written_by_the_caller(
        self, append_to, logs: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(batches, "MOST_WAITING", 10)
        appender = append_to(durability="batch")
        assert all(appender.append(line(number), NOON) for number in range(35))
        assert Folder(logs).agents == list(range(30))
        assert appender.lost == 0

    def test_what_cannot_be_written_at_the_end_is_counted(
        self, append_to, logs: Path, gate: Gate, caplog
    ):
        appender = append_to(durability="batch")
        logs.write_text("a file")
        for number in range(3):
            appender.append(line(number), NOON)
        appender.close()
        assert appender.lost == 3

    def test_it_is_closed_while_lines_wait_and_goes_on(self, append_to, logs: Path, gate: Gate):
        appender = append_to(durability="batch")
        for number in range(3):
            appender.append(line(number), NOON)
            appender.close()
        assert Folder(logs).agents == [0, 1, 2]

    def test_after_the_end_it_writes_at_once(self, append_to, logs: Path, threads_before):
        appender = append_to(durability="batch")
        appender.end()
        appender.append(line(1), NOON)
        assert Folder(logs).agents == [1]
        assert threads_before() == []

    def test_a_flush_waits_for_what_the_thread_has_taken(self, append_to, logs: Path, monkeypatch):
        taken, go_on = threading.Event(), threading.Event()
        write = os.write

        def slow(descriptor: int, data: bytes) -> int:
            taken.set()
            go_on.wait(60)
            return write(descriptor, data)

        monkeypatch.setattr(open_file.os, "write", slow)
        appender = append_to(durability="batch")
        appender.append(line(1), NOON)
        assert taken.wait(60)
        flushed = []
        flushing = threading.Thread(target=lambda: flushed.append(appender.flush()))
        flushing.start()
        flushing.join(0.05)
        assert flushed == []
        go_on.set()
        flushing.join()
        assert flushed == [True]
        assert Folder(logs).agents == [1]

    def test_where_no_thread_can_be_started_the_caller_writes(self, append_to, logs: Path):
        def none_left(run: object) -> None:
            raise RuntimeError("can't start new thread")

        appender = append_to(durability="batch")
        appender._batches._start = none_left
        appender.append(line(1), NOON)
        assert Folder(logs).agents == [1]

    def test_the_thread_ends_when_nothing_comes(
        self, append_to, logs: Path, threads_before, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(batches, "_IDLE_SECONDS", 0.01)
        monkeypatch.setattr(batches, "GATHERED_FOR_SECONDS", 0)
        appender = append_to(durability="batch")
        for number in range(3):
            appender.append(line(number), NOON)
            for thread in threads_before():
                thread.join()
        assert Folder(logs).agents == [0, 1, 2]

    def test_threads_that_write_at_once(self, append_to, logs: Path):
        appender = append_to(durability="batch")

        def many(thread: int) -> None:
            for number in range(1000):
                appender.append(line(f"{thread}/{number}"), NOON)

        threads = [threading.Thread(target=many, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert appender.flush()
        found = Folder(logs).agents
        assert len(set(found)) == len(found) == 8000
        # each thread's own lines stand in their order
        for thread in range(8):
            own = [int(agent.split("/")[1]) for agent in found if agent.startswith(f"{thread}/")]
            assert own == list(range(1000))


class TestFsync:
    """The line is on the disk when append returns."""

    @pytest.fixture
    def synced(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The sizes of the files as they were synced; -1 for a folder."""
        sizes: list[int] = []
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            fsync(descriptor)
            state = os.fstat(descriptor)
            sizes.append(-1 if (state.st_mode & 0o040000) else state.st_size)

        monkeypatch.setattr(syncing.os, "fsync", noted)
        return sizes

    def test_each_line_is_synced_and_a_new_file_with_its_name(self, append_to, synced):
        appender = append_to(durability="fsync")
        for number in range(3):
            assert appender.append(line(number), NOON)
        size = len(line(0))
        assert synced == [-1, size, 2 * size, 3 * size]

    @pytest.mark.parametrize("durability", ["call", "batch"])
    def test_none_else_is(self, append_to, synced, durability: str):
        appender = append_to(durability=durability)
        appender.append(line(1), NOON)
        appender.flush()
        assert synced == []

    def test_one_sync_serves_all_that_wait(self, append_to, logs: Path, monkeypatch):
        syncs, begun, go_on = [], threading.Event(), threading.Event()

        def slow(descriptor: int) -> None:
            if os.fstat(descriptor).st_mode & 0o040000:
                return
            syncs.append(descriptor)
            begun.set()
            go_on.wait(60)

        monkeypatch.setattr(syncing.os, "fsync", slow)
        appender = append_to(durability="fsync")
        threads = [
            threading.Thread(target=appender.append, args=(line(number), NOON))
            for number in range(10)
        ]
        threads[0].start()
        assert begun.wait(60)
        for thread in threads[1:]:
            thread.start()
        while len(Folder(logs).agents) < 10:
            threading.Event().wait(0.005)
        go_on.set()
        for thread in threads:
            thread.join()
        assert len(syncs) == 2

    def test_a_file_that_is_full_is_synced_before_it_is_closed(self, append_to, synced):
        appender = append_to(durability="fsync", rotate="1 kB")
        for number in range(2):
            appender.append(line(number, 1000), NOON)
        size = len(line(0, 1000))
        assert synced == [-1, size, size, -1, size]

    def test_a_disk_that_cannot_sync_is_told_of(self, append_to, logs: Path, monkeypatch, caplog):
        def broken(descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        appender = append_to(durability="fsync")
        appender.append(line(1), NOON)
        monkeypatch.setattr(syncing.os, "fsync", broken)
        assert not appender.append(line(2), NOON)
        monkeypatch.undo()
        assert appender.append(line(3), NOON)
        assert "(Input/output error), it is written, and may not survive a power cut" in caplog.text
        assert Folder(logs).agents == [1, 2, 3]

    def test_another_thread_opens_a_file_between_a_write_and_its_sync(
        self, append_to, monkeypatch: pytest.MonkeyPatch
    ):
        """The sync as the first file was closed failed: the line is in it, and not safe."""
        broken: list[int] = []
        fsync = os.fsync

        def sometimes(descriptor: int) -> None:
            if descriptor in broken:
                broken.remove(descriptor)
                raise OSError(errno.EIO, "Input/output error")
            fsync(descriptor)

        appender = append_to(durability="fsync")
        assert appender.append(line(0), NOON)
        monkeypatch.setattr(syncing.os, "fsync", sometimes)
        is_synced, acknowledged = appender._is_synced, []

        def late(*numbers: int) -> bool:
            monkeypatch.setattr(appender, "_is_synced", is_synced)
            broken.append(appender._writer.file.descriptor)
            other = threading.Thread(
                target=lambda: acknowledged.append(appender.append(line(2), NOON + DAY))
            )
            other.start()
            other.join()
            return is_synced(*numbers)

        monkeypatch.setattr(appender, "_is_synced", late)
        assert not appender.append(line(1), NOON)
        assert acknowledged == [True]
        assert appender.append(line(3), NOON + DAY)

    def test_a_disk_says_once_that_a_sync_failed_and_all_who_wait_hear_it(
        self, append_to, logs: Path, monkeypatch: pytest.MonkeyPatch
    ):
        begun, go_on = threading.Event(), threading.Event()
        fsync, faults = os.fsync, [OSError(errno.EIO, "Input/output error")]

        def broken(descriptor: int) -> None:
            if not begun.is_set():
                begun.set()
                go_on.wait(60)
            elif faults:
                raise faults.pop()
            fsync(descriptor)

        appender = append_to(durability="fsync")
        appender.append(line("first"), NOON)
        monkeypatch.setattr(syncing.os, "fsync", broken)
        acknowledged: dict[int, bool] = {}

        def append(number: int) -> None:
            acknowledged[number] = appender.append(line(number), NOON)

        threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
        threads[0].start()
        assert begun.wait(60)
        for thread in threads[1:]:
            thread.start()
        while len(Folder(logs).agents) < 5:
            threading.Event().wait(0.005)
        go_on.set()
        for thread in threads:
            thread.join()
        assert acknowledged == {0: True, 1: False, 2: False, 3: False}
        assert appender.append(line(4), NOON)

    def test_it_says_that_it_waits(self, tmp_path: Path):
        waits = [
            CallsFile(LocalFiles(tmp_path, durability=word)).waits
            for word in ("call", "batch", "fsync")
        ]
        assert waits == [False, False, True]


AT_THE_END = """
import atexit, sys
atexit.register(lambda: settle("of a handler older than costspan"))
from costspan import CostTracker, LocalFiles
from costspan.export.calls import CallsFile
from tests.cost.calls import finished

costs = CostTracker()

def settle(agent):
    costs.settle(finished(agent=agent, input_tokens=1))

atexit.register(settle, "of a handler that runs last")
costs.writers = (CallsFile(LocalFiles(sys.argv[1], durability=sys.argv[2])),)
atexit.register(settle, "of a handler that runs first")
settle("before")
if sys.argv[3] == "exit":
    sys.exit(0)
if sys.argv[3] == "raise":
    raise SystemExit(0)
"""


@pytest.mark.parametrize(
    ("durability", "way"),
    [("call", "end"), ("batch", "end"), ("fsync", "end"), ("batch", "exit"), ("batch", "raise")],
)
def test_a_process_that_ends_has_written_all(logs: Path, durability: str, way: str):
    subprocess.run(
        [sys.executable, "-c", AT_THE_END, logs, durability, way], check=True, cwd=ROOT, timeout=60
    )
    assert sorted(Folder(logs).agents) == [
        "before",
        "of a handler older than costspan",
        "of a handler that runs first",
        "of a handler that runs last",
    ]


class TestSignal:
    """A handler runs in the thread that is in the middle of a write, at any of its calls."""

    @pytest.fixture(params=["write", "lseek"])
    def interrupt(self, request, monkeypatch: pytest.MonkeyPatch):
        """Does something once, before that call of the system."""

        def set_up(handler: Callable[[], object]) -> None:
            real, nested = getattr(os, request.param), iter([handler])

            def interrupted(*given: object) -> int:
                for inner in nested:
                    inner()
                return real(*given)

            monkeypatch.setattr(open_file.os, request.param, interrupted)

        return set_up

    def test_it_may_make_a_call(self, append_to, logs: Path, interrupt):
        appender = append_to()
        appender.append(line(0), NOON)
        interrupt(lambda: appender.append(line("of the handler"), NOON))
        assert appender.append(line(1), NOON)
        assert Folder(logs).agents == [0, 1, "of the handler"]
        assert Folder(logs).torn == []

    def test_it_may_close(self, append_to, logs: Path, interrupt):
        appender = append_to()
        appender.append(line(0), NOON)
        interrupt(appender.close)
        assert appender.append(line(1), NOON)
        assert appender._writer.file is None
        assert appender.append(line(2), NOON)
        assert (Folder(logs).agents, Folder(logs).torn) == ([0, 1, 2], [])

    def test_it_may_make_a_call_and_end_the_process(self, append_to, logs: Path, interrupt):
        appender = append_to(durability="fsync")
        appender.append(line(0), NOON)

        def handler() -> None:
            assert appender.append(line("of the handler"), NOON)
            raise SystemExit

        interrupt(handler)
        with pytest.raises(SystemExit):
            appender.append(line(1), NOON)
        assert Folder(logs).agents[-1] == "of the handler"
        assert Folder(logs).torn == []

    def test_what_two_handlers_left_is_written_at_the_close(
        self, append_to, logs: Path, monkeypatch: pytest.MonkeyPatch
    ):
        appender = append_to(durability="fsync")
        appender.append(line(0), NOON)

        def ends(*given: object) -> int:
            appender.append(line(f"of handler {next(numbers, None)}"), NOON)
            raise SystemExit

        numbers = iter(range(1, 3))
        with monkeypatch.context() as patched:
            patched.setattr(open_file.os, "write", ends)
            with pytest.raises(SystemExit):
                appender.append(line(1), NOON)
        appender.close()
        assert Folder(logs).agents[-1] == "of handler 2"

    def test_it_may_flush_and_close_what_waits(self, append_to, logs: Path, interrupt, gate: Gate):
        appender = append_to(durability="batch")
        for number in range(3):
            appender.append(line(number), NOON)
        flushed: list[bool] = []

        def handler() -> None:
            flushed.append(appender.flush())
            appender.append(line("of the handler"), NOON)
            appender.close()

        interrupt(handler)
        assert appender.flush()
        assert flushed == [False]
        assert appender.flush()
        assert Folder(logs).agents == [0, 1, 2, "of the handler"]
        assert (Folder(logs).torn, appender.lost) == ([], 0)


class TestSeal:
    """What may change lines right before they are written."""

    class Numbering:
        """Numbers the lines that are written, and says when files are opened and closed."""

        def __init__(self) -> None:
            self.number = 0
            self.forks = 0

        def opened(self, path: Path) -> list[bytes]:
            return [line(f"open {path.name[18:20]}")]

        def closing(self, path: Path) -> list[bytes]:
            return [line(f"close {path.name[18:20]}")]

        def sealed(self, lines: list[bytes]) -> list[bytes]:
            return [b'{"n": %d, ' % (self.number + n) + one[1:] for n, one in enumerate(lines)]

        def written(self, count: int) -> None:
            self.number += count

        def forked(self) -> None:
            self.forks += 1

        def settle(self) -> None:
            pass

    @pytest.fixture
    def seal(self) -> Numbering:
        return self.Numbering()

    @pytest.fixture
    def sealed(self, logs: Path, seal: Numbering):
        from costspan.export.appender import Appender

        made = []

        def make(**rules: object) -> Appender:
            made.append(Appender(LocalFiles(logs, **rules), seal=seal))
            return made[-1]

        yield make
        for one in made:
            one.close()

    @pytest.mark.parametrize("durability", ["call", "batch", "fsync"])
    def test_it_sees_every_line_in_its_order(self, sealed, logs: Path, durability: str):
        appender = sealed(durability=durability)
        for number in range(3):
            appender.append(line(number), NOON)
        appender.append(line(3), NOON + 86_400 * 10**9)
        appender.close()
        calls = Folder(logs).calls
        assert [call["agent"] for call in calls] == [
            "open 22", 0, 1, 2, "close 22", "open 23", 3, "close 23",
        ]  # fmt: skip
        assert [call["n"] for call in calls] == list(range(8))

    def test_a_line_that_is_lost_is_not_counted(
        self, sealed, logs: Path, monkeypatch: pytest.MonkeyPatch
    ):
        appender = sealed()
        appender.append(line(0), NOON)

        def full(descriptor: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(open_file.os, "write", full)
            assert not appender.append(line("lost"), NOON)
        appender.append(line(1), NOON)
        found = Folder(logs)
        assert found.agents == ["open 22", 0, "open 22", 1]
        assert sorted([one["n"] for one in found.calls + found.records]) == list(range(5))

    def test_a_line_is_sealed_anew_where_the_file_was_gone(self, sealed, logs: Path):
        appender = sealed()
        appender.append(line(0), NOON)
        shutil.rmtree(logs)
        appender.append(line(1), NOON)
        assert [(call["n"], call["agent"]) for call in Folder(logs).calls] == [
            (2, "open 22"),
            (3, 1),
        ]

    def test_a_signal_in_the_middle_of_a_write_waits_for_it(
        self, sealed, seal, logs: Path, monkeypatch: pytest.MonkeyPatch
    ):
        appender = sealed()
        appender.append(line(0), NOON)
        written, nested = seal.written, iter([line("of the handler")])

        def interrupted(count: int) -> None:
            for inner in nested:
                assert appender.append(inner, NOON)
            written(count)

        monkeypatch.setattr(seal, "written", interrupted)
        appender.append(line(1), NOON)
        assert [(call["n"], call["agent"]) for call in Folder(logs).calls][1:] == [
            (1, 0),
            (2, 1),
            (3, "of the handler"),
        ]


def test_the_sink_hands_over_calls_by_every_durability(tmp_path: Path):
    for durability in ("call", "batch", "fsync"):
        costs = CostTracker()
        file = CallsFile(LocalFiles(tmp_path / durability, durability=durability))
        costs.writers = (file,)
        for number in range(10):
            costs.settle(finished(agent=f"a{number}", input_tokens=number))
        assert file.flush()
        assert Folder(tmp_path / durability).agents == [f"a{number}" for number in range(10)]
        file.close()


@pytest.mark.faults
def test_what_fails_at_a_fork_or_an_end_harms_nobody(caplog):
    class Broken:
        def before_fork(self, timeout: float) -> bool:
            raise ZeroDivisionError

        forked_parent = forked_child = end = lambda self: 1 / 0

    one = Broken()
    lifetime.watch(one)
    for hook in (lifetime._before, lifetime._in_parent, lifetime._in_child, lifetime._end):
        hook()
    assert "ZeroDivisionError" in caplog.text
    del one


@pytest.mark.faults
def test_a_fault_before_a_fork_leaves_no_lock_held(append_to, logs: Path, monkeypatch):
    appender = append_to()
    monkeypatch.setattr(appender, "flush", lambda timeout: 1 / 0)
    lifetime._before()
    lifetime._in_parent()
    other = threading.Thread(target=appender.append, args=(line(1), NOON))
    other.start()
    other.join()
    monkeypatch.undo()
    assert Folder(logs).agents == [1]


def test_the_name_of_a_file_is_asked_of_the_folder_once(append_to, monkeypatch):
    asked = []
    listdir = os.listdir
    monkeypatch.setattr(writer.os, "listdir", lambda place: asked.append(1) or listdir(place))
    appender = append_to()
    for number in range(50):
        appender.append(line(number), NOON)
    assert len(asked) == 1
