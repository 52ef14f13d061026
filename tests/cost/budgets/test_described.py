"""What a budget says of itself in a store, and what another process makes of it."""

import json

import pytest

from costspan import Budget
from costspan.cost.budgets.described import described, understood

MONTH = Budget(
    "the month",
    usd="12.50",
    per=("user", "tag:team"),
    window="month",
    timezone="Europe/Berlin",
    where={"model": "gpt-5*", "agent": "ann"},
    action="block",
    thresholds=(0.5, 1),
    unscoped="count",
)


def test_the_description_is_json():
    assert json.loads(described(MONTH)) == {
        "unit": "usd",
        "limit": "12.5",
        "per": ["user", "tag:team"],
        "window": "month",
        "timezone": "Europe/Berlin",
        "action": "block",
        "thresholds": [0.5, 1.0],
        "where": {"agent": "ann", "model": "gpt-5*"},
        "unscoped": "count",
    }


def test_equal_budgets_have_equal_descriptions():
    same = Budget("a", calls=5, where={"user": "u", "agent": "a"})
    assert described(same) == described(Budget("b", calls=5, where={"agent": "a", "user": "u"}))
    assert described(same) != described(Budget("a", calls=5, where={"user": "u"}))


@pytest.mark.parametrize(
    ("budget", "action"),
    [
        (MONTH, "block"),
        (Budget("loop", calls=20, per="trace", window="10s", action="raise"), "raise"),
        (Budget("tokens", tokens=10**15), "warn"),
        (Budget("mine", usd="0.000000000001", per="call", action=print), "call"),
    ],
)
def test_what_is_described_is_understood(budget: Budget, action: str):
    found = understood(budget.name, described(budget))
    assert found is not None
    meant, told = found
    assert told == action
    for name in ("name", "unit", "limit", "scope", "where", "thresholds", "timezone", "unscoped"):
        assert getattr(meant, name) == getattr(budget, name)
    now = 1_900_000_000_000
    assert meant.window.counter("n", "s", now) == budget.window.counter("n", "s", now)
    assert meant.alerts == ()


def test_a_sink_is_not_described():
    class Secret:
        url = "https://hooks.example.com/s3cret"

        def __call__(self, alert: object) -> None: ...

        def __repr__(self) -> str:
            return self.url

    assert b"s3cret" not in described(Budget("n", usd=1, alerts=[Secret()], action=Secret()))


@pytest.mark.parametrize(
    "description",
    [
        b"",
        b"{",
        b"[]",
        b'{"unit": "usd", "limit": "1"}',
        b'{"unit": "yen", "limit": "1", "per": ["total"]}',
        b'{"unit": "usd", "limit": "much", "per": ["total"]}',
        b'{"unit": "calls", "limit": "1.5", "per": ["total"]}',
        b'{"unit": "usd", "limit": "1", "per": ["planet"]}',
        b'{"unit": "usd", "limit": "1", "per": ["total"], "window": "year"}',
    ],
)
def test_what_is_not_understood_is_none(description: bytes):
    assert understood("n", description) is None


def test_what_a_later_release_adds_is_passed_over():
    description = b'{"unit": "usd", "limit": "1", "per": ["total"], "colour": "red"}'
    assert understood("n", description) is not None
