"""Each crossing is told once: over threads and processes, restarts, kills and outages."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import Alert, Budget, BudgetExceeded, CostTracker
from costspan.alerts import lane
from costspan.cost.budgets.admission import LIFE
from costspan.cost.budgets.teller import LEASE
from costspan.cost.stores import contract
from costspan.cost.stores.contract import StoreDown
from tests.cost.budgets import crossers
from tests.cost.budgets.conftest import Clock
from tests.cost.budgets.crossers import CROSSINGS, PROCESSES, delivered, now
from tests.cost.budgets.desk import NOW, asks, settle, spend, took, tracker

PATIENCE = 60.0


def run(job: str, *words: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.cost.budgets.crossers", job, *map(str, words)]
    return subprocess.Popen(command)


def killed(job: str, *words: object) -> None:
    assert run(job, *words).wait(100) == -signal.SIGKILL


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/costs.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "delivered"


@pytest.fixture
def told() -> list[Alert]:
    """Where the sink of a test puts what it is told."""
    return []


def walk(costs: CostTracker, at: int) -> None:
    """A round with all that it sets off, and further ones while the store does not keep up."""
    missed = True
    while missed:
        with suppress(StoreDown):
            costs._watch._patrol.walk(at)
            missed = costs._watch._teller.missed or costs._watch._teller.looks_back
        assert costs.flush(PATIENCE)


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "sqlite"])
def test_threads_tell_each_scope_once(shared: bool, store: str, told: list[Alert]):
    """Eight threads, each with a call for each of fifty users."""
    costs = tracker(
        Budget("b", calls=8, per="user", window="day", thresholds=(1.0,)),
        store=store if shared else "memory",
        alerts=[told.append],
    )
    barrier = threading.Barrier(8)

    def cross() -> None:
        barrier.wait()
        for user in range(50):
            crossers.cross(costs, f"u{user}")

    threads = [threading.Thread(target=cross) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert costs.flush(PATIENCE)
    assert Counter(alert.scope for alert in told) == {f"u{user}": 1 for user in range(50)}
    assert {alert.spent for alert in told} == {8}


@pytest.mark.usefixtures("no_rounds")
def test_each_threshold_is_told_once(told: list[Alert]):
    costs = tracker(
        Budget("b", calls=10, thresholds=(0.5, 0.8, 1.0, 1.5), window="day"), alerts=[told.append]
    )
    for _ in range(20):
        spend(costs, 1, 1)
    assert costs.flush(PATIENCE)
    assert [(alert.threshold, alert.spent) for alert in told] == [
        (0.5, 5),
        (0.8, 8),
        (1.0, 10),
        (1.5, 15),
    ]
    assert len({alert.key for alert in told}) == 1  # what PagerDuty knows as one incident
    assert len({alert.delivery_key for alert in told}) == 4


@pytest.mark.usefixtures("no_rounds")
def test_it_says_where_the_window_is_going(clock: Clock, told: list[Alert]):
    """17:46:40 on 17 March: 1,446,400 of the month's 2,678,400 seconds are over."""
    costs = tracker(Budget("b", usd=10, window="month", thresholds=(0.5,)), alerts=[told.append])
    settle(costs, took(6_000_000, 0, at=NOW))
    assert costs.flush(PATIENCE)
    (alert,) = told
    assert alert.forecast == Decimal("11.11")
    assert "6 USD of 10 USD are used (50% reached), 11.11 USD in sight" in alert.text


@pytest.mark.usefixtures("no_rounds")
@pytest.mark.parametrize("window", [None, "10m", "month"])
def test_nobody_guesses_without_an_end_or_at_the_beginning(
    window: str | None, clock: Clock, told: list[Alert]
):
    """Two hours into the month are less than a hundredth of it."""
    clock.now = 1_898_560_800_000  # 2030-03-01 02:00
    costs = tracker(Budget("b", usd=10, window=window, thresholds=(0.5,)), alerts=[told.append])
    settle(costs, took(6_000_000, 0, at=clock.now))
    assert costs.flush(PATIENCE)
    assert [alert.forecast for alert in told] == [None]


@pytest.mark.usefixtures("no_rounds")
def test_one_call_over_several_thresholds_tells_the_highest(told: list[Alert]):
    costs = tracker(Budget("b", tokens=10, thresholds=(0.5, 0.8, 1.0)), alerts=[told.append])
    spend(costs, 9, 0)
    assert costs.flush(PATIENCE)
    assert [alert.threshold for alert in told] == [0.8]


@pytest.mark.usefixtures("no_rounds")
def test_ten_thousand_crossings_of_eight_processes(store: str, path: Path):
    """Two processes see each of them."""
    running = [run("many", store, path, number) for number in range(PROCESSES)]
    assert [process.wait(110) for process in running] == [0] * PROCESSES
    costs = crossers.once(store, crossers.writes_to(str(path)))  # a restart
    walk(costs, now())
    lines = delivered(path)
    assert len({key for key, _, _ in lines}) == CROSSINGS
    assert len(lines) == CROSSINGS
    assert costs.summary().calls == 2 * CROSSINGS


