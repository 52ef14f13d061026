"""What was charged for responses whose usage nobody knew yet, until a retrieval tells it."""

from __future__ import annotations

from collections import OrderedDict

from costspan import totals
from costspan.call import Call
from costspan.cost.budgets.budget import Budget
from costspan.cost.stores.contract import Charge

MOST_KEPT = 10_000

Charged = tuple[Budget, Charge]


class Guesses:
    """The last 10,000 responses that may be retrieved, with what is to be taken back then."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, list[Charged]] = OrderedDict()

    def note(self, call: Call, budget: Budget, unsure: Charge) -> None:
        """Remember by how much a call was charged beyond what is known of it."""
        response = call.response
        if unsure.amount <= 0 or response is None or response.status is None:
            return
        back = Charge(unsure.counter, -unsure.amount)
        with totals.lock():
            self._kept.setdefault(call.span_id, []).append((budget, back))
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def taken_back(self, call: Call) -> list[Charged]:
        """What to take back, now that `call` tells what the response took."""
        if not call.corrects:
            return []
        with totals.lock():
            return self._kept.pop(call.corrects, [])
