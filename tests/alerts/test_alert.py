"""How alerts leave the caller's thread: gathered, bounded, and whatever a sink does."""

import asyncio
import os
import queue
import threading
from decimal import Decimal
from types import SimpleNamespace

import pytest

from costspan import Alert, Budget, BudgetExceeded, CostTracker
from costspan.alerts import courier as alerts
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
USD = Decimal("0.00027")  # gpt-4o-mini
PATIENCE = 20.0


def tracker(*sinks) -> CostTracker:
    budgets = [Budget("single call", usd=0.0001, per="call")]
    return CostTracker(budgets=budgets, alerts=list(sinks))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still until the test sets `now`; nobody sleeps by it."""
    made = SimpleNamespace(now=1000.0, sleep=lambda seconds: None)
    made.monotonic = lambda: made.now
    monkeypatch.setattr(alerts, "time", made)
    return made


def test_the_first_goes_out_at_once_and_the_rest_of_a_minute_is_gathered(clock: SimpleNamespace):
    told: queue.Queue[Alert] = queue.Queue()
    costs = tracker(told.put)
    for _ in range(5):
        costs.settle(finished(**COUNTS))
    first = told.get(timeout=PATIENCE)
    assert (first.calls_since, first.usd_since) == (0, 0)
    clock.now += 59.9
    costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    assert told.empty()
    clock.now += 0.2
    costs.settle(finished(**COUNTS))
    second = told.get(timeout=PATIENCE)
    assert (second.calls_since, second.usd_since) == (5, 5 * USD)
    assert "5 more calls since, 0.00135 USD" in second.text
    clock.now += 60
    costs.settle(finished(**COUNTS))
    third = told.get(timeout=PATIENCE)
    assert (third.calls_since, third.usd_since) == (0, 0)
    assert costs.summary().alerts == 8


def test_each_agent_and_endpoint_is_told_apart(clock: SimpleNamespace):
    told: list[Alert] = []
    costs = tracker(told.append)
    for facts in ({}, {"agent": "a"}, {"agent": "b"}, {"agent": "a", "endpoint": "/x"}, {}):
        costs.settle(finished(**COUNTS, **facts))
    assert costs.flush(PATIENCE)
    assert [(one.agent, one.endpoint) for one in told] == [
        (None, None),
        ("a", None),
        ("b", None),
        ("a", "/x"),
    ]


def test_a_sink_runs_in_a_thread_of_ours():
    threads: list[str] = []
    costs = tracker(lambda alert: threads.append(threading.current_thread().name))
    costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    assert threads == ["costspan-alerts"]


def test_a_sink_may_be_async():
    told: list[Alert] = []

    class Sink:
        async def __call__(self, alert: Alert) -> None:
            await asyncio.sleep(0)
            told.append(alert)

    async def sink(alert: Alert) -> None:
        told.append(alert)

    costs = tracker(sink, Sink())
    costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    assert len(told) == 2


@pytest.mark.faults
def test_a_sink_that_raises_is_tried_again_and_the_others_are_told(
    clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
):
    tries: list[Alert] = []
    told: list[Alert] = []

    def broken(alert: Alert) -> None:
        tries.append(alert)
        raise RuntimeError("no route")

    costs = tracker(broken, told.append)
    assert costs.settle(finished(**COUNTS)).total_usd == USD
    assert costs.flush(PATIENCE)
    assert (len(tries), len(told)) == (3, 1)
    assert "could not deliver an alert: budget 'single call'" in caplog.text


@pytest.mark.faults
def test_a_sink_that_fails_once_is_told_in_the_end(clock: SimpleNamespace):
    tries: list[Alert] = []

    def shaky(alert: Alert) -> None:
        tries.append(alert)
        if len(tries) < 2:
            raise ConnectionError

    costs = tracker(shaky)
    costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    assert len(tries) == 2


@pytest.mark.faults
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("kind", ["BudgetExceeded", "CancelledError", "SystemExit"])
def test_no_exception_of_a_sink_ends_the_worker(kind: str, clock: SimpleNamespace):
    """A sink that calls a model itself may meet a budget; later alerts arrive all the same."""
    raised = {
        "BudgetExceeded": BudgetExceeded("no", reason="limit"),
        "CancelledError": asyncio.CancelledError(),
        "SystemExit": SystemExit(),
    }[kind]
    told: list[Alert] = []
    workers: list[threading.Thread] = []

    def sink(alert: Alert) -> None:
        workers.append(threading.current_thread())
        if alert.agent == "first":
            raise raised
        told.append(alert)

    costs = tracker(sink)
    costs.settle(finished(**COUNTS, agent="first"))
    assert costs.flush(PATIENCE)
    if not isinstance(raised, Exception):
        workers[0].join(PATIENCE)  # it has ended, and said so
    costs.settle(finished(**COUNTS, agent="second"))
    assert costs.flush(PATIENCE)
    assert [alert.agent for alert in told] == ["second"]


@pytest.mark.faults
def test_a_sink_that_meets_a_budget_keeps_no_other_from_being_told(clock: SimpleNamespace):
    told: list[Alert] = []

    def calling(alert: Alert) -> None:
        raise BudgetExceeded("no", reason="limit")

    costs = tracker(calling, told.append)
    costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    assert len(told) == 1


def test_a_sink_that_hangs_holds_up_no_call_and_the_queue_is_bounded(
    caplog: pytest.LogCaptureFixture,
):
    begun, free = threading.Event(), threading.Event()
    told: list[Alert] = []

    def hanging(alert: Alert) -> None:
        begun.set()
        free.wait(PATIENCE)
        told.append(alert)

    costs = tracker(hanging)
    costs.settle(finished(**COUNTS, agent="first"))
    assert begun.wait(PATIENCE)
    for number in range(alerts.MOST_WAITING + 7):
        costs.settle(finished(**COUNTS, agent=f"a{number}"))
    assert costs.flush(0.01) is False
    assert costs.summary().alerts == 1 + alerts.MOST_WAITING + 7
    free.set()
    assert costs.flush(PATIENCE)
    assert len(told) == 1 + alerts.MOST_WAITING
    assert caplog.text.count("costspan drops an alert") == 7


def test_nothing_under_way_is_flushed_at_once():
    assert tracker().flush(0) is True


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_tells_its_own_alerts():
    told: list[Alert] = []
    costs = tracker(told.append)
    costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    child = os.fork()
    if child == 0:
        costs.settle(finished(**COUNTS, agent="of the child"))
        os._exit(0 if costs.flush(PATIENCE) and len(told) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(told) == 1


def test_an_alert_carries_no_content():
    names = set(Alert.__struct_fields__)
    assert not {name for name in names if "content" in name or "preview" in name or "text" in name}
