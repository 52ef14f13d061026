"""How alerts leave the caller's thread: bounded, tried again, and whatever a sink does."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import (
    Alert,
    Budget,
    BudgetExceeded,
    CostTracker,
    Instrumentor,
    attributed,
    attribution,
    record_call,
)
from costspan.alerts import courier as courier_module
from costspan.alerts import lane, post
from costspan.alerts.alert import LastCall
from costspan.alerts.courier import Courier
from costspan.alerts.faults import NotTaken
from costspan.alerts.lane import Pauses
from tests.alerts.alerts import PATIENCE, alert
from tests.cost.calls import finished

ROOT = Path(__file__).parents[2]

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
USD = Decimal("0.00027")  # gpt-4o-mini


def tracker(*sinks) -> CostTracker:
    budgets = [Budget("single call", usd=0.0001, per="call")]
    return CostTracker(budgets=budgets, alerts=list(sinks))


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, with no pause between them."""
    monkeypatch.setattr(lane, "PAUSES", (0.0, 0.0))


class Hanging:
    """A sink that takes its first alert when it is set free."""

    def __init__(self) -> None:
        self.begun, self.free = threading.Event(), threading.Event()
        self.told: list[Alert] = []

    def __call__(self, alert: Alert) -> None:
        self.begun.set()
        self.free.wait(PATIENCE)
        self.told.append(alert)


@pytest.fixture
def hanging():
    made = Hanging()
    yield made
    made.free.set()


def failing(reason: Exception, tries: list[Alert]) -> Callable[[Alert], None]:
    def sink(alert: Alert) -> None:
        tries.append(alert)
        raise reason

    return sink


