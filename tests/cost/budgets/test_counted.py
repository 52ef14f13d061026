"""Which calls a budget counts, and with how much.

Model `m`: 1 USD for a million tokens in, 10 for a million out.
"""

from decimal import Decimal
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from costspan import Budget, BudgetExceeded, ConfigurationError, CostTracker, attribution
from costspan.attributed import Attribution
from costspan.cost.stores.contract import SKIPPED, UNSCOPED
from tests.cost.budgets.desk import NOW, asks, settle, spend, took, tracker

pytestmark = pytest.mark.usefixtures("no_rounds")

THREE = (
    Budget("dollars", usd=1, action="block"),
    Budget("tokens", tokens=10_000, action="block"),
    Budget("calls", calls=10, action="block"),
)


def left(costs: CostTracker) -> tuple[Decimal | None, ...]:
    """Of each of the three budgets."""
    return tuple(costs.remaining(budget.name) for budget in THREE)


@pytest.mark.parametrize("error", ["openai.RateLimitError", "openai.APIConnectionError"])
def test_a_call_that_was_refused_or_never_sent_counts_as_a_call_alone(error: str):
    costs = tracker(*THREE)
    leave = costs.admit(asks())
    settle(costs, took(None, None, outcome="failed", error=error, billed=False), leave)
    assert left(costs) == (1, 10_000, 9)


def test_a_call_that_timed_out_may_have_been_billed():
    """Nobody knows what it took: it is charged as it was reserved."""
    costs = tracker(*THREE)
    leave = costs.admit(asks())
    settle(costs, took(None, None, outcome="failed", error="openai.APITimeoutError"), leave)
    assert left(costs) == (Decimal("0.998"), 8_900, 9)


@pytest.mark.parametrize("operation", ["moderation", "count_tokens", "fetch_response"])
def test_free_operations_are_neither_counted_nor_asked_for(operation: str):
    costs = tracker(*(Budget(name, **{name: 1}, action="block") for name in ("tokens", "calls")))
    free = asks(10**6, 10**6, operation=operation, billable=False)
    for _ in range(3):
        settle(costs, took(700, 20, request=free), costs.admit(free))
    assert (costs.remaining("tokens"), costs.remaining("calls")) == (1, 1)


def test_a_response_in_the_background_is_charged_when_it_is_retrieved():
    """Until then as it was reserved; 500 x 1 + 10 x 10 USD per million after it."""
    costs = tracker(*THREE)
    leave = costs.admit(asks())
    answer = {"id": "resp_1", "model": "m", "background": True}
    queued = took(None, None, response={**answer, "status": "queued"}, span_id=7)
    settle(costs, queued, leave)
    assert left(costs) == (Decimal("0.998"), 8_900, 9)
    retrieval = asks(operation="fetch_response", billable=False, model=None)
    done = took(500, 10, request=retrieval, response={**answer, "status": "completed"}, span_id=8)
    for _ in range(2):  # the second is free
        settle(costs, done)
        assert left(costs) == (Decimal("0.9994"), 9_490, 9)


def test_a_correction_gives_back():
    """A response that was told as 1,000 in and 100 out was 500 and 10."""
    costs = tracker(*THREE)
    answer = {"id": "resp_1", "model": "m", "status": "completed"}
    settle(costs, took(1000, 100, response=answer, span_id=7), costs.admit(asks()))
    retrieval = asks(operation="fetch_response", billable=False, model=None)
    settle(costs, took(500, 10, request=retrieval, response=answer, span_id=8))
    assert left(costs) == (Decimal("0.9994"), 9_490, 9)


def test_a_call_without_the_key_is_skipped_said_once_counted_and_shown(
    caplog: pytest.LogCaptureFixture,
):
    costs = tracker(Budget("ticket", usd="0.001", per=("user", "session"), action="block"))
    for who in (Attribution(user="u1"), Attribution(session="s1"), Attribution()):
        leave = costs.admit(asks(10**6, 10**6), who)
        settle(costs, took(10**6, 10**6, who=who), leave)
    (line,) = [one.getMessage() for one in caplog.records if "is not counted" in one.getMessage()]
    assert "without user and session" in line
    assert "'ticket'" in line
    assert "unscoped='count'" in line
    (kept,) = costs._store.buckets("ticket", NOW)
    assert (kept.scope, kept.amount) == (SKIPPED, 3)


def test_calls_without_the_key_may_be_counted_together(caplog: pytest.LogCaptureFixture):
    budget = Budget("b", calls=2, per="session", unscoped="count", action="block")
    costs = tracker(budget)
    settle(costs, took(1, 1), costs.admit(asks()))
    assert costs.remaining("b") == 1
    settle(costs, took(1, 1), costs.admit(asks()))
    with pytest.raises(BudgetExceeded) as raised:
        costs.admit(asks())
    assert raised.value.scope == UNSCOPED
    costs.admit(asks(), Attribution(session="s1"))
    assert "is not counted" not in caplog.text


