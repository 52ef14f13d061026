"""What a budget may be told, and what is refused with the remedy."""

import copy
import functools
import pickle
from decimal import Decimal

import pytest

from costspan import Alert, Budget, BudgetExceeded, ConfigurationError, CostTracker
from costspan.attributed import Attribution
from tests.cost.budgets.desk import asks, tracker


class Whole:
    """A whole number of another library, as numpy's are."""

    def __index__(self) -> int:
        return 7


async def waits(alert: Alert) -> None:
    """An action that would never be awaited."""


class Waits:
    async def __call__(self, alert: Alert) -> None: ...


@pytest.mark.parametrize(
    ("limit", "unit", "whole"),
    [
        ({"usd": 0.05}, "usd", 50_000_000_000),
        ({"usd": "0.000000000001"}, "usd", 1),
        ({"usd": Decimal("1e-12")}, "usd", 1),
        ({"usd": 9_000_000_000}, "usd", 9 * 10**21),
        ({"tokens": 100_000}, "tokens", 100_000),
        ({"calls": 20}, "calls", 20),
        ({"calls": Whole()}, "calls", 7),
    ],
)
def test_a_limit_in_whole_numbers(limit: dict, unit: str, whole: int):
    budget = Budget("b", **limit)
    assert (budget.unit, budget.limit) == (unit, whole)


WRONG = [
    ({}, "needs one limit: usd=0.05, tokens=100_000 or calls=20"),
    ({"usd": 1, "calls": 1}, "make two budgets for two limits"),
    ({"usd": 0}, "above 0"),
    ({"usd": -1}, "above 0"),
    ({"usd": "1e-13"}, "above 0"),
    ({"usd": "five"}, "a number of US dollars"),
    ({"usd": float("nan")}, "a number of US dollars"),
    ({"usd": float("inf")}, "a number of US dollars"),
    ({"usd": True}, "a number of US dollars"),
    ({"tokens": 0}, "a whole number of tokens above 0"),
    ({"tokens": 1e6}, "a whole number of tokens above 0"),
    ({"tokens": "many"}, "a whole number of tokens above 0"),
    ({"calls": -3}, "a whole number of calls above 0"),
    ({"calls": True}, "a whole number of calls above 0"),
    ({"usd": 1, "per": "session_id"}, "there is no 'session_id': write 'session'"),
    ({"usd": 1, "per": "team"}, "write 'tag:team'"),
    ({"usd": 1, "per": "tag:"}, "use one of call, trace, agent"),
    ({"usd": 1, "per": ()}, "a word such as 'session', or a tuple"),
    ({"usd": 1, "per": None}, "a word such as 'session', or a tuple"),
    ({"usd": 1, "per": {"user"}}, "a word such as 'session', or a tuple"),
    ({"usd": 1, "per": ("user", 7)}, "there is no 7"),
    ({"usd": 1, "per": ("user", "user")}, "a word stands twice"),
    ({"usd": 1, "per": ("user", "total")}, "stand alone"),
    ({"usd": 1, "per": ("call", "model")}, "stand alone"),
    ({"calls": 1, "per": "call"}, "one call is one call; use per='trace'"),
    ({"usd": 1, "per": "call", "window": "day"}, "one call has no window; leave it out"),
    ({"usd": 1, "window": "fortnight"}, "give a length such as '10s'"),
    ({"usd": 1, "window": "0s"}, "give a length such as '10s'"),
    ({"usd": 1, "window": "-1h"}, "give a length such as '10s'"),
    ({"usd": 1, "window": 10}, "give a length such as '10s'"),
    ({"usd": 1, "window": "10m", "timezone": "UTC"}, "only windows of hour, day, week, month"),
    ({"usd": 1, "timezone": "UTC"}, "only windows of hour, day, week, month"),
    ({"usd": 1, "window": "day", "timezone": "Mars/Olympus"}, "is not known here"),
    ({"usd": 1, "window": "day", "timezone": "../etc/passwd"}, "is not known here"),
    ({"usd": 1, "window": "day", "timezone": 2}, "is not known here"),
    ({"usd": 1, "where": "agent"}, "give a dict"),
    ({"usd": 1, "where": {"session_id": "s"}}, "write 'session'"),
    ({"usd": 1, "where": {"agent": 7}}, "give a string"),
    ({"usd": 1, "where": {"model": "*-mini"}}, "it would hold for no call"),
    ({"usd": 1, "where": {"agent": "*"}, "cut_streams": 1}, "give True or False"),
    ({"usd": 1, "where": {"endpoint": "/{tail:.*}"}, "cut_streams": 1}, "give True or False"),
    ({"usd": 1, "action": "stop"}, "use 'warn', 'raise', 'block' or a function"),
    ({"usd": 1, "action": Waits}, "use 'warn', 'raise', 'block' or a function"),
    pytest.param({"usd": 1, "action": waits}, "async ones go into alerts", id="async action"),
    pytest.param(
        {"usd": 1, "action": functools.partial(waits)}, "async ones go into alerts", id="partial"
    ),
    ({"usd": 1, "action": Waits()}, "async ones go into alerts"),
    ({"usd": 1, "thresholds": ()}, "give shares of the limit"),
    ({"usd": 1, "thresholds": "0.5"}, "give shares of the limit"),
    ({"usd": 1, "thresholds": 0.5}, "give shares of the limit"),
    ({"usd": 1, "thresholds": (0.5, 80)}, "give shares of the limit"),
    ({"usd": 1, "thresholds": (0,)}, "give shares of the limit"),
    ({"usd": 1, "thresholds": (True,)}, "give shares of the limit"),
    ({"usd": 1, "thresholds": (float("nan"),)}, "give shares of the limit"),
    ({"usd": 1, "reserve": "most"}, "use 'typical' or 'max'"),
    ({"usd": 1, "unscoped": ["skip"]}, "use 'skip' or 'count'"),
    ({"usd": 1, "cut_streams": 1}, "give True or False"),
    ({"usd": 1, "cut_streams": True}, "only a budget of dollars or tokens with action='block'"),
    ({"calls": 1, "cut_streams": True, "action": "block"}, "only a budget of dollars or tokens"),
    ({"usd": 1, "alerts": [7]}, "a sink is a callable of one Alert"),
    ({"usd": 1, "alerts": print}, "give a list of sinks"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=map(str, range(len(WRONG))))
def test_what_is_wrong_is_refused(arguments: dict, said: str):
    with pytest.raises(ConfigurationError, match=said):
        Budget("b", **arguments)


@pytest.mark.parametrize("name", ["", " ", None, 7, "a\nb", "a\x1fb"])
def test_a_budget_needs_a_name(name: object):
    with pytest.raises(ConfigurationError, match="needs a name"):
        Budget(name, usd=1)


def test_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="'usdd'"):
        Budget("b", usdd=1)


