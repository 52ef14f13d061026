"""The accountant of a test run: it asks the test's budgets too, and counts for the test.

Whatever the code under test switches on, its own tracker prices and counts as before; this one
stands around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from costspan.attributed import NOBODY, Attribution
from costspan.call import Call, Cost, Refused, Request, Reservation
from costspan.cost.budgets.watch import Watch
from costspan.cost.seen import ELSEWHERE
from costspan.cost.tracker import CostTracker
from costspan.guard import quietly
from costspan.testing.metering.accounts import Account, give_back


class Leave(Reservation):
    """Leave of the app's tracker and of the test's budgets; a stream asks the former."""

    __slots__ = ("account", "allowance", "held", "inner", "refusal")

    def __init__(
        self, account: Account, held: Sequence[tuple[Watch, Reservation]], inner: Reservation
    ) -> None:
        self.account = account
        self.held = held
        self.inner = inner
        self.allowance = inner.allowance
        self.refusal = inner.refusal

    def allows(self, tokens: int) -> bool:
        """Whether the stream may go on."""
        goes_on = self.inner.allows(tokens)
        self.allowance, self.refusal = self.inner.allowance, self.inner.refusal
        return goes_on


class Metered:
    """A tracker, and around it the account that is open while a call is made.

    Args:
        inner: the tracker of the code under test, else the run's own.
        current: the open account.
        waits: whether the run's budget is kept in a store that may have to be waited for.
    """

    asks_leave = needs_size = True

    def __init__(
        self, inner: CostTracker, current: Callable[[], Account], *, waits: bool = False
    ) -> None:
        self._inner = inner
        self._current = current
        self.waits = waits or inner.waits
        self.needs_fingerprint = inner.needs_fingerprint
        self.token_counter = inner.token_counter

    def admit(
        self, request: Request, who: Attribution | None = None, trace_id: int = 0
    ) -> Reservation:
        """Leave to make a call.

        Raises:
            BudgetExceeded: a budget of the test, of the run or of the app has no room for it.
        """
        account = self._current()
        held = account.admit(request, who or NOBODY, trace_id, self._inner.prices)
        try:
            inner = self._inner.admit(request, who, trace_id)
        except BaseException:
            give_back(held)
            raise
        return Leave(account, held, inner)

    def release(self, reservation: Reservation) -> None:
        """Give back what is reserved for a call that is not made."""
        if isinstance(reservation, Leave):
            give_back(reservation.held)
            self._inner.release(reservation.inner)

    def account(
        self,
        call: Call,
        reservation: Reservation | None = None,
        who: Attribution | None = None,
    ) -> tuple[Call, Cost, Any]:
        """Price and count a finished call, for the app and for the test that it began in."""
        if isinstance(reservation, Refused):
            return self._inner.account(call, reservation, who)
        leave = reservation if isinstance(reservation, Leave) else None
        mine = self._current() if leave is None else leave.account
        who = who or NOBODY
        who = structs.replace(who, spent=(*who.spent, mine.totals))
        inner = None if leave is None else leave.inner
        call, cost, outcome = self._inner.account(call, inner, who)
        held = () if leave is None else leave.held
        if cost is ELSEWHERE:
            give_back(held)
            return call, cost, outcome
        with quietly("counting a call for its test"):
            exceeded = mine.count(call, cost, held)
            if exceeded is not None and outcome.exceeded is None:
                outcome = structs.replace(outcome, exceeded=exceeded)
        return call, cost, outcome