def test_a_crossing_is_found_on_start(store: str, path: Path):
    """Its process was killed between counting and telling."""
    killed("killed_before_claiming", store, path)
    assert delivered(path) == []
    for _ in range(2):  # the second start finds it told
        costs = crossers.once(store, crossers.writes_to(str(path)))
        walk(costs, now())
    assert len(delivered(path)) == 1


def test_a_start_goes_its_round_by_itself(store: str, path: Path):
    killed("killed_before_claiming", store, path)
    arrived = threading.Event()
    crossers.once(store, lambda alert: arrived.set())
    assert arrived.wait(PATIENCE)


def test_limits_hold_where_the_system_gives_no_thread_for_rounds(monkeypatch: pytest.MonkeyPatch):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    costs = tracker(Budget("b", calls=1, action="block"))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        costs.admit(asks())
        with pytest.raises(BudgetExceeded):
            costs.admit(asks())
    assert costs._watch._patrol._thread is None
    with pytest.raises(BudgetExceeded):
        costs.admit(asks())
    assert costs._watch._patrol._thread.is_alive()
    costs._watch.close()


@pytest.mark.usefixtures("no_rounds")
def test_killed_between_sending_and_noting_it_is_repeated_once(store: str, path: Path):
    killed("killed_before_noting", store, path)
    assert len(delivered(path)) == 1
    costs = crossers.once(store, crossers.writes_to(str(path)))
    walk(costs, now())
    assert len(delivered(path)) == 1, "its sender may still be at it"
    walk(costs, now() + LEASE)
    walk(costs, now() + 3 * LEASE)
    first, second = delivered(path)
    assert first == second


@pytest.mark.usefixtures("no_rounds")
def test_what_no_sink_took_is_tried_again(told: list[Alert], caplog: pytest.LogCaptureFixture):
    def sink(alert: Alert) -> None:
        told.append(alert)
        if len(told) == 1:
            raise SystemError("not now")

    costs = tracker(Budget("b", calls=1), alerts=[sink])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "PAUSES", ())
        spend(costs, 1, 1)
        assert costs.flush(PATIENCE)
    assert len(told) == 1
    walk(costs, now() + 10**12 + LEASE)
    walk(costs, now() + 10**12 + 3 * LEASE)
    assert [alert.delivery_key for alert in told] == [told[0].delivery_key] * 2


@pytest.mark.usefixtures("no_rounds")
def test_a_crossing_while_the_store_is_down_is_told_when_it_answers(
    store: str, tmp_path: Path, told: list[Alert], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(contract, "DEADLINE_SECONDS", 1.0)
    costs = crossers.once(store, told.append)
    costs.summary()
    other = sqlite3.connect(tmp_path / "costs.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    crossers.cross(costs, "u1")
    assert told == []
    other.close()
    assert costs.flush(PATIENCE)
    for _ in range(2):
        walk(costs, now())
    assert [alert.scope for alert in told] == ["u1"]


@pytest.mark.usefixtures("no_rounds")
def test_a_claim_that_failed_is_made_by_the_next_round(store: str, told: list[Alert]):
    costs = crossers.once(store, told.append)
    walk(costs, now())
    backend = costs._store._backend
    claim = backend.claim

    def fails(*args: object) -> bool:
        backend.claim = claim
        raise sqlite3.OperationalError("the disk is full")

    backend.claim = fails
    crossers.cross(costs, "u1")
    assert told == []
    for _ in range(2):
        walk(costs, now())
    assert [alert.scope for alert in told] == ["u1"]


@pytest.mark.usefixtures("no_rounds")
def test_a_sliding_window_tells_anew_when_it_has_passed(clock: Clock, told: list[Alert]):
    costs = tracker(Budget("b", tokens=10, window="10m"), alerts=[told.append])
    for minutes in (0, 5, 9, 10, 15, 25):
        spend(costs, 10, 0, at=clock.now + minutes * 60_000)
    assert costs.flush(PATIENCE)
    assert [(alert.at // 10**6 - clock.now) // 60_000 for alert in told] == [0, 10, 25]


@pytest.mark.usefixtures("no_rounds")
def test_a_reservation_of_a_killed_process_expires(store: str, path: Path, clock: Clock):
    killed("killed_while_calling", store, path)
    costs = tracker(Budget("b", calls=1, action="block"), store=store)
    clock.now = int(path.read_text())
    with pytest.raises(BudgetExceeded):
        costs.admit(asks())
    assert costs.remaining("b") == 0
    clock.now += LIFE
    assert costs.remaining("b") == 1
    costs.admit(asks())


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "sqlite"])
def test_a_fork_takes_no_reservation_along(shared: bool, store: str):
    """The parent's call goes on and is the parent's; the child's own calls count."""
    costs = tracker(Budget("b", calls=3, action="block"), store=store if shared else "memory")
    leave = costs.admit(asks())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            held = costs.admit(asks())
            assert not costs._watch._admission.open.get(getattr(leave, "token", ""))
            settle(costs, took(1, 1, at=now()), held)
            costs._watch._patrol.walk(now())
            code = 0 if costs.remaining("b") == (1 if shared else 2) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    settle(costs, took(1, 1, at=now()), leave)
    assert costs.remaining("b") == (1 if shared else 2)