@pytest.mark.parametrize(
    "budgets",
    ["the month", Budget("b", usd=1), None, 7, ["b"], [{"usd": 1}]],
    ids=map(str, range(6)),
)
def test_a_tracker_takes_a_list_of_budgets(budgets: object):
    with pytest.raises(ConfigurationError, match="give a list"):
        CostTracker(budgets=budgets)


def test_names_differ():
    with pytest.raises(ConfigurationError, match="two budgets are named 'b'"):
        tracker(Budget("b", usd=1), Budget("b", calls=1))


def test_one_budget_may_stand_in_two_trackers():
    budget = Budget("b", calls=1, action="block")
    one, other = tracker(budget), tracker(budget)
    one.admit(asks())
    with pytest.raises(BudgetExceeded):
        one.admit(asks())
    assert (one.remaining("b"), other.remaining("b")) == (0, 1)


def test_a_refusal_can_be_copied_and_pickled():
    """As it must be to come back from a worker process."""
    costs = tracker(Budget("b", usd=0.001, per="session", window="hour", action="block"))
    with pytest.raises(BudgetExceeded) as raised:
        costs.admit(asks(), Attribution(session="s1"))
    for made in (copy.copy(raised.value), pickle.loads(pickle.dumps(raised.value))):
        assert (type(made), str(made)) == (BudgetExceeded, str(raised.value))
        assert vars(made) == vars(raised.value)
    assert raised.value.scope == "s1"
