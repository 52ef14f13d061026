"""One test run: which account is open, and when calls are seen at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from costspan.cost.stores.contract import Store
from costspan.cost.stores.memory import MemoryStore
from costspan.cost.stores.opening import open_store
from costspan.cost.tracker import CostTracker
from costspan.instrumentation.settlement import settlement
from costspan.instrumentation.wiring import Wiring, slot
from costspan.testing.metering.accountant import Metered
from costspan.testing.metering.accounts import Account, Purse, Row
from costspan.testing.metering.limits import Limits, total_of
from costspan.testing.metering.standby import Standby

OUTSIDE = "(outside of tests)"
STORE_SECONDS = 5.0
"""How long the store of a run with workers may take: they all write to one file."""


class Run:
    """Counts the calls of one process of a test run.

    Args:
        total: US dollars that all processes of the run may spend together; None for no limit.
        store: the path of the file that they share; None where there is one process.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    def __init__(self, total: str | None = None, store: str | None = None) -> None:
        self._standby = Standby()
        kept = MemoryStore() if store is None else _opened(store)
        self._shared = None if total is None else Purse([total_of(total)], kept)
        self._waits = total is not None and kept.shared
        self._beneath: Wiring | None = None
        self._is_on = False
        self._open = [Account(OUTSIDE, Limits(), self._shared)]
        self._fixtures: dict[str, Account] = {}

    @property
    def current(self) -> Account:
        """The account that calls are counted for now, in whatever thread they are made."""
        return self._open[-1]

    def on(self) -> None:
        """See calls, whether or not the code under test switches costspan on or off."""
        if not self._is_on:
            self._is_on = True
            slot.fit = self._fitted
            slot.put(slot.wiring)

    def off(self) -> None:
        """Leave things as the code under test has put them."""
        if self._is_on:
            self._is_on = False
            settlement.finish()
            slot.fit = None
            slot.put(self._beneath)
            self._beneath = None
            self._standby.step_back()

    def begin(self, name: str, limits: Limits) -> Account:
        """Open the account of a test."""
        account = Account(name, limits, self._shared)
        self._open.append(account)
        return account

    def end(self, account: Account) -> Row | None:
        """Close it; gives its sums."""
        row = account.row()
        if account in self._open:
            del self._open[self._open.index(account) :]
        account.close()
        return row

    @contextmanager
    def aside(self, name: str) -> Iterator[None]:
        """Count for a fixture that many tests share."""
        account = self._fixtures.setdefault(name, Account(name, Limits(), self._shared))
        self._open.append(account)
        try:
            yield
        finally:
            self._open.remove(account)

    def rows(self) -> list[Row]:
        """The sums of what belongs to no single test."""
        found = [one.row() for one in (self._open[0], *self._fixtures.values())]
        return [row for row in found if row is not None]

    def close(self) -> None:
        """The run is over."""
        self.off()
        if self._shared is not None:
            self._shared.close()
            self._shared.store.close()

    def _fitted(self, wiring: Wiring | None) -> Wiring:
        self._beneath = wiring
        if wiring is None:
            self._standby.step_in()
            wiring = self._standby.wiring
        else:
            self._standby.step_back()
        fitted = copy.copy(wiring)
        tracker = wiring.costs if isinstance(wiring.costs, CostTracker) else self._standby.costs
        fitted.count_with(Metered(tracker, lambda: self.current, waits=self._waits))
        return fitted


def _opened(path: str) -> Store:
    return open_store(f"sqlite:///{quote(path)}", STORE_SECONDS)


def spent_in(store: str, total: str) -> str:
    """US dollars that the processes of a run have spent together."""
    purse = Purse([total_of(total)], _opened(store))
    try:
        budget = purse.budgets[0]
        return str(budget.amount(purse.spent(budget)))
    finally:
        purse.store.close()
