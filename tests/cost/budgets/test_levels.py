"""How full a budget is, as one process has seen it: down again when the window is over."""

import pytest

from costspan import Budget
from costspan.cost.budgets.levels import Levels

HOUR = 3_600_000
MIDNIGHT = 1_900_022_400_000
"""2030-03-18 00:00 UTC, in milliseconds."""


def seen(levels: Levels, budget: Budget, scope: str, spent: int, now: int) -> None:
    levels.seen(budget, budget.window.counter(budget.name, scope, now), spent, now)


def test_the_fullest_scope_decides():
    levels, budget = Levels(), Budget("n", calls=10, per="session")
    assert levels.share(budget, MIDNIGHT) == 0.0
    seen(levels, budget, "a", 6, MIDNIGHT)
    seen(levels, budget, "b", 4, MIDNIGHT)
    assert levels.share(budget, MIDNIGHT + 1000 * HOUR) == 0.6
    seen(levels, budget, "b", 12, MIDNIGHT)
    assert levels.share(budget, MIDNIGHT) == 1.2
    seen(levels, budget, "b", 11, MIDNIGHT)  # corrected
    assert levels.share(budget, MIDNIGHT) == 1.1


@pytest.mark.parametrize(("window", "length"), [("hour", HOUR), ("10m", HOUR // 6)])
def test_a_window_that_is_over_is_empty(window: str, length: int):
    levels, budget = Levels(), Budget("n", calls=10, per="session", window=window)
    seen(levels, budget, "a", 8, MIDNIGHT)
    assert levels.share(budget, MIDNIGHT + length - 1) == 0.8
    assert levels.share(budget, MIDNIGHT + length) == 0.0
    seen(levels, budget, "b", 1, MIDNIGHT + length)
    assert levels.share(budget, MIDNIGHT + length) == 0.1


def test_what_is_settled_late_counts_in_its_own_window():
    levels, budget = Levels(), Budget("n", calls=10, window="hour")
    before = budget.window.counter("n", "", MIDNIGHT - 1)
    levels.seen(budget, before, 9, MIDNIGHT)
    assert levels.share(budget, MIDNIGHT) == 0.0


def test_single_calls_have_no_share():
    assert Levels().share(Budget("n", usd=1, per="call"), MIDNIGHT) is None
