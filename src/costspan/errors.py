"""The exceptions that are costspan's own.

    CostspanError
    ├── ConfigurationError    a setting is wrong: raised where it is set, before anything is patched
    ├── BudgetExceeded        a call was stopped by a budget or a price policy
    └── StoreUnavailable      a shared store was asked for its sums and did not answer

They derive from `Exception` alone, so that no SDK's retry loop or `except` clause takes them for
its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class CostspanError(Exception):
    """Base of every exception that costspan raises."""


class ConfigurationError(CostspanError):
    """A setting is wrong. The message names the setting and what to write instead."""


class StoreUnavailable(CostspanError):
    """A shared store was asked for its sums and did not answer, or not in time."""


class BudgetExceeded(CostspanError):
    """A call was stopped.

    Attributes:
        reason: `"limit"` (a budget is used up), `"unpriced"` (the model has no known price and the
            policy is to block such calls) or `"store"` (the budget's store could not be asked).
        budget: name of the budget, or None where no budget was involved.
        scope: the key within the budget, such as a session's id.
        spent_usd, limit_usd, would_cost_usd: US dollars, None where not known.
        resets_at: when the budget's window ends, as seconds since the epoch.
        response: the answer that was already paid for, where there is one; None at the end of a
            stream, whose chunks the caller has.
        alerts: what was told of it, where something was.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        budget: str | None = None,
        scope: str | None = None,
        spent_usd: Decimal | None = None,
        limit_usd: Decimal | None = None,
        would_cost_usd: Decimal | None = None,
        resets_at: float | None = None,
        response: Any = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.budget = budget
        self.scope = scope
        self.spent_usd = spent_usd
        self.limit_usd = limit_usd
        self.would_cost_usd = would_cost_usd
        self.resets_at = resets_at
        self.response = response
        self.alerts: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as it is, as when it comes back from a pool's worker."""
        return _exceeded, (type(self), self.args), vars(self)


def _exceeded(kind: type[BudgetExceeded], said: tuple[Any, ...]) -> BudgetExceeded:
    made = kind.__new__(kind, *said)
    made.args = said
    return made
