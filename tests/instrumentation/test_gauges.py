"""Budgets as metrics: what each one's limit is how full it is, how often it was crossed."""

from typing import Any

import pytest

from costspan import (
    Alert,
    Budget,
    BudgetExceeded,
    CostTracker,
    Instrumentor,
    attribution,
    guard,
    record_call,
)
from costspan.alerts.post import NotTaken
from tests.instrumentation.metered import (
    ALERTS,
    COST,
    LIMIT,
    REFUSALS,
    UNDELIVERED,
    USED,
    Metered,
)
from tests.instrumentation.rig import PATIENCE, watched


def one_call(tokens: int = 1000) -> None:
    """gpt-4o-mini: 1,000 tokens in cost 0.00015 USD (openai.com/api/pricing, 2026-11)."""
    with record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=tokens, output_tokens=0)


def told(metered: Metered, name: str) -> dict[tuple[Any, Any], float]:
    """The values of a gauge by the budget's name and what it is for."""
    return {
        (p.attributes["costspan.budget.name"], p.attributes["costspan.budget.per"]): p.value
        for p in metered.points().get(name, ())
    }


@pytest.fixture
def costs() -> CostTracker:
    budgets = [
        Budget("small", usd="0.0001", per="call"),
        Budget("large", usd=5, per="call", where={"agent": "*"}),
    ]
    return CostTracker(budgets=budgets, alerts=[])


def test_each_budget_has_its_limit_and_its_alerts(metered: Metered, costs: CostTracker):
    """Two calls go over the smaller limit, a third stays below, and one never crossed says 0."""
    with watched(costs=costs, meter_provider=metered.provider):
        for tokens in (1000, 1000, 10):
            one_call(tokens)
        limits, alerts = told(metered, LIMIT), told(metered, ALERTS)

    assert limits == {("small", "call"): 0.0001, ("large", "call"): 5.0}
    assert alerts == {("small", "call"): 2, ("large", "call"): 0}


def test_the_kinds_and_units(metered: Metered, costs: CostTracker):
    """A limit is a gauge; alerts are a sum that only grows."""
    with watched(costs=costs, meter_provider=metered.provider):
        one_call()
        found = {metric.name: metric for metric in metered.metrics()}

    assert (type(found[LIMIT].data).__name__, found[LIMIT].unit) == ("Gauge", "USD")
    assert (found[ALERTS].data.is_monotonic, found[ALERTS].unit) == (True, "{alert}")


@pytest.mark.parametrize("costs_given", [None, CostTracker()])
def test_without_budgets_there_is_nothing(metered: Metered, costs_given: CostTracker | None):
    with watched(costs=costs_given, meter_provider=metered.provider):
        one_call()
        assert not {LIMIT, ALERTS, UNDELIVERED} & metered.points().keys()


def test_alerts_that_a_sink_did_not_get(metered: Metered):
    """A refusal is not tried again: each call over the limit is an alert that is lost at once."""

    def refuses(alert: Alert) -> None:
        raise NotTaken("no", again=False)

    told: list[Alert] = []
    budget = Budget("small", usd="0.0001", per="call")
    costs = CostTracker(budgets=[budget], alerts=[refuses, told.append])
    with watched(costs=costs, meter_provider=metered.provider):
        one_call(tokens=10)
        assert [point.value for point in metered.points()[UNDELIVERED]] == [0]
        one_call()
        assert costs.flush(PATIENCE)
        assert [point.value for point in metered.points()[UNDELIVERED]] == [1]
    assert len(told) == 1


def test_afterwards_and_again(metered: Metered, costs: CostTracker):
    """Switched off, nothing is shown; with another tracker, its budgets; each call counts once."""
    with watched(costs=costs, meter_provider=metered.provider):
        one_call()
    assert (told(metered, LIMIT), told(metered, ALERTS)) == ({}, {})

    other = CostTracker(budgets=[Budget("other", usd=1, per="call")])
    with watched(costs=other, meter_provider=metered.provider):
        one_call()
        assert told(metered, LIMIT) == {("other", "call"): 1.0}
        assert metered.sum(COST) == pytest.approx(0.0003, abs=1e-12)


def test_a_provider_that_is_used_no_more_shows_nothing(metered: Metered, costs: CostTracker):
    former = Metered()
    with watched(costs=costs, meter_provider=former.provider):
        one_call()
        Instrumentor().instrument(costs=costs, meter_provider=metered.provider)
        one_call()
        assert told(former, LIMIT) == {}
        assert told(metered, ALERTS)[("small", "call")] == 2
    former.provider.shutdown()


@pytest.mark.faults
def test_a_fault_of_ours_keeps_nothing_else_from_the_reader(metered: Metered):

    class Broken(CostTracker):
        def budget_states(self) -> Any:
            raise LookupError

    before = guard.faults()
    Instrumentor().instrument(costs=Broken(), meter_provider=metered.provider)
    one_call()
    points = metered.points()
    Instrumentor().uninstrument()

    assert COST in points
    assert LIMIT not in points
    assert guard.faults() - before == 5


def test_how_full_a_budget_is_where_it_is_fullest(metered: Metered):
    """0.00015 USD a call: of 0.0006, a quarter; one for each call has no such share."""
    budgets = [
        Budget("month", usd="0.0006", window="month"),
        Budget("ticket", calls=4, per="session"),
        Budget("each", usd=5, per="call"),
    ]
    with watched(costs=CostTracker(budgets=budgets, alerts=[]), meter_provider=metered.provider):
        for session in ("a", "a", "b"):
            with attribution(session=session):
                one_call()
        used, metric = told(metered, USED), {one.name: one for one in metered.metrics()}[USED]

    assert used == {("month", "total"): 0.75, ("ticket", "session"): 0.5}
    assert (type(metric.data).__name__, metric.unit) == ("Gauge", "1")


def test_calls_that_were_stopped_are_counted(metered: Metered):
    budgets = [Budget("loop", calls=2, action="block"), Budget("other", usd=1)]
    with watched(costs=CostTracker(budgets=budgets, alerts=[]), meter_provider=metered.provider):
        for _ in range(2):
            one_call()
        for _ in range(3):
            with pytest.raises(BudgetExceeded):
                one_call()
        refusals, used = told(metered, REFUSALS), told(metered, USED)
        metric = {one.name: one for one in metered.metrics()}[REFUSALS]

    assert refusals == {("loop", "total"): 3, ("other", "total"): 0}
    assert used[("loop", "total")] == 1.0
    assert (metric.data.is_monotonic, metric.unit) == (True, "{call}")
