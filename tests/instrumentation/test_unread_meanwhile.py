"""What else may happen while calls' metrics are recorded: other threads, finalisers, forks."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from costspan import Instrumentor, guard
from costspan.instrumentation import unread
from costspan.instrumentation.unread import AT_ONCE, MOST_CALLS, Row
from tests.instrumentation.app import run_app
from tests.instrumentation.measured import Measured, one_call
from tests.instrumentation.rig import ASK, PATIENCE, answer_chat, openai_client, watched


class Held:
    """A measurement in the middle of which a thread stays until it may go on."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self) -> None:
        if not self.begun.is_set():
            self.begun.set()
            assert self.may_go_on.wait(PATIENCE)


@contextmanager
def held(measured: Measured, record: Callable[[], Any]) -> Iterator[tuple[Held, Future[Any]]]:
    """Another thread that records, and stays in the middle of it."""
    measured.meanwhile = hold = Held()
    with ThreadPoolExecutor(1) as other:
        done = other.submit(record)
        assert hold.begun.wait(PATIENCE)
        try:
            yield hold, done
        finally:
            hold.may_go_on.set()


def fill(number: int) -> None:
    for _ in range(number):
        one_call()


@pytest.fixture
def measured() -> Iterator[Measured]:
    measured = Measured()
    with watched(meter_provider=measured.provider):
        yield measured


@pytest.mark.parametrize(
    ("waiting", "record"), [(MOST_CALLS - 1, one_call), (1, unread.record_all)]
)
def test_a_reader_waits_for_who_is_recording(
    measured: Measured, waiting: int, record: Callable[[], None]
):
    """A call that found the row full, or who has taken the last one out of it."""
    fill(waiting)
    with held(measured, record) as (hold, _), ThreadPoolExecutor(1) as readers:
        collected = readers.submit(measured.seen)
        with pytest.raises(TimeoutError):
            collected.result(0.05)
        hold.may_go_on.set()
        number = MOST_CALLS if record is one_call else waiting
        assert collected.result(PATIENCE) == (number, number)


def test_a_reader_waits_for_no_thread_that_waits_for_it(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
):
    """Such as one that a signal interrupted, whose handler collects too: both go on."""
    monkeypatch.setattr(unread, "_PATIENCE", 0.05)
    fill(MOST_CALLS - 1)
    with held(measured, one_call) as (hold, _):
        assert measured.seen()[0] < MOST_CALLS
        hold.may_go_on.set()
    assert measured.seen() == (MOST_CALLS, MOST_CALLS)


def test_a_call_waits_for_no_reader(measured: Measured):
    """Nor does it record what the reader is about to, nor is any lost."""
    one_call()
    with held(measured, measured.seen) as (hold, collected):
        fill(MOST_CALLS + AT_ONCE)
        assert len(measured.threads) == 1
        hold.may_go_on.set()
        assert collected.result(PATIENCE) == (1, 1)
    number = MOST_CALLS + AT_ONCE + 1
    assert measured.seen() == (number, number)


def test_a_row_is_bounded_where_a_reader_never_comes_back():
    """Ten times what it holds otherwise, and the latest of it."""
    row, found, begun, may_go_on = Row(4), [], threading.Event(), threading.Event()
    row.put(lambda: (begun.set(), may_go_on.wait(PATIENCE)))
    with ThreadPoolExecutor(1) as reader:
        reader.submit(row.record_all)
        assert begun.wait(PATIENCE)
        for number in range(100):
            row.put(found.append, number)
        may_go_on.set()
    row.record_all()
    assert found == list(range(60, 100))


def test_a_call_that_ends_in_the_middle_of_a_reading(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
):
    """A finaliser may settle one, and record, in the very thread that is recording another."""
    monkeypatch.setattr(unread, "_PATIENCE", 100 * PATIENCE)
    ended: list[int] = []

    def once() -> None:
        if not ended:
            ended.append(1)
            fill(MOST_CALLS)
            unread.record_all()

    one_call()
    measured.meanwhile = once
    assert measured.seen() == (1, 1)
    assert measured.seen() == (MOST_CALLS + 1, MOST_CALLS + 1)


def test_a_stream_that_is_dropped_in_the_middle_of_a_reading(measured: Measured):
    """Its worker settles it while a reader holds the SDK's locks."""
    with openai_client(answer_chat) as client:
        dropped: list[Any] = [client.chat.completions.create(**ASK, stream=True)]
        next(dropped[0])
        one_call()
        measured.meanwhile = lambda: (dropped.clear(), gc.collect())
        measured.seen()
        measured.meanwhile = bool
    unread_until(measured, 2)


def unread_until(measured: Measured, number: int) -> None:
    """Collect until a worker's call is there."""
    for _ in range(2000):
        if measured.seen()[1] == number:
            return
        threading.Event().wait(PATIENCE / 2000)
    assert measured.seen()[1] == number


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer of the system's")
def test_signals_whose_handler_makes_a_call(measured: Measured):
    """In the middle of whatever the main thread does: settling, recording, reading."""
    made: list[int] = []
    costs = Instrumentor().costs
    assert costs is not None

    def make(*of_a_signal: Any) -> None:
        one_call()
        made.append(1)
        again()

    def again() -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.001)

    before = signal.signal(signal.SIGVTALRM, make)
    try:
        again()
        while len(made) < 30:
            one_call()
            unread.record_all()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    # Where the signal came while a span was exported the SDK has suppressed all recording.
    number = costs.summary().calls
    assert number > len(made)
    assert measured.seen() == (number, number)


@pytest.mark.faults
def test_a_measurement_that_fails_takes_no_other_with_it():
    """The fault is one call's, and ours to swallow."""
    measured = Measured()

    def fail() -> None:
        if len(measured.threads) == 2:
            raise LookupError

    measured.meanwhile = fail
    faults = guard.faults()
    Instrumentor().instrument(meter_provider=measured.provider)
    for _ in range(3):
        one_call()
    tokens, number = measured.seen()
    Instrumentor().uninstrument()

    assert len(measured.threads) == number == 3  # the SDK has counted before it asks
    assert tokens == 2
    assert guard.faults() == faults + 1


FORK = """
import json, os
from costspan import Instrumentor
from tests.instrumentation.measured import Measured, one_call

measured = Measured()
Instrumentor().instrument(meter_provider=measured.provider)
one_call()
one_call()
from costspan.instrumentation import unread
lock = unread.calls._lock
lock.acquire()  # as where another thread is recording at the fork
read, write = os.pipe()
child = os.fork()
if child == 0:
    mine = measured.seen()
    one_call()
    os.write(write, json.dumps([mine, measured.seen()]).encode())
    os._exit(0)
os.waitpid(child, 0)
lock.release()
print(json.dumps([json.loads(os.read(read, 1000)), measured.seen()]))
"""


def test_a_forked_child_leaves_the_parents_calls_to_it():
    of_child, of_parent = run_app(FORK).said

    assert of_child == [[0, 0], [1, 1]]
    assert of_parent == [2, 2]


AT_EXIT = """
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from costspan import Instrumentor
from tests.instrumentation.measured import INPUT, one_call

def said(data):
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    return "".join(f"{m.data.data_points[0].value}\\n" for m in metrics if m.name == INPUT)

exporter = ConsoleMetricExporter(formatter=said)
Instrumentor().instrument(meter_provider=MeterProvider([PeriodicExportingMetricReader(exporter)]))
one_call(7)
"""


def test_the_end_of_a_process_shows_what_waits():
    assert run_app(AT_EXIT).said == 7
