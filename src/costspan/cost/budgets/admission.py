"""Leave to make a call: what it may take is reserved with every budget that blocks."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from msgspec import structs

from costspan.attributed import Attribution
from costspan.call import Request, Reservation
from costspan.cost.budgets import refusals
from costspan.cost.budgets.allowances import Allowance, Allowances
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.held import Held, Part
from costspan.cost.budgets.quotes import Quotes
from costspan.cost.budgets.scopes import Subject, asked
from costspan.cost.budgets.teller import Teller
from costspan.cost.outcome import GRANTED
from costspan.cost.stores import forks
from costspan.cost.stores.contract import UNSCOPED, Claim, Standing, Store, StoreDown
from costspan.errors import BudgetExceeded

logger = logging.getLogger("costspan")

LIFE = 180_000
"""Milliseconds that a reservation outlives the last sign of life of its call's process."""

_MOST_SAID = 1_000


class Admission:
    """Asks the budgets that block, before a call and while its stream is read.

    Args:
        budgets: those that block.
        store: where amounts are kept.
        quotes: what tokens may cost.
        allowances: how many tokens to expect.
        teller: who makes alerts of refusals.
        refuses_blindly: whether a call is refused while the store cannot be asked.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        store: Store,
        quotes: Quotes,
        allowances: Allowances,
        teller: Teller,
        *,
        refuses_blindly: bool,
    ) -> None:
        self._budgets = tuple(budgets)
        self._store = store
        self._quotes = quotes
        self._allowances = allowances
        self._teller = teller
        self._refuses_blindly = refuses_blindly
        self._said: set[tuple[str, str | None]] = set()
        self._numbers = itertools.count(1)
        self.open: WeakValueDictionary[str, Held] = WeakValueDictionary()
        """Reservations of calls that are under way; one that got lost is not kept alive."""
        self.after_fork_in_child()
        forks.watch(self)

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def after_fork_in_parent(self) -> None:
        """Nothing to go on with."""

    def after_fork_in_child(self) -> None:
        """What the parent reserved is the parent's."""
        self._process = secrets.token_hex(8)
        self.open = WeakValueDictionary()

    def admit(self, request: Request, who: Attribution, trace_id: int) -> Reservation:
        """Leave for a call, with what is reserved for it.

        Raises:
            BudgetExceeded: a budget has no room for it, or cannot be asked.
        """
        if not request.billable:
            return GRANTED
        subject = asked(request, who, trace_id)
        now = time.time_ns() // 10**6
        parts = []
        for budget in self._budgets:
            if budget.covers(subject):
                part = self._part(budget, request, subject, now)
                if part is not None:
                    parts.append(part)
        if not parts:
            return GRANTED
        held = Held(f"{self._process}{next(self._numbers)}", parts, self._extend)
        claims = [part.claim for part in parts if not part.budget.is_per_call]
        if claims and self._reserve(held.token, claims, parts, subject, now):
            self.open[held.token] = held
        return held

    def settled(self, held: Held) -> None:
        """The call is over: its process need not keep the reservation alive."""
        self.open.pop(held.token, None)

    def release(self, held: Held) -> None:
        """Give back what is reserved for a call that is not made, or is counted elsewhere."""
        if self.open.pop(held.token, None) is not None:
            with suppress(StoreDown):  # it expires, then
                self._store.prolong(held.token, 0)

    def keep_alive(self, now: int) -> None:
        """Prolong the reservations of all calls that are under way."""
        for under_way in self.open.valuerefs():  # one step, whoever comes and goes meanwhile
            held = under_way()
            if held is not None:
                self._store.prolong(held.token, now + LIFE)

    def _part(self, budget: Budget, request: Request, subject: Subject, now: int) -> Part | None:
        scope = "" if budget.is_per_call else budget.key(subject)
        if scope is None:
            if budget.unscoped == "skip":
                return None
            scope = UNSCOPED
        amount, more, allowance = 1, 0, None
        if budget.unit != "calls":
            allowance = self._allowances.of(request, budget, scope)
            if allowance is None:
                self._teller.levels.stopped(budget.name)
                raise refusals.unbounded(budget, request.model)
            amount = self._amount(budget, request, allowance, now)
            if budget.cut_streams and request.stream:
                output = structs.replace(allowance, input_tokens=0)
                more = max(1, self._amount(budget, request, output, now))
        counter = budget.window.counter(budget.name, scope, now)
        part = Part(budget, Claim(counter, amount, budget.limit), allowance, more)
        if budget.is_per_call and amount > budget.limit:
            self._refuse(part, Standing(0), subject, now)
        return part

    def _amount(self, budget: Budget, request: Request, allowance: Allowance, now: int) -> int:
        if budget.unit == "tokens":
            return allowance.total
        picos = self._quotes.picos(
            request,
            allowance.input_tokens,
            allowance.output_tokens,
            now,
            surely=allowance.is_sure,
        )
        if picos is None:
            self._say_blind(budget, request.model)
        return picos or 0

    def _reserve(
        self, token: str, claims: list[Claim], parts: list[Part], subject: Subject, now: int
    ) -> bool:
        try:
            refusal = self._store.reserve(token, claims, now, now + LIFE)
        except StoreDown:
            if self._refuses_blindly:
                self._teller.levels.stopped(parts[0].budget.name)
                raise refusals.unreachable([part.budget.name for part in parts]) from None
            return False
        if refusal is not None:
            counter = refusal.claim.counter
            part = next(one for one in parts if one.counter == counter)
            self._refuse(part, refusal.standing, subject, now)
        return True

    def _refuse(self, part: Part, standing: Standing, subject: Subject, now: int) -> None:
        budget, counter, would = part.budget, part.counter, part.amount
        who = subject.who
        facts = {
            "model": subject.model,
            "provider": subject.provider,
            "agent": who.agent,
            "session": who.session,
            "user": who.user,
            "endpoint": who.endpoint,
            "trace_id": f"{subject.trace_id:032x}" if subject.trace_id else None,
        }
        self._teller.levels.stopped(budget.name)
        self._teller.levels.seen(budget, counter, standing.spent, now)
        exceeded = refusals.used_up(budget, counter.scope, standing, would, now)
        if budget.is_per_call:
            exceeded.alerts = (self._teller.one_call(budget, would, now, facts, state="blocked"),)
        else:
            alert = self._teller.refused(budget, counter, standing.spent, now, facts)
            exceeded.alerts = () if alert is None else (alert,)
        raise exceeded

    def _extend(self, held: Held) -> BudgetExceeded | None:
        """Reserve for a stream once more what it used up, or say why not."""
        now = time.time_ns() // 10**6
        for part in held.parts:
            if part.cuts and part.output_tokens == held.allowance:
                room = self._more(held.token, part, now)
                if room is not None:
                    self._teller.levels.stopped(part.budget.name)
                    scope = part.counter.scope
                    return refusals.used_up(part.budget, scope, room, part.more, now, cut=True)
                part.extend()
        return None

    def _more(self, token: str, part: Part, now: int) -> Standing | None:
        """How the budget stands where it has no more; None where it had."""
        limit, more = part.budget.limit, part.more
        if part.budget.is_per_call:
            return Standing(part.amount) if part.amount + more > limit else None
        try:
            counter = part.budget.window.counter(part.budget.name, part.counter.scope, now)
            claim = Claim(counter, more, limit)
            refusal = self._store.reserve(token, [claim], now, now + LIFE)
        except StoreDown:
            return Standing(0) if self._refuses_blindly else None
        return None if refusal is None else refusal.standing

    def _say_blind(self, budget: Budget, model: str | None) -> None:
        if (budget.name, model) in self._said or len(self._said) >= _MOST_SAID:
            return
        self._said.add((budget.name, model))
        logger.warning(
            "costspan: budget %r counts dollars and %r has no price by tokens, so its calls are "
            "not stopped by it. Add a price by Prices(overrides={...}), or a budget of calls or "
            "tokens",
            budget.name,
            model,
        )
