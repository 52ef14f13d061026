"""A refusal is told by itself: it takes nothing of what the thresholds have to tell."""

import time
from decimal import Decimal

import pytest

from costspan import Alert, Budget, BudgetExceeded
from costspan.cost.stores.contract import Charge
from costspan.elsewhere import finished as handed_over
from tests.cost.budgets.conftest import Clock
from tests.cost.budgets.desk import HOUR, MINUTE, NOW, asks, settle, took, tracker

pytestmark = pytest.mark.usefixtures("no_rounds")
PATIENCE = 60


def test_thresholds_are_told_after_a_refusal():
    """One request is too large for the budget; what is spent later reaches each threshold."""
    told: list[Alert] = []
    budget = Budget("b", usd=1, window="month", thresholds=(0.5, 0.8, 1.0), action="block")
    costs = tracker(budget, alerts=[told.append])
    with pytest.raises(BudgetExceeded):
        costs.admit(asks(limit=1_000_000))
    for tokens in (500_000, 300_000, 200_000):
        settle(costs, took(tokens, 0))
    assert costs.flush(PATIENCE)
    assert [(alert.state, alert.threshold, alert.spent) for alert in told] == [
        ("blocked", 1.0, 0),
        ("reached", 0.5, Decimal("0.5")),
        ("reached", 0.8, Decimal("0.8")),
        ("reached", 1.0, 1),
    ]
    with pytest.raises(BudgetExceeded):
        costs.admit(asks())
    assert costs.flush(PATIENCE)
    assert len(told) == 4  # once in a window


def test_a_refusals_alert_is_in_the_sums():
    from costspan import record_call
    from tests.instrumentation.rig import watched

    costs = tracker(Budget("b", calls=1, action="block"), alerts=[lambda alert: None])
    with watched(costs=costs):
        with record_call(model="m"):
            pass
        with pytest.raises(BudgetExceeded), record_call(model="m"):
            pass
    assert costs.flush(PATIENCE)
    assert costs.summary().alerts == 2  # all of it is used, and a call was refused
    assert costs.budget_states()[0].alerts == 2


def test_a_sliding_window_resolves_when_it_is_below_its_marks(clock: Clock):
    """At 0 s and at 50 s of a minute: at 61 s the second still counts; and again, another time."""
    told: list[Alert] = []

    def sink(alert: Alert) -> None:
        told.append(alert)

    sink.resolves = True
    costs = tracker(Budget("b", usd="0.1", window="1m"), alerts=[sink])

    def at(seconds: int, spent: int = 0) -> list[str]:
        clock.now = NOW + seconds * 1000
        told.clear()
        if spent:
            settle(costs, took(spent, 0, at=clock.now))
        costs._watch._patrol.walk(clock.now)
        assert costs.flush(PATIENCE)
        return [alert.state for alert in told]

    assert at(0, 140_000) == ["reached"]
    assert at(50, 140_000) == []
    assert at(62) == []
    assert at(120) == ["resolved"]
    first = told[0].delivery_key
    assert at(200, 140_000) == ["reached"]
    assert at(300) == ["resolved"]
    assert told[0].delivery_key != first


def test_what_is_given_back_crosses_nothing(tmp_path):
    """0.7 in the hour before and 0.7 in this one are no 1.4."""
    told: list[Alert] = []
    costs = tracker(
        Budget("b", usd=1, window="hour"),
        alerts=[told.append],
        store=f"sqlite:///{tmp_path}/costs.db",
    )
    settle(costs, took(700_000, 0, at=NOW - HOUR))
    settle(costs, took(700_000, 0, at=NOW))
    counting = costs._watch._counting
    (budget,) = costs.budgets
    before = budget.window.counter("b", "", NOW - HOUR)
    guessed = took(1, 0, at=NOW - HOUR, span_id=7, response={"id": "r", "status": "queued"})
    counting._guesses.note(guessed, budget, Charge(before, 1000))
    settle(costs, took(1, 0, at=NOW, corrects=7))
    assert costs.flush(PATIENCE)
    assert told == []


def test_a_flush_waits_for_what_was_handed_over(tmp_path):
    costs = tracker(Budget("b", calls=1000), store=f"sqlite:///{tmp_path}/costs.db")
    settled = [took(1, 1, at=NOW + MINUTE, trace_id=n, span_id=n) for n in range(1, 101)]
    for call in settled:
        costs.settle(call, wait=False)
    assert costs.flush(PATIENCE)
    assert costs.summary().calls == 100
    assert handed_over(0)


@pytest.mark.usefixtures("clock")
def test_the_rows_of_idle_scopes_are_not_read(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """What is far from its limit is passed over by the look at the start."""
    told: list[Alert] = []
    url = f"sqlite:///{tmp_path}/costs.db"
    budget = Budget("loop", calls=4, per="session")
    first = tracker(Budget("loop", calls=100, per="session"), store=url)  # which tells nothing
    for session, calls in (("idle", 1), ("full", 4)):
        for _ in range(calls):
            settle(first, took(1, 1, session=session))
    second = tracker(budget, store=url, alerts=[told.append])
    read = []
    backend = second._store._backend
    buckets = backend.buckets
    monkeypatch.setattr(
        backend, "buckets", lambda *args: read.extend(found := buckets(*args)) or found
    )
    second._watch._patrol.walk(time.time_ns() // 10**6)
    assert second.flush(PATIENCE)
    assert [one.scope for one in read] == ["full"]
    assert [(alert.scope, alert.spent) for alert in told] == [("full", 4)]
