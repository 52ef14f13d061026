"""What a window will have used at its end, if it goes on like this."""

from __future__ import annotations

from decimal import Decimal

from costspan.cost.budgets.budget import Budget

_LEAST_ELAPSED = 100
"""A hundredth of the window: before, one call would make any forecast."""


def forecast(budget: Budget, spent: int, now: int) -> Decimal | None:
    """In the budget's unit; None where there is no window of the calendar, or it has only begun."""
    window = budget.window.at(now)
    if window.end is None:
        return None
    length, elapsed = window.end - window.start, now - window.start
    if elapsed * _LEAST_ELAPSED < length:
        return None
    # Cents are enough of a guess, and tokens and calls are whole.
    places = Decimal("0.01") if budget.unit == "usd" else Decimal(1)
    return budget.amount(spent * length // elapsed).quantize(places)
