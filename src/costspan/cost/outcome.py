"""What a settled call set off, and how calls are counted where there is no budget."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from costspan.attributed import Attribution
from costspan.call import Call, Cost, Request, Reservation
from costspan.cost.stores.contract import Store, StoreDown
from costspan.errors import BudgetExceeded, ConfigurationError
from costspan.totals import BudgetState, Totals

if TYPE_CHECKING:
    from costspan.alerts.alert import Alert

GRANTED = Reservation()


class Outcome(Struct, frozen=True, gc=False):
    """What a call set off: alerts, and what is to be raised in place of its answer."""

    alerts: Sequence[Alert] = ()
    exceeded: BudgetExceeded | None = None


NOTHING = Outcome()


class Unwatched:
    """Stands where a tracker has no budgets: every call has leave, and is summed up.

    See `costspan.cost.budgets.watch.Watch`, which is not even imported then.
    """

    refuses = sizes = fingerprints = False
    undelivered = 0

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, request: Request, who: Attribution, trace_id: int) -> Reservation:
        """Leave for any call."""
        return GRANTED

    def settle(
        self, call: Call, cost: Cost, spent: tuple[Totals, ...], reservation: Reservation | None
    ) -> Outcome:
        """Count a finished call in the store."""
        try:  # noqa: SIM105 - suppress() would cost a fifth of what it surrounds
            self._store.settle(call, cost, spent)
        except StoreDown:
            pass  # kept by the store, and counted when it is there again
        return NOTHING

    def release(self, reservation: Reservation) -> None:
        """Nothing is ever reserved."""

    def remaining(self, name: str, who: Attribution, trace_id: int) -> Decimal | None:
        """Nothing has a remainder.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            f"budget {name!r} is not known: this tracker has none; give it "
            "CostTracker(budgets=[Budget(...)])"
        )

    def states(self) -> list[BudgetState]:
        """None."""
        return []

    def flush(self, timeout: float) -> bool:
        """Nobody is told of anything."""
        return True
