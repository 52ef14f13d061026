"""CostTracker: prices each call, keeps the sums, watches the budgets and hands the lines on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from opentelemetry import context, trace

from costspan.alerts.alert import Sink, checked_sinks
from costspan.attributed import NOBODY, Attribution, attribution_in
from costspan.call import Call, Cost, Request, Reservation
from costspan.cost.estimate import TokenCounter, with_estimate
from costspan.cost.outcome import NOTHING, Outcome, Unwatched
from costspan.cost.pricing.prices import Prices
from costspan.cost.recent import RecentCalls
from costspan.cost.responses import RETRIEVAL, SettledResponses
from costspan.cost.seen import ELSEWHERE, OURS, SeenCalls, Standing
from costspan.cost.stores.contract import told_to_the_app
from costspan.cost.stores.opening import open_store
from costspan.elsewhere import finished, submit
from costspan.errors import ConfigurationError
from costspan.export.schema import Line, line_of
from costspan.guard import quietly
from costspan.totals import BudgetState, Summary, Totals

if TYPE_CHECKING:  # with no budget, nothing of budgets is ever loaded
    from costspan.cost.budgets.budget import Budget
    from costspan.cost.budgets.watch import Watch

LineWriter = Callable[[Call, Cost], None]
"""Takes each settled call with its cost, in the caller's thread, before the call returns."""

logger = logging.getLogger("costspan")

KEPT_RECORDS = 1000

_COUNTING = quietly("counting a call")
_WRITING = quietly("writing a call's line")


