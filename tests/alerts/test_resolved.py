"""An incident at PagerDuty, from its first threshold to the end of its window."""

import time

import pytest

from costspan import Alert, Budget, CostTracker, PagerDutyAlerts
from costspan.cost.budgets import patrol
from tests.alerts.alerts import PATIENCE
from tests.alerts.standin import StandIn
from tests.cost.budgets.desk import HOUR, spend, tracker

KEY = "R0123456789ABCDEF0123456789abcde"


@pytest.fixture(autouse=True)
def _no_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test goes the rounds."""
    monkeypatch.setattr(patrol.Patrol, "start", lambda self: None)


def walk(costs: CostTracker, at: int) -> None:
    costs._watch._patrol.walk(at)
    assert costs.flush(PATIENCE)


def now() -> int:
    return time.time_ns() // 10**6


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "sqlite"])
def test_all_thresholds_are_one_incident_that_ends_with_the_window(
    shared: bool, stand_in: StandIn, tmp_path
):
    plain: list[Alert] = []
    sinks = [PagerDutyAlerts(KEY, url=stand_in.pagerduty_url), plain.append]
    budget = Budget("b", calls=10, window="hour", thresholds=(0.5, 0.8, 1.0))
    store = f"sqlite:///{tmp_path}/costs.db" if shared else "memory"
    costs = tracker(budget, alerts=sinks, store=store)
    started = now()
    for _ in range(10):
        spend(costs, 1, 1, at=started)
    assert costs.flush(PATIENCE)
    end = budget.window.at(started).end
    walk(costs, end - 1)
    assert [got.json["event_action"] for got in stand_in.got] == ["trigger"] * 3
    if shared:  # another process sees to it, once
        costs = tracker(budget, alerts=sinks, store=store)
    for late in (0, 1, HOUR):
        walk(costs, end + late)
    events = [got.json for got in stand_in.got]
    assert [event["event_action"] for event in events] == ["trigger"] * 3 + ["resolve"]
    assert len({event["dedup_key"] for event in events}) == 1
    assert [alert.state for alert in plain] == ["reached"] * 3  # who knows no end is told of none


def test_the_next_window_is_another_incident(stand_in: StandIn):
    budget = Budget("b", calls=1, window="hour")
    costs = tracker(budget, alerts=[PagerDutyAlerts(KEY, url=stand_in.pagerduty_url)])
    started = now()
    spend(costs, 1, 1, at=started)
    spend(costs, 1, 1, at=started + HOUR)
    assert costs.flush(PATIENCE)
    first, second = (got.json["dedup_key"] for got in stand_in.got)
    assert first != second


def test_without_a_window_nothing_ends(stand_in: StandIn):
    costs = tracker(Budget("b", calls=1), alerts=[PagerDutyAlerts(KEY, url=stand_in.pagerduty_url)])
    spend(costs, 1, 1, at=now())
    assert costs.flush(PATIENCE)
    walk(costs, now() + 10**6 * HOUR)
    assert len(stand_in.got) == 1
