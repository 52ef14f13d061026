"""What is gathered: one alert at once, then one a minute for each kind, and nothing untold."""

import queue
from decimal import Decimal

import pytest

from costspan import Alert, Budget, CostTracker
from costspan.alerts import gathering
from costspan.alerts.courier import Courier
from costspan.alerts.gathering import Gathering
from tests.alerts.alerts import PATIENCE, alert
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
USD = Decimal("0.00027")  # gpt-4o-mini


def dear(**facts) -> Alert:
    return alert(per="call", gathered=True, key="", cost_usd=USD, **facts)


def sums(due) -> list[tuple[str | None, int, Decimal]]:
    return [(one.agent, one.calls_since, one.usd_since) for one, sinks in due]


class TestKinds:
    def test_one_at_once_and_then_one_that_speaks_for_the_minute(self):
        kinds = Gathering()
        assert sums(kinds.add(dear(), (), 1000.0)) == [("code_reviewer", 0, 0)]
        for moment in (1000.0, 1000.1, 1001.0, 1059.9, 1059.9):
            assert sums(kinds.add(dear(), (), moment)) == []
        assert sums(kinds.add(dear(), (), 1060.1)) == [("code_reviewer", 5, 5 * USD)]
        assert sums(kinds.add(dear(), (), 1120.2)) == [("code_reviewer", 0, 0)]

    def test_at_the_end_of_its_minute_the_last_speaks_for_those_before_it(self):
        kinds = Gathering()
        list(kinds.add(dear(), (), 1000.0))
        for session in ("a", "b", "c"):
            list(kinds.add(dear(session=session), (), 1030.0))
        assert kinds.next_end() == 1060.0
        assert list(kinds.over(1059.9)) == []
        ((told, _),) = kinds.over(1060.0)
        assert (told.session, told.calls_since, told.usd_since) == ("c", 2, 2 * USD)
        assert kinds.next_end() == 1120.0
        assert list(kinds.over(1120.0)) == []
        assert kinds.next_end() is None

    def test_what_is_told_sums_up_to_what_there_was(self):
        kinds = Gathering()
        told = []
        for second in range(300):
            told += kinds.over(1000.0 + second)
            told += kinds.add(dear(agent=f"a{second % 7}"), (), 1000.0 + second)
        told += kinds.all(1300.0)
        assert sum(1 + one.calls_since for one, _ in told) == 300
        assert sum(one.cost_usd + one.usd_since for one, _ in told) == 300 * USD
        assert len(told) <= 7 * 6

    def test_each_budget_agent_and_endpoint_is_a_kind(self):
        kinds = Gathering()
        facts = ({}, {"agent": "b"}, {"endpoint": "/x"}, {"budget": "other"}, {"model": "m"}, {})
        told = [len(list(kinds.add(dear(**one), (), 1000.0))) for one in facts]
        assert told == [1, 1, 1, 1, 0, 0]

    def test_an_unpriced_call_counts(self):
        kinds = Gathering()
        list(kinds.add(dear(), (), 0.0))
        list(kinds.add(alert(gathered=True, cost_usd=None), (), 1.0))
        ((told, _),) = kinds.all(1.0)
        assert (told.cost_usd, told.calls_since, told.usd_since) == (None, 0, 0)

    def test_the_oldest_of_too_many_kinds_is_told_and_forgotten(self, monkeypatch):
        monkeypatch.setattr(gathering, "_MOST_KINDS", 2)
        kinds = Gathering()
        for agent in ("a", "b", "a"):
            list(kinds.add(dear(agent=agent), (), 0.0))
        assert sums(kinds.add(dear(agent="c"), (), 1.0)) == [("a", 0, 0), ("c", 0, 0)]
        assert sums(kinds.add(dear(agent="a"), (), 2.0)) == [("a", 0, 0)]


def tracker(*sinks) -> CostTracker:
    budgets = [Budget("single call", usd=0.0001, per="call")]
    return CostTracker(budgets=budgets, alerts=list(sinks))


def test_a_flush_tells_what_is_gathered():
    told: list[Alert] = []
    costs = tracker(told.append)
    for _ in range(5):
        costs.settle(finished(**COUNTS))
    assert costs.flush(PATIENCE)
    assert [(one.calls_since, one.usd_since) for one in told] == [(0, 0), (3, 3 * USD)]
    assert "3 more calls since, 0.00081 USD" in told[1].text
    assert costs.summary().alerts == 5


def test_the_end_of_a_minute_tells_what_is_gathered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gathering, "GATHERED_FOR_SECONDS", 0.2)
    told: queue.Queue[Alert] = queue.Queue()
    costs = tracker(told.put)
    for _ in range(3):
        costs.settle(finished(**COUNTS))
    calls = 0
    while calls < 3:  # on a slow machine a second minute may have begun between two calls
        calls += 1 + told.get(timeout=PATIENCE).calls_since
    assert calls == 3


def test_each_agent_and_endpoint_is_told_apart():
    told: list[Alert] = []
    costs = tracker(told.append)
    for facts in ({}, {"agent": "a"}, {"agent": "b"}, {"agent": "a", "endpoint": "/x"}):
        costs.settle(finished(**COUNTS, **facts))
    assert costs.flush(PATIENCE)
    assert [(one.agent, one.endpoint) for one in told] == [
        (None, None),
        ("a", None),
        ("b", None),
        ("a", "/x"),
    ]


def test_what_is_not_gathered_is_told_each_time():
    told: list[Alert] = []
    courier = Courier()
    for number in range(5):
        assert courier.send(alert(key=f"k{number}"), (told.append,))
    assert courier.flush(PATIENCE)
    assert [one.key for one in told] == ["k0", "k1", "k2", "k3", "k4"]
