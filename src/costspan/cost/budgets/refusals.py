"""What is raised where a budget has no more."""

from __future__ import annotations

from typing import Any

from costspan.alerts.alert import amount
from costspan.call import usd
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.scopes import shown
from costspan.cost.stores.contract import Standing
from costspan.errors import BudgetExceeded


def used_up(
    budget: Budget, scope: str, standing: Standing, would: int, now: int, *, cut: bool = False
) -> BudgetExceeded:
    """A call, or a stream's next part, that the budget has no room for.

    Args:
        would: what it may take, in the budget's whole numbers.
        now: milliseconds since the epoch.
    """
    spent, limit = budget.amount(standing.spent), budget.amount(budget.limit)
    held = f" and {amount(budget.amount(standing.held), budget.unit)} reserved" * (
        standing.held > 0
    )
    what = "this stream was cut off: it used up" if cut else "this call was not made: it may take"
    return _exceeded(
        f"budget {budget.name!r}{_whose(budget, scope)} allows {amount(limit, budget.unit)}"
        f"{_within(budget)}, {amount(spent, budget.unit)} are spent{held}; {what} "
        f"{amount(budget.amount(would), budget.unit)}",
        budget,
        scope,
        standing.spent,
        would,
        now,
    )


def crossed(budget: Budget, scope: str, spent: int, now: int) -> BudgetExceeded:
    """A call that was made, paid, and went over the limit."""
    limit = amount(budget.amount(budget.limit), budget.unit)
    return _exceeded(
        f"budget {budget.name!r}{_whose(budget, scope)} allows {limit}{_within(budget)}: with this "
        f"call {amount(budget.amount(spent), budget.unit)} are spent; its answer is in .response",
        budget,
        scope,
        spent,
        None,
        now,
    )


def unbounded(budget: Budget, model: str | None) -> BudgetExceeded:
    """A call whose most output nobody knows, under a budget that wants it reserved."""
    return BudgetExceeded(
        f"budget {budget.name!r} reserves the most that a call can put out, and nobody knows that "
        f"of {model!r}: state a limit in the request (max_tokens, max_output_tokens), or use "
        "reserve='typical'",
        reason="limit",
        budget=budget.name,
        limit_usd=usd(budget.limit) if budget.unit == "usd" else None,
    )


def unreachable(budgets: list[str]) -> BudgetExceeded:
    """A call that could not be checked, where that stops it."""
    names = ", ".join(map(repr, budgets))
    return BudgetExceeded(
        f"the store of the budgets {names} could not be asked, and on_store_error='block' is set",
        reason="store",
        budget=budgets[0] if budgets else None,
    )


def _exceeded(
    message: str, budget: Budget, scope: str, spent: int, would: int | None, now: int
) -> BudgetExceeded:
    end = budget.window.at(now).end
    money: dict[str, Any] = {}
    if budget.unit == "usd":
        money = {
            "spent_usd": usd(spent),
            "limit_usd": usd(budget.limit),
            "would_cost_usd": None if would is None else usd(would),
        }
    return BudgetExceeded(
        message,
        reason="limit",
        budget=budget.name,
        scope=shown(scope),
        resets_at=None if end is None else end / 1e3,
        **money,
    )


def _whose(budget: Budget, scope: str) -> str:
    return f" of {budget.per} {shown(scope)}" if shown(scope) else ""


def _within(budget: Budget) -> str:
    text = budget.window.text
    if text is None:
        return " for one call" if budget.is_per_call else ""
    return f" in {text}" if budget.window.is_sliding else f" a {text}"
