"""Who is told of a crossing: one alert for each threshold, scope and window, whoever sees it first.

An alert is claimed in the store before it is sent and marked there when it was sent. Who stops in
between leaves a claim whose lease runs out, and another takes it over, with the same key.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import structs

from costspan import totals
from costspan.alerts.alert import Alert, LastCall, Sink
from costspan.alerts.courier import HELD_SECONDS, Courier
from costspan.alerts.event import emit_alert
from costspan.call import Call, Cost, usd
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.forecast import forecast
from costspan.cost.budgets.levels import Levels
from costspan.cost.budgets.scopes import BETWEEN, settled, shown
from costspan.cost.stores.contract import Counter, Notice, Store, StoreDown
from costspan.guard import quietly

LEASE = round(HELD_SECONDS * 1000) + 60_000
"""Milliseconds in which a claimed alert is to be sent: the courier's tries fit in, with a minute
for an alert that waits behind others and for clocks that differ."""

LAST_CALLS = 5
_LOOKED_AT = 50
_MOST_MISSED = 10_000
_MOST_KNOWN = 100_000

Recent = Callable[[], Iterable[tuple[Call, Cost]]]
"""The calls that were settled lately, the newest first."""


class Teller:
    """Makes alerts of crossings, sees to it that each is sent once, and counts them."""

    def __init__(
        self, store: Store, courier: Courier, sinks: tuple[Sink, ...], recent: Recent
    ) -> None:
        self._store = store
        self._courier = courier
        self._sinks = sinks
        self._recent = recent
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.told: dict[str, int] = {}
        self.levels = Levels()
        self.looks_back = store.shared
        """Whether the store may hold crossings of before that nobody has told."""
        self.missed: set[tuple[str, str]] = set()
        """Budgets and scopes with crossings that could not be told, for the next round."""

    def reached(
        self,
        budget: Budget,
        counter: Counter,
        spent: int,
        now: int,
        call: Call | None,
        cost: Cost | None,
    ) -> Alert | None:
        """The alert of the highest threshold that is reached, if nobody has told it."""
        self.levels.seen(budget, counter, spent, now)
        level = budget.level(spent)
        if level == 0:
            return None
        key = _key(budget, counter)
        facts = {} if call is None or cost is None else facts_of(call, cost)
        if budget.is_runaway:
            if spent > budget.limit and facts:
                return self._runaway(budget, counter, spent, now, facts)
            level = min(level, sum(share < 1 for share in budget.levels))
        if level == 0 or self._is_known(key, level, now):
            return None
        alert = self._alert(budget, counter, spent, now, level, facts)
        return alert if self._tell(budget, counter, alert, key, level, now) else None

    def refused(
        self, budget: Budget, counter: Counter, spent: int, now: int, facts: dict[str, Any]
    ) -> Alert | None:
        """The alert of a call that was not made, if nobody has told of one in this window."""
        if budget.is_runaway:
            return self._runaway(budget, counter, spent, now, {**facts, "state": "blocked"})
        # Told by a key of its own: what was refused was not spent, and the thresholds are to come.
        key = _key(budget, counter) + BETWEEN + "blocked"
        if self._is_known(key, 1, now):
            return None
        level = budget.levels.index(1.0) + 1
        alert = self._alert(budget, counter, spent, now, level, facts)
        alert = structs.replace(alert, state="blocked", key=_digest(key))
        return alert if self._tell(budget, counter, alert, key, 1, now) else None

    def one_call(
        self, budget: Budget, taken: int, now: int, facts: dict[str, Any], *, state: str = "reached"
    ) -> Alert:
        """The alert of one call that is over a limit for each."""
        alert = Alert(
            budget=budget.name,
            per=budget.per,
            limit=budget.amount(budget.limit),
            spent=budget.amount(taken),
            unit=budget.unit,
            state=state,
            action=_action(budget),
            **{"at": now * 10**6, **facts},
        )
        return self.gathered(budget, alert)

    def _runaway(
        self, budget: Budget, counter: Counter, spent: int, now: int, facts: dict[str, Any]
    ) -> Alert:
        alert = self._alert(budget, counter, spent, now, len(budget.levels), facts)
        # No key: nothing is kept of it that could resolve it.
        return self.gathered(budget, structs.replace(alert, key=""))

    def gathered(self, budget: Budget, alert: Alert) -> Alert:
        """Send an alert of a kind that comes often, without a claim."""
        alert = structs.replace(alert, gathered=True)
        self._count(budget, alert)
        self._courier.send(alert, self.sinks_of(budget))
        self._act(budget, alert)
        return alert

    def sinks_of(self, budget: Budget) -> tuple[Sink, ...]:
        """Who is told of a budget."""
        return self._sinks if budget.alerts is None else budget.alerts

    def send_claimed(self, budget: Budget, notice: Notice, alert: Alert) -> None:
        """Send what is claimed in the store, and mark it there when it was."""

        def done(sent: bool) -> None:
            # What nobody took, or cannot be noted, stays claimed: its lease runs out, and the
            # repeat carries the same key.
            with quietly("noting that an alert was sent"), suppress(StoreDown):
                if sent:
                    self._store.mark(notice.key, notice.level, "sent")

        sinks = self.sinks_of(budget)
        if alert.state == "resolved":
            sinks = tuple(sink for sink in sinks if getattr(sink, "resolves", False))
        if sinks:
            self._courier.send(alert, sinks, done)
        else:
            done(True)

    def _tell(
        self, budget: Budget, counter: Counter, alert: Alert, key: str, level: int, now: int
    ) -> bool:
        window = budget.window
        length = getattr(window, "length", 0)
        end = window.at(now).end
        notice = Notice(
            key=key,
            level=level,
            budget=budget.name,
            scope=counter.scope,
            alert=msgspec.json.encode(alert),
            lease=now + LEASE,
            rearms=now + length if length else end or 0,
            at=now,
        )
        try:
            mine = self._store.claim(notice, now)
        except StoreDown:
            self.miss(budget.name, counter.scope)
            return False
        # A sliding window is told anew when it has passed; when another told it, the store knows.
        again = 0 if not length else now + (length if mine else length // 10)
        self._remember(key, level, again)
        if mine:
            self._count(budget, alert)
            self.send_claimed(budget, notice, alert)
            self._act(budget, alert)
        return mine

    def _alert(
        self,
        budget: Budget,
        counter: Counter,
        spent: int,
        now: int,
        level: int,
        facts: dict[str, Any],
    ) -> Alert:
        end = budget.window.at(now).end
        # The same for all thresholds of a window, so that its end resolves them all.
        key = _key(budget, counter)
        return Alert(
            budget=budget.name,
            per=budget.per,
            limit=budget.amount(budget.limit),
            spent=budget.amount(spent),
            unit=budget.unit,
            threshold=budget.levels[level - 1],
            action=_action(budget),
            scope=shown(counter.scope),
            window=budget.window.text,
            resets_at=None if end is None else end * 10**6,
            forecast=forecast(budget, spent, now),
            key=_digest(key),
            last_calls=self._last_calls(budget, counter.scope),
            **{"at": now * 10**6, **facts},
        )

    def _last_calls(self, budget: Budget, scope: str) -> tuple[LastCall, ...]:
        found: list[LastCall] = []
        for looked, (call, cost) in enumerate(self._recent()):
            if len(found) == LAST_CALLS or looked == _LOOKED_AT:
                break
            subject = settled(call)
            if budget.covers(subject) and budget.key(subject) == scope:
                found.append(_last(call, cost))
        return tuple(reversed(found))

    def _act(self, budget: Budget, alert: Alert) -> None:
        if callable(budget.action):
            with quietly(f"calling the action of budget {budget.name!r}", even_asked_for=True):
                budget.action(alert)

    def _count(self, budget: Budget, alert: Alert) -> None:
        with totals.lock():
            self.told[budget.name] = self.told.get(budget.name, 0) + 1
        with quietly("writing an alert's log record"):
            emit_alert(alert)

    def miss(self, budget: str, scope: str) -> None:
        """Have the next round see to a counter; to all of them where it is too many."""
        with totals.lock():
            if len(self.missed) < _MOST_MISSED:
                self.missed.add((budget, scope))
            else:
                self.looks_back = True

    def take_missed(self) -> list[tuple[str, str]]:
        """What was missed; it is missed no more."""
        with totals.lock():
            missed, self.missed = self.missed, set()
        return list(missed)

    def _is_known(self, key: str, level: int, now: int) -> bool:
        told, again = self._known.get(key, (0, 0))
        return told >= level and (again == 0 or now < again)

    def _remember(self, key: str, level: int, again: int) -> None:
        with totals.lock():
            self._known[key] = (level, again)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)


def _key(budget: Budget, counter: Counter) -> str:
    window = "" if budget.window.is_sliding else str(counter.bucket)
    return BETWEEN.join((budget.name, counter.scope, window))


def _action(budget: Budget) -> str:
    return budget.action if isinstance(budget.action, str) else "call"


def facts_of(call: Call, cost: Cost) -> dict[str, Any]:
    """What an alert says of the call that crossed."""
    usage = call.usage
    return {
        "model": call.model,
        "provider": call.request.provider,
        "agent": call.agent,
        "session": call.session,
        "user": call.user,
        "endpoint": call.endpoint,
        "cost_usd": None if cost.total is None else usd(cost.total),
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "trace_id": f"{call.trace_id:032x}" if call.trace_id else None,
        "at": call.ended_at,
    }


def _last(call: Call, cost: Cost) -> LastCall:
    facts = facts_of(call, cost)
    for name in ("provider", "session", "user"):
        del facts[name]
    return LastCall(error=call.error, **facts)


def _digest(key: str) -> str:
    """A key that may stand anywhere, and shows no name."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
