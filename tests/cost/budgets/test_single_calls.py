"""A limit for one call: who is told, when, and what is refused."""

from decimal import Decimal

import pytest

from costspan import Alert, Budget, CostTracker
from tests.cost.calls import AT, finished

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
"""gpt-4o-mini: 0.00027 USD."""


def alerts_of(budget: Budget, **facts) -> list[Alert]:
    """The alerts that one call raises."""
    told: list[Alert] = []
    costs = CostTracker(budgets=[budget], alerts=[told.append])
    costs.settle(finished(**{**COUNTS, **facts}))
    assert costs.flush(20)
    assert costs.summary().alerts == len(told)
    return told


def test_a_call_over_the_limit_is_told_with_all_that_is_known():
    budget = Budget("single call", usd=0.0002, per="call")
    (alert,) = alerts_of(
        budget, agent="ann", session="s1", user="u1", endpoint="/ask", trace_id=0xABC
    )
    assert alert == Alert(
        budget="single call",
        per="call",
        limit=Decimal("0.0002"),
        spent=Decimal("0.00027"),
        gathered=True,
        cost_usd=Decimal("0.00027"),
        model="gpt-4o-mini",
        provider="openai",
        agent="ann",
        session="s1",
        user="u1",
        endpoint="/ask",
        input_tokens=1000,
        output_tokens=200,
        trace_id=f"{0xABC:032x}",
        at=int(AT.timestamp()) * 10**9,
    )
    assert (alert.limit_usd, alert.spent_usd) == (Decimal("0.0002"), Decimal("0.00027"))
    for word in ("'single call'", "gpt-4o-mini", "0.00027", "0.0002 USD", "ann", "/ask", "1000"):
        assert word in alert.text


@pytest.mark.parametrize(
    ("usd", "told"),
    [("0.00027", 0), ("0.000269999999", 1), ("0.000270000001", 0), (Decimal("0.00027"), 0)],
)
def test_the_limit_itself_is_not_over_it(usd: object, told: int):
    assert len(alerts_of(Budget("b", usd=usd, per="call"))) == told


def test_a_call_without_a_price_is_over_no_limit():
    assert alerts_of(Budget("b", usd="0.000000000001", per="call"), model="never-heard-of") == []


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"agent": "code_reviewer"},
        {"agent": "code_*"},
        {"agent": "*"},
        {"model": "gpt-4o-mini", "provider": "openai"},
        {"session": "s*", "user": "u1", "endpoint": "/ask*"},
        {"tag:team": "search"},
        {"tag:size": "7"},
    ],
)
def test_a_call_that_it_is_for(where: dict[str, str]):
    facts = {
        "agent": "code_reviewer",
        "session": "s1",
        "user": "u1",
        "endpoint": "/ask/me",
        "tags": {"team": "search", "size": 7},
    }
    assert len(alerts_of(Budget("b", usd=0.0001, per="call", where=where), **facts)) == 1


@pytest.mark.parametrize(
    "where",
    [
        {"agent": "code"},
        {"agent": "reviewer*"},
        {"agent": "code_reviewer", "session": "s2"},
        {"user": "*"},
        {"tag:team": "ads"},
        {"tag:none": "*"},
        {"agent": "code_*er"},
    ],
)
def test_a_call_that_it_is_not_for(where: dict[str, str]):
    facts = {"agent": "code_reviewer", "session": "s1", "tags": {"team": "search"}}
    assert alerts_of(Budget("b", usd=0.0001, per="call", where=where), **facts) == []


def test_a_budget_tells_its_own_sinks_alone():
    own: list[Alert] = []
    told: list[Alert] = []
    budgets = [
        Budget("loud", usd=0.0001, per="call", alerts=[own.append]),
        Budget("plain", usd=0.0001, per="call"),
        Budget("silent", usd=0.0001, per="call", alerts=[]),
    ]
    costs = CostTracker(budgets=budgets, alerts=[told.append])
    costs.settle(finished(**COUNTS))
    assert costs.flush(20)
    assert [alert.budget for alert in told] == ["plain"]
    assert [alert.budget for alert in own] == ["loud"]


def test_the_log_is_told_by_default(caplog: pytest.LogCaptureFixture):
    costs = CostTracker(budgets=[Budget("single call", usd=0.0001, per="call")])
    costs.settle(finished(**COUNTS))
    assert costs.flush(20)
    (line,) = [record for record in caplog.records if record.name == "costspan.alerts"]
    assert line.levelname == "WARNING"
    assert line.alert.cost_usd == Decimal("0.00027")
    assert line.getMessage().endswith(f" | {line.alert.text}")
