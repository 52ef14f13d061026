"""CostTracker: prices each call, keeps the sums, watches the budgets and hands the lines on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import overload

from costspan.alerts.alert import Alert, Sink, checked_sinks
from costspan.alerts.courier import Courier
from costspan.alerts.log import LogAlerts
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Request, Reservation, usd
from costspan.cost.budget import Budget
from costspan.cost.estimate import TokenCounter, with_estimate
from costspan.cost.prices import Prices
from costspan.cost.responses import RETRIEVAL, SettledResponses
from costspan.cost.seen import OURS, SeenCalls, Standing
from costspan.cost.stores.memory import MemoryStore
from costspan.errors import ConfigurationError
from costspan.export.schema import Line, line_of
from costspan.guard import quietly
from costspan.totals import BudgetState, Summary, Totals, lock

LineWriter = Callable[[Call, Cost], None]
"""Takes each settled call with its cost, in the caller's thread, before the call returns."""

KEPT_RECORDS = 1000
_GRANTED = Reservation()

ELSEWHERE = Cost(status="not_billed", missing=("settled_elsewhere",))
"""The cost of a call that was settled by another span of it: nothing is counted twice."""


class CostTracker:
    """Prices calls, sums them up, and tells when a budget is crossed.

    Args:
        prices: where prices come from; by default the bundled table.
        budgets: limits to watch.
        alerts: who is told; by default the log. A sink is any callable of one `Alert`, sync or
            async.
        store: where sums are kept; `"memory"` is this process.
        estimate: whether the tokens that a broken-off stream did not report are estimated; such a
            cost has the status `estimated`.

    Raises:
        ConfigurationError: a value is wrong, or not available yet.
    """

    def __init__(
        self,
        *,
        prices: Prices | None = None,
        budgets: Sequence[Budget] = (),
        alerts: Sequence[Sink] | None = None,
        store: str = "memory",
        on_store_error: str = "allow",
        estimate: bool = False,
    ) -> None:
        if prices is not None and not isinstance(prices, Prices):
            raise ConfigurationError(f"CostTracker(prices={prices!r}): give a Prices(...)")
        if store != "memory":
            raise ConfigurationError(f"CostTracker(store={store!r}) is not available yet: 'memory'")
        if on_store_error != "allow":
            raise ConfigurationError(
                "CostTracker(on_store_error=...) is not available yet: leave it out"
            )
        if not isinstance(estimate, bool):
            raise ConfigurationError(f"CostTracker(estimate={estimate!r}): give True or False")
        self.prices = prices if prices is not None else Prices()
        self.budgets = _checked_budgets(budgets)
        self._sinks = checked_sinks([LogAlerts()] if alerts is None else alerts)
        self._courier = Courier()
        self._store = MemoryStore()
        self._alerts = dict.fromkeys((budget.name for budget in self.budgets), 0)
        self._seen = SeenCalls()
        self._responses = SettledResponses()
        self.token_counter = TokenCounter() if estimate else None
        self._settled: deque[tuple[Call, Cost]] = deque(maxlen=KEPT_RECORDS)
        self.writers: tuple[LineWriter, ...] = ()

    def admit(self, request: Request, who: Attribution | None = None) -> Reservation:
        """Leave to make a call.

        Raises:
            BudgetExceeded: the model has no known price and `Prices(unknown="block")` is set.
        """
        self.prices.admit(request)
        return _GRANTED

    def settle(
        self,
        call: Call,
        reservation: Reservation | None = None,
        who: Attribution | None = None,
        span: Standing = OURS,
    ) -> Cost:
        """Price a finished call, count it, write its line and watch the budgets.

        Args:
            span: who made the call's span, and where it stands.

        Returns:
            Its cost; `ELSEWHERE` where another span of this call was settled already.
        """
        return self.account(call, reservation, who, span)[1]

    def account(
        self,
        call: Call,
        reservation: Reservation | None = None,
        who: Attribution | None = None,
        span: Standing = OURS,
    ) -> tuple[Call, Cost]:
        """As `settle`, and say what of the call counts: of a retrieval at most what is new."""
        spent = () if who is None else who.spent
        if call.request.operation == RETRIEVAL:
            call, cost = self._retrieved(call, spent)
        elif not self._seen.is_new(call, span):
            return call, ELSEWHERE
        else:
            cost = self.prices.cost(call)
            if call.estimated is not None:
                cost = with_estimate(call, cost, self.prices.cost)
            self._responses.created(call, cost, spent)
        self._store.settle(call, cost, spent)
        self._write(call, cost)
        for budget in self.budgets:
            alert = budget.crossed(call, cost)
            if alert is not None:
                self._alert(budget, alert, call)
        return call, cost

    def _retrieved(self, call: Call, spent: tuple[Totals, ...]) -> tuple[Call, Cost]:
        found = self._responses.retrieved(call, spent, self.prices.cost)
        if found.before is not None and found.before.unpriced is not None:
            self._store.superseded(found.before.unpriced, found.before.spent)
        return found.call, found.cost

    @property
    def records(self) -> list[Line]:
        """The last 1,000 calls, oldest first, each with the fields of a line of the calls file."""
        return [line_of(call, cost) for call, cost in list(self._settled)]

    @overload
    def summary(self, by: None = None) -> Summary: ...

    @overload
    def summary(self, by: str) -> dict[str, Summary]: ...

    def summary(self, by: str | None = None) -> Summary | dict[str, Summary]:
        """Sums of all calls, or by one dimension.

        Args:
            by: agent, session, user, endpoint, model, provider, trace or `tag:KEY`.

        Raises:
            ConfigurationError: the dimension is unknown.
        """
        return self._store.summary() if by is None else self._store.summaries(by)

    def budget_states(self) -> list[BudgetState]:
        """How each budget stands in this process; nothing is waited for."""
        return [
            BudgetState(
                name=budget.name,
                per=budget.per,
                limit_usd=usd(budget.limit),
                alerts=self._alerts[budget.name],
            )
            for budget in self.budgets
        ]

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the alerts that are on their way are delivered; False where time ran out."""
        return self._courier.flush(timeout)

    def _write(self, call: Call, cost: Cost) -> None:
        self._settled.append((call, cost))
        for write in self.writers:
            with quietly("writing a call's line"):
                write(call, cost)

    def _alert(self, budget: Budget, alert: Alert, call: Call) -> None:
        self._store.alerted(call)
        with lock():
            self._alerts[budget.name] += 1
        self._courier.send(alert, self._sinks if budget.alerts is None else budget.alerts)


def _checked_budgets(budgets: Sequence[Budget]) -> tuple[Budget, ...]:
    names: set[str] = set()
    for budget in budgets:
        if not isinstance(budget, Budget):
            raise ConfigurationError(
                f"CostTracker(budgets=[{budget!r}]): give a list of Budget(...)"
            )
        if budget.name in names:
            raise ConfigurationError(f"two budgets are named {budget.name!r}: names must differ")
        names.add(budget.name)
    return tuple(budgets)