@pytest.mark.parametrize("user", [SKIPPED, UNSCOPED])
def test_nobody_slips_through_by_the_name_of_a_scope_of_ours(user: str):
    """Users may choose their names themselves."""
    costs = tracker(Budget("b", calls=1, per="user", action="raise", unscoped="count"))
    who = Attribution(user=user)
    spend(costs, 1, 1)  # of nobody
    assert spend(costs, 1, 1, who=who).exceeded is None
    outcome = spend(costs, 1, 1, who=who)
    assert outcome.exceeded is not None
    assert outcome.exceeded.scope == f"'{user}'"


def test_combined_keys_are_told_apart():
    """A name with our separator in it is not another pair of names."""
    costs = tracker(Budget("b", calls=1, per=("user", "session"), action="block"))
    for user, session in (("a", "b"), ("a\x1fb", "c"), ("a", "b\x1fc"), ("a\x1fb", "")):
        costs.admit(asks(), Attribution(user=user, session=session))


def test_calls_of_others_are_not_counted():
    costs = tracker(Budget("b", calls=1, where={"agent": "a*"}, action="block"))
    for agent in ("b", None, "ba"):
        who = Attribution(agent=agent)
        settle(costs, took(1, 1, who=who), costs.admit(asks(), who))
    assert costs.remaining("b") == 1
    costs.admit(asks(), Attribution(agent="abc"))
    assert costs.remaining("b") == 0


def test_what_remains_is_told_of_the_scope_that_the_code_runs_in():
    words = ("trace", "session", "agent", "endpoint", "user", "tag:team", "total")
    costs = tracker(*(Budget(word, calls=5, per=word) for word in words))
    who = Attribution(agent="a", session="s", user="u", endpoint="/e", tags={"team": "t"})
    spend(costs, 1, 1, who=who, trace_id=5)
    span = NonRecordingSpan(SpanContext(5, 1, False, TraceFlags(0)))
    named = attribution(agent="a", session="s", user="u", endpoint="/e", tags={"team": "t"})
    with named, trace.use_span(span):
        assert {word: costs.remaining(word) for word in words} == dict.fromkeys(words, 4)
    with attribution(agent="other", session="other", tags={"team": "t"}):
        assert {word: costs.remaining(word) for word in words} == {
            "trace": None,
            "session": 5,
            "agent": 5,
            "endpoint": None,
            "user": None,
            "tag:team": 4,
            "total": 4,
        }


@pytest.mark.parametrize("per", ["model", "provider", "request", ("user", "model")])
@pytest.mark.parametrize("unscoped", ["skip", "count"])
def test_no_code_runs_in_a_model(per: object, unscoped: str):
    costs = tracker(Budget("b", calls=5, per=per, unscoped=unscoped))
    with attribution(user="u"):
        assert costs.remaining("b") is None


def test_of_a_budget_for_each_call_nothing_remains():
    costs = tracker(Budget("one", usd=1, per="call"), Budget("a", usd=1), Budget("c", calls=1))
    with pytest.raises(ConfigurationError, match=r"'one' is for each call alone.*'a', 'c'"):
        costs.remaining("one")
    with pytest.raises(ConfigurationError, match="'nope' is not known: use one of 'a', 'c'"):
        costs.remaining("nope")
    with pytest.raises(ConfigurationError, match="has none that sums up calls"):
        tracker(Budget("one", usd=1, per="call")).remaining("one")
    assert tracker(Budget("t", tokens=1)).remaining("t") == 1


def test_what_a_refusal_says():
    costs = tracker(Budget("b", usd="0.005", per=("user", "session"), window="day", action="block"))
    who = Attribution(user="u1", session="s1")
    settle(costs, took(1000, 100, who=who), costs.admit(asks(), who))
    kept = costs.admit(asks(), who)
    with pytest.raises(BudgetExceeded) as raised:
        costs.admit(asks(), who)
    said = raised.value
    assert (said.reason, said.budget, said.scope) == ("limit", "b", "u1, s1")
    assert (said.limit_usd, said.would_cost_usd) == (Decimal("0.005"), Decimal("0.002"))
    # The call of 2030 is in no day of now: nothing of this one is spent, and one call is held.
    assert said.resets_at is not None
    assert said.resets_at % 86400 == 0
    assert said.response is None
    assert "0.002 USD reserved" in str(said)
    assert [alert.state for alert in said.alerts] == ["blocked"]
    assert kept.refusal is None


def test_a_refusal_of_calls_says_no_dollars():
    costs = tracker(Budget("b", calls=1, window="10s", action="block"))
    costs.admit(asks())
    with pytest.raises(BudgetExceeded, match="allows 1 call in 10s") as raised:
        costs.admit(asks())
    said = raised.value
    assert (said.limit_usd, said.spent_usd, said.would_cost_usd) == (None, None, None)
    assert said.resets_at is None


def test_what_a_server_made_up_leaves_a_shared_sum_that_can_be_read(tmp_path: Path):
    budgets = [Budget("tokens", tokens=10), Budget("usd", usd=1)]
    costs = tracker(*budgets, store=f"sqlite:///{tmp_path}/costs.db")
    for _ in range(3):
        spend(costs, 2**63 - 1, 2**63 - 1)
    assert [costs.remaining(budget.name) for budget in budgets] == [0, 0]
    assert costs.summary().calls == 3
