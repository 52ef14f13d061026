"""How budgets stand, the same from every kind of store that processes share."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from costspan import Budget
from costspan.cost.budgets.described import described
from costspan.cost.budgets.scopes import BETWEEN
from costspan.cost.budgets.survey import ScopeState, Survey, scopes_of, survey
from costspan.cost.stores.contract import SKIPPED, UNSCOPED, Charge, Claim, Store
from costspan.cost.stores.opening import open_store
from tests.cost.stores.conftest import SHARED, postgres, redis, shared_url  # noqa: F401
from tests.cost.stores.servers import PATIENCE
from tests.cost.stores.settled import CALL, HOUR, MINUTE, NOW, cost, notice

DAY = 24 * HOUR
CENT = 10**10
MARCH = 1_898_550_000_000
"""2030-03-01 00:00 in Berlin, of which `NOW` is the 17th at 18:46."""


@pytest.fixture
def store(shared_url: str) -> Iterator[Store]:  # noqa: F811
    opened = open_store(shared_url, PATIENCE)
    yield opened
    opened.close()


def spend(store: Store, budget: Budget, scope: str, amount: int, at: int = NOW) -> None:
    counter = budget.window.counter(budget.name, scope, at)
    store.settle(CALL, cost(0), (), [Charge(counter, amount)])


def looked_at(store: Store, *budgets: Budget, now: int = NOW, most: int = 10) -> Survey:
    for budget in budgets:
        store.declare(budget.name, described(budget))
    return survey(store, now, most=most)


@pytest.mark.parametrize("shared_url", SHARED, indirect=True)
def test_what_is_spent_reserved_and_ahead(store: Store):
    month = Budget("month", usd=4, per="user", window="month", timezone="Europe/Berlin")
    spend(store, month, "u1", 150 * CENT)
    spend(store, month, "u1", 50 * CENT)
    spend(store, month, "u2", 400 * CENT)
    spend(store, month, "u3", 1, at=MARCH - 1)  # of February
    spend(store, month, SKIPPED, 1)
    spend(store, month, SKIPPED, 1)
    held = Claim(month.window.counter("month", "u1", NOW), 25 * CENT, month.limit)
    assert store.reserve("call", [held], NOW, NOW + MINUTE) is None

    (found,) = looked_at(store, month).budgets

    # 31 days less the hour that the clocks go forward, of which 16 days, 18:46:40 are over.
    share_of_month = Decimal(NOW - MARCH) / Decimal(31 * DAY - HOUR)
    assert found.scopes == (
        ScopeState(
            scope="u2",
            spent=Decimal(4),
            limit=Decimal(4),
            share=1.0,
            reserved=Decimal(0),
            forecast=round(4 / share_of_month, 2),
        ),
        ScopeState(
            scope="u1",
            spent=Decimal(2),
            limit=Decimal(4),
            share=0.5,
            reserved=Decimal("0.25"),
            forecast=round(2 / share_of_month, 2),
        ),
    )
    assert (found.used_up, found.scopes_in_all, found.calls_skipped) == (True, 2, 2)
    assert found.resets_at == "2030-03-31T22:00:00.000000Z"


@pytest.mark.parametrize("shared_url", SHARED, indirect=True)
def test_a_window_that_is_over_is_empty(store: Store):
    sliding = Budget("loop", calls=10, per="session", window="10m")
    hour = Budget("hour", calls=10, window="hour")
    for budget in (sliding, hour):
        spend(store, budget, "", 3)

    before, after = (looked_at(store, sliding, hour, now=now) for now in (NOW, NOW + HOUR))

    assert [one.scopes_in_all for one in before.budgets] == [1, 1]
    assert [one.scopes_in_all for one in after.budgets] == [0, 0]


@pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)
class TestOne:
    def test_scopes_as_a_person_reads_them(self, store: Store):
        pairs = Budget("pairs", tokens=10, per=("user", "model"))
        for scope, tokens in ((BETWEEN.join(("u1", "m")), 5), (UNSCOPED, 2), (SKIPPED, 1)):
            spend(store, pairs, scope, tokens)

        (found,) = looked_at(store, pairs).budgets

        assert [one.scope for one in found.scopes] == ["u1, m", UNSCOPED]
        assert scopes_of(store, "pairs", NOW) == {
            "u1, m": BETWEEN.join(("u1", "m")),
            UNSCOPED: UNSCOPED,
        }

    def test_the_fullest_first_and_the_rest_counted(self, store: Store):
        budget = Budget("n", calls=100, per="session")
        for number in range(1, 8):
            spend(store, budget, f"s{number}", number)

        (found,) = looked_at(store, budget, most=3).budgets

        assert [(one.scope, one.spent) for one in found.scopes] == [("s7", 7), ("s6", 6), ("s5", 5)]
        assert (found.scopes_in_all, found.used_up) == (7, False)

    def test_an_alert_that_is_not_understood_is_left_out(self, store: Store):
        store.claim(notice(alert=b'{"budget": 7}'), NOW)
        assert looked_at(store).alerts == ()
