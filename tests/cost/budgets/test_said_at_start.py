"""What is seldom meant is said at the start: sinks without a budget, and budgets without a sink."""

import pytest

from costspan import Budget, CostTracker, LogAlerts
from costspan.alerts.alert import Alert


def sink(alert: Alert) -> None:
    """Takes any alert."""


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_sinks_and_no_budget(caplog: pytest.LogCaptureFixture):
    CostTracker(alerts=[sink])
    (line,) = said(caplog)
    assert "no budget is, so nothing will ever be told" in line


@pytest.mark.parametrize(
    ("tracker", "budget"), [([], None), ([sink], []), ([], [])], ids=["tracker", "budget", "both"]
)
def test_a_budget_that_tells_nobody(tracker, budget, caplog: pytest.LogCaptureFixture):
    """A budget's own list stands in place of the tracker's."""
    CostTracker(budgets=[Budget("quiet", usd=1, alerts=budget)], alerts=tracker)
    (line,) = said(caplog)
    assert "budget 'quiet' has nobody to tell" in line


def test_what_is_meant_is_passed_over(caplog: pytest.LogCaptureFixture):
    CostTracker()
    CostTracker(alerts=[])
    CostTracker(budgets=[Budget("b", usd=1)])
    CostTracker(budgets=[Budget("b", usd=1, alerts=[LogAlerts()])], alerts=[])
    assert said(caplog) == []
