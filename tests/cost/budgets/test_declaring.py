"""A tracker tells a shared store of its budgets, in its patrol's first round and by itself."""

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from costspan import Budget, CostTracker
from costspan.cost.budgets.described import described
from costspan.cost.stores.opening import open_store
from tests.cost.calls import finished
from tests.cost.stores.conftest import SHARED, postgres, redis, shared_url  # noqa: F401


def tracker(url: str, budgets: Iterable[Budget]) -> CostTracker:
    return CostTracker(budgets=list(budgets), alerts=[print], store=url)


def declared(url: str, wanted: dict[str, bytes]) -> dict[str, bytes]:
    """What the store knows, at the latest after a minute as it is wanted."""
    store = open_store(url, 10.0)
    deadline = time.monotonic() + 60
    while (found := store.declared()) != wanted and time.monotonic() < deadline:
        time.sleep(0.01)  # another thread tells it
    store.close()
    return found


@pytest.mark.parametrize("shared_url", SHARED, indirect=True)
def test_the_store_learns_of_budgets_without_any_call(shared_url: str):  # noqa: F811
    one, two = Budget("one", usd=1), Budget("two", usd=2, per="call")
    wanted = {budget.name: described(budget) for budget in (one, two)}
    costs = tracker(shared_url, [one, two])
    assert declared(shared_url, wanted) == wanted

    changed = Budget("one", usd=3, window="month")
    later = tracker(shared_url, [changed])
    wanted["one"] = described(changed)
    assert declared(shared_url, wanted) == wanted
    assert costs.budgets != later.budgets


def test_limits_for_single_calls_alone_are_told_as_well(tmp_path: Path):
    budget = Budget("single call", usd=1, per="call")
    url = f"sqlite:///{tmp_path}/costs.db"
    costs = tracker(url, [budget])
    wanted = {"single call": described(budget)}
    assert declared(url, wanted) == wanted
    assert costs.budgets == (budget,)


def test_a_process_that_starts_knows_how_full_its_budgets_are(tmp_path: Path):
    """Before any call of its own, by the round that looks for what nobody told."""
    url = f"sqlite:///{tmp_path}/costs.db"
    budget = Budget("calls", calls=4, per="session")
    first = tracker(url, [budget])
    for _ in range(3):
        first.settle(finished(session="s"))

    second = tracker(url, [budget])

    deadline = time.monotonic() + 60
    while second.budget_states()[0].used != 0.75 and time.monotonic() < deadline:
        time.sleep(0.01)  # another thread asks the store
    assert [state.used for state in (*first.budget_states(), *second.budget_states())] == [
        0.75,
        0.75,
    ]