class TestThread:
    def test_a_sink_runs_in_a_thread_of_ours_for_nobody_and_untraced(self):
        seen: list[object] = []

        def sink(alert: Alert) -> None:
            seen.append(threading.current_thread().name)
            seen.append(attributed.current())
            seen.append(trace.get_current_span())
            seen.append(is_instrumentation_enabled())

        with (
            attribution(agent="a"),
            TracerProvider(shutdown_on_exit=False)
            .get_tracer("app")
            .start_as_current_span("request"),
        ):
            costs = tracker(sink)
            costs.settle(finished(**COUNTS))
            assert costs.flush(PATIENCE)
        assert seen == ["costspan-alerts", attributed.NOBODY, trace.INVALID_SPAN, False]
        assert context.get_current() == {}

    def test_a_model_that_a_sink_asks_is_neither_traced_nor_counted(
        self, instrumented: Instrumentor, spans: InMemorySpanExporter
    ):
        asked: list[bool] = []

        def sink(alert: Alert) -> None:
            with record_call(model="gpt-4o-mini") as call:
                call.set_usage(input_tokens=10**9, output_tokens=0)
            asked.append(True)

        courier = Courier()
        courier.send(alert(), (sink,))
        assert courier.flush(PATIENCE)
        assert asked == [True]
        assert spans.get_finished_spans() == ()
        assert instrumented.costs.summary().calls == 0

    def test_it_ends_when_its_courier_is_gone(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(lane, "_IDLE_SECONDS", 0.01)
        workers: list[threading.Thread] = []
        courier = Courier()
        sinks = (lambda alert: workers.append(threading.current_thread()),)
        courier.send(alert(key=""), sinks)
        assert courier.flush(PATIENCE)
        del courier
        workers[0].join(PATIENCE)
        assert not workers[0].is_alive()


class TestAsync:
    def test_a_sink_may_be_async(self):
        told: list[Alert] = []
        loops: list[object] = []

        class Sink:
            async def __call__(self, alert: Alert) -> None:
                await asyncio.sleep(0)
                loops.append(asyncio.get_running_loop())
                told.append(alert)

        async def sink(alert: Alert) -> None:
            told.append(alert)

        courier = Courier()
        sinks = (sink, Sink())
        courier.send(alert(key="a"), sinks)
        courier.send(alert(key="b"), sinks)
        assert courier.flush(PATIENCE)
        assert len(told) == 4
        assert loops[0] is loops[1], "what a sink keeps open belongs to one loop"

    @pytest.mark.usefixtures("_at_once")
    def test_one_that_hangs_is_cancelled_and_tried_again(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(lane, "_ASYNC_TRY_SECONDS", 0.01)
        tries: list[Alert] = []

        async def sink(alert: Alert) -> None:
            tries.append(alert)
            if len(tries) < 3:
                await asyncio.Event().wait()

        courier = Courier()
        courier.send(alert(), (sink,))
        assert courier.flush(PATIENCE)
        assert (len(tries), courier.undelivered) == (3, 0)


@pytest.mark.usefixtures("_at_once")
class TestTries:
    def test_a_sink_that_raises_is_tried_again_and_the_others_are_told(
        self, caplog: pytest.LogCaptureFixture
    ):
        tries: list[Alert] = []
        told: list[Alert] = []
        costs = tracker(failing(RuntimeError("no route to hunter2"), tries), told.append)
        assert costs.settle(finished(**COUNTS)).total_usd == USD
        assert costs.flush(PATIENCE)
        assert (len(tries), len(told)) == (3, 1)
        assert len(set(map(id, tries))) == 1
        assert "to failing.<locals>.sink (RuntimeError; 3 tries): budget" in caplog.text
        assert "hunter2" not in caplog.text

    def test_a_sink_that_fails_once_is_told_in_the_end(self):
        tries: list[Alert] = []

        def shaky(alert: Alert) -> None:
            tries.append(alert)
            if len(tries) < 2:
                raise ConnectionError

        courier = Courier()
        courier.send(alert(), (shaky,))
        assert courier.flush(PATIENCE)
        assert (len(tries), courier.undelivered) == (2, 0)

    def test_what_no_try_can_help_is_tried_once(self):
        tries: list[Alert] = []
        courier = Courier()
        courier.send(alert(), (failing(NotTaken("HTTP 400", again=False), tries),))
        assert courier.flush(PATIENCE)
        assert (len(tries), courier.undelivered) == (1, 1)

    def test_a_sink_that_meets_a_budget_keeps_no_other_from_being_told(self):
        told: list[Alert] = []
        courier = Courier()
        courier.send(alert(), (failing(BudgetExceeded("no", reason="limit"), []), told.append))
        assert courier.flush(PATIENCE)
        assert len(told) == 1

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    @pytest.mark.parametrize("raised", [asyncio.CancelledError(), SystemExit()], ids=repr)
    def test_no_exception_of_a_sink_ends_its_lane(self, raised: BaseException):
        told: list[Alert] = []
        dones: list[bool] = []
        workers: list[threading.Thread] = []

        def sink(alert: Alert) -> None:
            workers.append(threading.current_thread())
            if alert.key == "first":
                raise raised
            told.append(alert)

        courier = Courier()
        courier.send(alert(key="first"), (sink,), dones.append)
        courier.send(alert(key="second"), (sink,), dones.append)
        assert courier.flush(PATIENCE)
        workers[0].join(PATIENCE)  # it has ended, and said so
        assert [one.key for one in told] == ["second"]
        assert (dones, courier.undelivered) == ([False, True], 1)


class TestPauses:
    def seconds(self, *faults: Exception) -> list[float | None]:
        pauses = Pauses()
        return [pauses.after(fault) for fault in faults]

    def test_they_grow_and_end(self):
        found = self.seconds(*[OSError()] * 8)
        for pause, planned in zip(found, (0.5, 1, 2, 4, 8, 15, 30), strict=False):
            assert 0.8 * planned <= pause <= 1.2 * planned
        assert found[7] is None

    def test_a_receiver_is_taken_at_its_word_and_never_asked_earlier(self):
        (found,) = self.seconds(NotTaken("HTTP 429", retry_after=7.0))
        assert 7.0 <= found <= 7.2

    def test_a_receiver_that_wants_no_pause_gets_one(self):
        (found,) = self.seconds(NotTaken("HTTP 503", retry_after=0.0))
        assert found >= 1.0

    def test_its_word_does_not_use_up_the_tries_but_has_a_limit_of_its_own(self):
        found = self.seconds(*[NotTaken("HTTP 429", retry_after=300.0)] * 10)
        assert [pause >= 300 for pause in found[:3]] == [True] * 3
        assert max(found[3:9]) < 20
        assert found[9] < 40

    def test_they_and_the_tries_fit_into_a_claims_lease(self):
        tries = (len(lane.PAUSES) + 1) * post.TIMEOUT_SECONDS
        assert sum(lane.PAUSES) * 1.2 + tries < courier_module.HELD_SECONDS

    def test_what_cannot_help_has_none(self):
        assert self.seconds(NotTaken("HTTP 400", again=False)) == [None]


class TestLanes:
    def test_a_sink_that_hangs_holds_up_no_call_and_no_other_sink(self, hanging: Hanging):
        told: list[Alert] = []
        all_told = threading.Event()

        def other(alert: Alert) -> None:
            told.append(alert)
            if len(told) == 50:
                all_told.set()

        costs = tracker(hanging, other)
        for number in range(50):
            costs.settle(finished(**COUNTS, agent=f"a{number}"))
        assert hanging.begun.wait(PATIENCE)
        assert all_told.wait(PATIENCE)
        assert costs.flush(0.01) is False
        hanging.free.set()
        assert costs.flush(PATIENCE)
        assert hanging.told == told

    def test_a_full_queue_says_so_and_loses_nothing_that_was_taken(
        self, hanging: Hanging, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ):
        monkeypatch.setattr(courier_module, "MOST_WAITING", 3)
        courier = Courier()
        assert courier.send(alert(key="0"), (hanging,))
        assert hanging.begun.wait(PATIENCE)
        taken = [courier.send(alert(key=f"k{number}"), (hanging,)) for number in range(6)]
        assert taken == [True, True, True, False, False, False]
        assert courier.undelivered == 3
        assert caplog.text.count("costspan drops an alert") == 1
        hanging.free.set()
        assert courier.flush(PATIENCE)
        assert [one.key for one in hanging.told] == ["0", "k0", "k1", "k2"]
        assert courier.send(alert(key="k3"), (hanging,))
        assert courier.flush(PATIENCE)
        assert hanging.told[-1].key == "k3"

    def test_a_handler_of_the_log_may_wait_for_another_alert(
        self, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
    ):
        """Nothing is logged under a lock that an alert of another thread needs."""
        monkeypatch.setattr(courier_module, "MOST_WAITING", 0)
        courier = Courier()
        results: list[bool] = []

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "drops an alert" in record.getMessage():
                    other = threading.Thread(target=courier.flush, args=(0,), daemon=True)
                    other.start()
                    other.join(PATIENCE)
                    results.append(not other.is_alive())

        handler = Handler()
        logging.getLogger("costspan").addHandler(handler)
        try:
            assert courier.send(alert(), (hanging,)) is False
        finally:
            logging.getLogger("costspan").removeHandler(handler)
        assert results == [True]

    def test_a_full_queue_of_one_sink_is_none_of_another(
        self, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(courier_module, "MOST_WAITING", 1)
        told: list[str] = []
        arrived = threading.Semaphore(0)

        def other(alert: Alert) -> None:
            told.append(alert.key)
            arrived.release()

        courier = Courier()
        for number in range(5):
            assert courier.send(alert(key=f"k{number}"), (hanging, other))
            assert hanging.begun.wait(PATIENCE)
            assert arrived.acquire(timeout=PATIENCE)
        assert told == ["k0", "k1", "k2", "k3", "k4"]
        assert courier.undelivered == 3

    def test_ten_thousand_in_a_burst_arrive(self):
        told: list[str] = []
        courier = Courier()

        def burst(start: int) -> None:
            for number in range(start, start + 2_500):
                assert courier.send(alert(key=f"k{number}"), (sink,))

        sink = lambda alert: told.append(alert.key)  # noqa: E731
        threads = [threading.Thread(target=burst, args=(n * 2_500,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert courier.flush(PATIENCE)
        assert len(told) == len(set(told)) == 10_000
        assert courier.undelivered == 0

    def test_a_thread_that_cannot_start_is_said_and_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ):
        def failing(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        told: list[str] = []

        def sink(alert: Alert) -> None:
            told.append(alert.key)

        courier = Courier()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", failing)
            assert courier.send(alert(key="a"), (sink,))
        assert "cannot start a thread for its alerts (can't start new thread)" in caplog.text
        assert courier.send(alert(key="b"), (sink,))
        assert courier.flush(PATIENCE)
        assert told == ["a", "b"]

    def test_nothing_under_way_is_flushed_at_once(self):
        assert Courier().flush(0) is True


@pytest.mark.usefixtures("_at_once")
class TestDone:
    def test_it_is_told_once_when_every_sink_has_had_its_tries(self, hanging: Hanging):
        dones: list[bool] = []
        courier = Courier()
        courier.send(alert(), (lambda alert: None, hanging), dones.append)
        assert hanging.begun.wait(PATIENCE)
        assert dones == []
        assert [one.key for one in courier.on_their_way] == ["the month/u1/2026-11"]
        hanging.free.set()
        assert courier.flush(PATIENCE)
        assert dones == [True]
        assert courier.on_their_way == []

    @pytest.mark.parametrize(
        ("taken", "told"), [([True, False], True), ([False, False], False), ([], True)]
    )
    def test_it_says_whether_anybody_was_told(self, taken: list[bool], told: bool):
        sinks = tuple((lambda alert: None) if one else failing(OSError(), []) for one in taken)
        dones: list[bool] = []
        courier = Courier()
        assert courier.send(alert(), sinks, dones.append)
        assert courier.flush(PATIENCE)
        assert dones == [told]

    def test_a_sink_that_hangs_keeps_the_news_for_a_while_only(
        self, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(courier_module, "PATIENCE_SECONDS", 0.05)
        dones: list[bool] = []
        noted = threading.Event()

        def done(taken: bool) -> None:
            dones.append(taken)
            noted.set()

        courier = Courier()
        courier.send(alert(), (lambda alert: None, hanging), done)
        assert noted.wait(PATIENCE)
        hanging.free.set()
        assert courier.flush(PATIENCE)
        assert (dones, len(hanging.told)) == ([True], 1)

    def test_what_nobody_has_is_not_told_as_done(
        self, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(courier_module, "PATIENCE_SECONDS", 0.001)
        dones: list[bool] = []
        courier = Courier()
        courier.send(alert(key="stuck"), (hanging,), dones.append)
        with courier._lock:
            assert courier._late(courier_module.time.monotonic() + 1) == []
        assert dones == []
        hanging.free.set()
        assert courier.flush(PATIENCE)
        assert dones == [True]

    def test_what_is_on_its_way_is_not_sent_a_second_time(self, hanging: Hanging):
        dones: list[str] = []
        courier = Courier()
        courier.send(alert(), (hanging,), lambda taken: dones.append("first"))
        assert hanging.begun.wait(PATIENCE)
        courier.send(alert(), (hanging,), lambda taken: dones.append("again"))
        courier.send(alert(threshold=1.0), (hanging,), lambda taken: dones.append("higher"))
        hanging.free.set()
        assert courier.flush(PATIENCE)
        assert [one.threshold for one in hanging.told] == [0.8, 1.0]
        assert dones == ["first", "again", "higher"]

    @pytest.mark.faults
    def test_a_fault_in_it_is_swallowed(self):
        told: list[Alert] = []
        courier = Courier()

        def done(taken: bool) -> None:
            raise OSError("the store")

        courier.send(alert(key="a"), (told.append,), done)
        courier.send(alert(key="b"), (told.append,))
        assert courier.flush(PATIENCE)
        assert len(told) == 2


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_starts_clean(hanging: Hanging):
    """It tells its own alerts, and not those that its parent has still to tell."""
    told: list[Alert] = []
    costs = tracker(told.append)
    courier = Courier()
    for _ in range(3):
        costs.settle(finished(**COUNTS))
    courier.send(alert(key="of the parent"), (hanging,))
    courier.send(alert(key="waiting"), (hanging, told.append))
    assert hanging.begun.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        before = len(told)
        clean = courier.on_their_way == [] and courier.flush(PATIENCE) and costs.flush(PATIENCE)
        costs.settle(finished(**COUNTS))
        of_its_own = costs.flush(PATIENCE) and len(told) == before + 1
        os._exit(0 if clean and of_its_own else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    hanging.free.set()
    assert costs.flush(PATIENCE)
    assert courier.flush(PATIENCE)
    assert [one.key for one in hanging.told] == ["of the parent", "waiting"]


class TestExit:
    """A process that ends, each in an interpreter of its own."""

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        start = (
            "import threading\n"
            "from decimal import Decimal\n"
            "from costspan import Alert\n"
            "from costspan.alerts import courier as module, lane\n"
            "from costspan.alerts.courier import Courier\n"
            "def alert(**facts): return Alert(budget='b', per='total', limit=Decimal(1),"
            " spent=Decimal(1), **facts)\n"
            "courier = Courier()\n"
        )
        return subprocess.run(
            [sys.executable, "-c", start + script],
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )

    def test_it_tells_what_is_under_way_and_what_is_gathered(self):
        done = self.run(
            "def sink(alert): print(alert.key, alert.calls_since)\n"
            "courier.send(alert(key='once'), (sink,))\n"
            "for _ in range(4): courier.send(alert(gathered=True), (sink,))\n"
        )
        assert done.stdout.splitlines() == ["once 0", " 0", " 2"]
        assert done.stderr == ""

    def test_it_tells_in_its_own_thread_where_no_other_starts_any_more(self):
        """As at the end of Python 3.12, for an alert that is the first of its sink."""
        done = self.run(
            "def refuse(thread): raise RuntimeError('no more threads')\n"
            "def sink(alert): print(alert.key, flush=True)\n"
            "async def slower(alert): print('async', alert.key, flush=True)\n"
            "threading.Thread.start = refuse\n"
            "for key in 'ab': courier.send(alert(key=key), (sink, slower))\n"
        )
        assert done.stdout.splitlines() == ["a", "b", "async a", "async b"]
        assert "undelivered" not in done.stderr

    def test_it_waits_for_a_sink_that_hangs_at_most_its_deadline(self):
        """The hang is longer than the test's patience."""
        done = self.run(
            "module.EXIT_SECONDS = 0.1\n"
            "told = threading.Semaphore(0)\n"
            "def hanging(alert): threading.Event().wait()\n"
            "def other(alert): told.release()\n"
            "for n in range(5): courier.send(alert(key=f'k{n}'), (hanging, other))\n"
            "for n in range(5): assert told.acquire(timeout=20)\n"
        )
        assert "costspan ends with undelivered alerts, 5 in all: budget 'b'" in done.stderr

    def test_a_sink_that_hangs_keeps_no_other_courier_from_telling_what_is_gathered(self):
        done = self.run(
            "module.EXIT_SECONDS = 4\n"
            "def hanging(alert): threading.Event().wait()\n"
            "others = [Courier() for _ in range(8)]\n"
            "courier.send(alert(key='k'), (hanging,))\n"
            "for one in others:\n"
            "    for _ in range(2): one.send(alert(gathered=True), (print,))\n"
            "    one.send(alert(key='h'), (hanging,))\n"
        )
        assert done.stdout.count("Alert(") == 16

    def test_it_gives_what_waits_for_its_next_try_one_last_try_at_once(self):
        done = self.run(
            "module.EXIT_SECONDS = 60\n"
            "lane.PAUSES = (3600.0,) * 9\n"
            "tries = threading.Semaphore(0)\n"
            "def failing(alert):\n"
            "    print('try', flush=True)\n"
            "    tries.release()\n"
            "    raise OSError\n"
            "courier.send(alert(key='k'), (failing,))\n"
            "tries.acquire()\n"
        )
        assert done.stdout.splitlines() == ["try", "try"]
        assert "could not deliver an alert to failing (OSError; 2 tries)" in done.stderr


def test_an_alert_carries_no_content():
    names = {*Alert.__struct_fields__, *LastCall.__struct_fields__}
    assert not {name for name in names if "content" in name or "preview" in name or "text" in name}


CHILD = """
import multiprocessing, time
from costspan.alerts.courier import Courier
from tests.alerts.alerts import alert

def at_the_end(one):
    while not any(lane._hurried for lane in courier._lanes.values()):
        time.sleep(0.001)
    print(one.key, flush=True)

def send():
    courier.send(alert(key="of the child"), (at_the_end,))

courier = Courier()
child = multiprocessing.get_context("fork").Process(target=send)
child.start()
child.join()
"""


def test_a_child_of_multiprocessing_tells_its_last_alert():
    """No `atexit` runs there."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD],
        check=True,
        cwd=ROOT,
        timeout=PATIENCE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert ran.stdout == "of the child\n"
