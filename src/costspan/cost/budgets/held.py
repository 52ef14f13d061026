"""What is reserved for one call, and what its stream may still use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costspan.call import Reservation
from costspan.cost.budgets.allowances import Allowance
from costspan.cost.budgets.budget import Budget
from costspan.cost.stores.contract import Claim, Counter
from costspan.errors import BudgetExceeded

Extend = Callable[["Held"], BudgetExceeded | None]


class Part:
    """One budget's part in a reservation.

    `amount` is what is reserved so far, `more` what as much output again may take.
    """

    __slots__ = ("_first", "allowance", "amount", "budget", "claim", "more")

    def __init__(
        self, budget: Budget, claim: Claim, allowance: Allowance | None, more: int = 0
    ) -> None:
        self.budget = budget
        self.claim = claim
        self.allowance = allowance
        self.amount = claim.amount
        self.more = more
        self._first = 1 if allowance is None else max(1, allowance.output_tokens)

    @property
    def counter(self) -> Counter:
        """Where it is counted: in the window in which the call was admitted."""
        return self.claim.counter

    @property
    def output_tokens(self) -> int | None:
        """Tokens of output that are reserved; None where calls alone are counted."""
        return None if self.allowance is None else self.allowance.output_tokens

    def extend(self) -> None:
        """Note that `more` is reserved, for as much output as what was reserved first."""
        assert self.allowance is not None
        self.amount += self.more
        tokens = self.allowance.output_tokens + self._first
        self.allowance = Allowance(self.allowance.input_tokens, tokens, is_sure=False)

    @property
    def cuts(self) -> bool:
        """Whether a stream can use it up before its end."""
        allowance = self.allowance
        return self.budget.cut_streams and allowance is not None and not allowance.is_sure


class Held(Reservation):
    """Leave to make one call, with what is reserved for it."""

    __slots__ = ("__weakref__", "_extend", "allowance", "parts", "refusal", "token")

    def __init__(self, token: str, parts: Sequence[Part], extend: Extend) -> None:
        self.token = token
        self.parts = parts
        self._extend = extend
        self.refusal: BudgetExceeded | None = None
        self.allowance = _least(parts) if any(part.budget.cut_streams for part in parts) else None

    def allows(self, tokens: int) -> bool:
        """Whether the stream may go on after about so many tokens, reserving more if need be."""
        while self.allowance is not None and tokens > self.allowance:
            self.refusal = self._extend(self)
            if self.refusal is not None:
                return False
            self.allowance = _least(self.parts)
        return True

    def part_of(self, budget: Budget) -> Part | None:
        """What is reserved for one budget."""
        for part in self.parts:
            if part.budget is budget:
                return part
        return None


def _least(parts: Sequence[Part]) -> int | None:
    """Tokens of output after which a stream must ask again; None where it never must."""
    limits = [part.output_tokens for part in parts if part.cuts]
    return min((limit for limit in limits if limit is not None), default=None)