class CostTracker:
    """Prices calls, sums them up, and tells when a budget is crossed.

    Args:
        prices: where prices come from; by default the bundled table.
        budgets: limits to watch.
        alerts: who is told; by default the log. A sink is any callable of one `Alert`, sync or
            async.
        store: where sums are kept: `"memory"` is this process, `"sqlite:///costs.db"` the processes
            of one machine, `"redis://..."` and `"postgresql://..."` many machines.
        on_store_error: what becomes of a call while a shared store does not answer: `"allow"` it,
            or `"block"` it where a budget would have to be asked.
        estimate: whether the tokens that a broken-off stream did not report are estimated; such a
            cost has the status `estimated`.

    Raises:
        ConfigurationError: a value is wrong.
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
        if on_store_error not in ("allow", "block"):
            raise ConfigurationError(
                f"CostTracker(on_store_error={on_store_error!r}): use 'allow' or 'block'"
            )
        if not isinstance(estimate, bool):
            raise ConfigurationError(f"CostTracker(estimate={estimate!r}): give True or False")
        self.prices = prices if prices is not None else Prices()
        given: Any = budgets  # whatever it was told to be
        if not isinstance(given, Sequence) or isinstance(given, str):
            raise ConfigurationError(
                f"CostTracker(budgets={budgets!r}): give a list, such as [Budget('the month', ...)]"
            )
        self.budgets = tuple(budgets)
        sinks = None if alerts is None else checked_sinks(alerts)
        self.store_url, self._store = store, open_store(store)
        self._recent = RecentCalls(KEPT_RECORDS)
        self._seen = SeenCalls(self._recent)
        self._responses = SettledResponses()
        self.token_counter = TokenCounter() if estimate else None
        self.writers: tuple[LineWriter, ...] = ()
        self._watch = self._watching(sinks, refuses_blindly=on_store_error == "block")

    def _watching(
        self, sinks: tuple[Sink, ...] | None, *, refuses_blindly: bool
    ) -> Watch | Unwatched:
        if not self.budgets:
            if sinks:
                logger.warning(
                    "costspan: alerts=[...] is set and no budget is, so nothing will ever be told: "
                    "add budgets=[Budget(...)]"
                )
            return Unwatched(self._store)
        from costspan.cost.budgets.watch import Watch

        return Watch(
            self.budgets,
            self._store,
            self.prices,
            sinks,
            self._recent.newest_first,
            refuses_blindly=refuses_blindly,
        )

    @property
    def waits(self) -> bool:
        """Whether `admit` and `account` may wait for a store that is not in this process."""
        return self._store.shared

    @property
    def asks_leave(self) -> bool:
        """Whether a call may be refused: where not, nobody needs to ask."""
        return self.prices.unknown == "block" or self._watch.refuses

    @property
    def needs_size(self) -> bool:
        """Whether a budget must know how long a request is, before its call."""
        return self._watch.sizes

    @property
    def needs_fingerprint(self) -> bool:
        """Whether a budget tells requests apart."""
        return self._watch.fingerprints

    def admit(
        self, request: Request, who: Attribution | None = None, trace_id: int = 0
    ) -> Reservation:
        """Leave to make a call, with what the budgets reserve for it.

        Raises:
            BudgetExceeded: a budget has no room for the call or cannot be asked, or the model has
                no known price and `Prices(unknown="block")` is set.
        """
        self.prices.admit(request)
        return self._watch.admit(request, who or NOBODY, trace_id)

    def release(self, reservation: Reservation) -> None:
        """Give back what is reserved for a call that is not made after all."""
        self._watch.release(reservation)

    def settle(
        self,
        call: Call,
        reservation: Reservation | None = None,
        who: Attribution | None = None,
        span: Standing = OURS,
        *,
        wait: bool = True,
    ) -> Cost:
        """Price a finished call, count it, write its line and watch the budgets.

        Args:
            span: who made the call's span, and where it stands.
            wait: whether a shared store may be waited for; else another thread counts the call
                there.

        Returns:
            Its cost; `ELSEWHERE` where another span of this call was settled already.
        """
        return self.account(call, reservation, who, span, wait=wait)[1]

    def account(
        self,
        call: Call,
        reservation: Reservation | None = None,
        who: Attribution | None = None,
        span: Standing = OURS,
        *,
        wait: bool = True,
    ) -> tuple[Call, Cost, Outcome]:
        """As `settle`, and say what of the call counts: of a retrieval at most what is new.

        The outcome is what it set off: alerts, and what a budget wants raised.
        """
        spent = () if who is None else who.spent
        if call.request.operation == RETRIEVAL:
            call, cost = self._retrieved(call, spent, wait=wait)
            self._recent.add(call, cost)
        else:
            found = self._priced(call, span)
            if found is None:
                if reservation is not None:
                    self._watch.release(reservation)
                return call, ELSEWHERE, NOTHING
            cost = found
            if call.response is not None and call.response.status is not None:
                self._responses.created(call, cost, spent)
        # The line first: it must be there whatever becomes of the store.
        for write in self.writers:
            with _WRITING:
                write(call, cost)
        if wait or not self.waits:
            return call, cost, self._watch.settle(call, cost, spent, reservation)
        submit(lambda: self._count_elsewhere(call, cost, spent, reservation))
        return call, cost, NOTHING

    def _priced(self, call: Call, span: Standing) -> Cost | None:
        """The cost of a call, kept among the recent ones; None where it was settled already."""
        if span is not OURS and not self._seen.is_new(call, span):
            return None
        cost = self.prices.cost(call)
        if call.estimated is not None:
            cost = with_estimate(call, cost, self.prices.cost)
        if span is OURS:
            return cost if self._seen.is_new_of_ours(call, cost) else None
        self._recent.add(call, cost)
        return cost

    def _count_elsewhere(
        self, call: Call, cost: Cost, spent: tuple[Totals, ...], reservation: Reservation | None
    ) -> None:
        with _COUNTING:
            self._watch.settle(call, cost, spent, reservation)

    def _retrieved(self, call: Call, spent: tuple[Totals, ...], *, wait: bool) -> tuple[Call, Cost]:
        found = self._responses.retrieved(call, spent, self.prices.cost)
        before = found.before
        if before is not None and before.unpriced is not None:
            unpriced = before.unpriced
            if wait or not self.waits:
                self._store.superseded(unpriced, before.spent)
            else:
                submit(lambda: self._store.superseded(unpriced, before.spent))
        return found.call, found.cost

    @property
    def records(self) -> list[Line]:
        """The last 1,000 calls, oldest first, each with the fields of a line of the calls file."""
        return [line_of(*one) for one in reversed(list(self._recent.newest_first()))]

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
            StoreUnavailable: a shared store does not answer.
        """
        with told_to_the_app():
            return self._store.summary() if by is None else self._store.summaries(by)

    def remaining(self, name: str) -> Decimal | None:
        """What is left of a budget for the scope that this code runs in.

        Reserved amounts are not left. With a shared store this waits for it; on an event loop call
        it by `asyncio.to_thread`.

        Returns:
            US dollars, tokens or calls, as the budget counts; None where the code runs in no scope
            of the budget, such as outside every session.

        Raises:
            ConfigurationError: there is no such budget, or it is one for each call, of which
                nothing remains; the message names those that have a remainder.
            StoreUnavailable: a shared store does not answer.
        """
        span = trace.get_current_span().get_span_context()
        here = attribution_in(context.get_current())
        with told_to_the_app():
            return self._watch.remaining(name, here, span.trace_id)

    def budget_states(self) -> list[BudgetState]:
        """How each budget stands in this process; nothing is waited for."""
        return self._watch.states()

    @property
    def undelivered_alerts(self) -> int:
        """How many times a sink did not get an alert that was meant for it, in this process."""
        return self._watch.undelivered

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until all is counted and told that is on its way; False where time ran out."""
        deadline = time.monotonic() + timeout
        handed_over = finished(timeout)
        counted = self._store.flush(max(0.0, deadline - time.monotonic())) and handed_over
        return self._watch.flush(max(0.0, deadline - time.monotonic())) and counted
