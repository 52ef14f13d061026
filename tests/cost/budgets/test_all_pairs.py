"""All pairs of what a budget can be, each over forty calls, held against a plain reckoning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from costspan import Budget, BudgetExceeded, CostTracker, attribution
from costspan.attributed import Attribution
from costspan.call import Call, Request
from costspan.cost.budgets.counting import Outcome
from tests.cost.budgets.conftest import Clock
from tests.cost.budgets.desk import MINUTE, asks, took, tracker
from tests.cost.budgets.reckoning import TRILLION, Asked, Reckoning, Said
from tests.matrix.cover import pairwise


@dataclass(frozen=True)
class Window:
    """What the budget is told, and where the reckoning has it from: 20 minutes before it begins."""

    window: str | None
    timezone: str | None
    starts: datetime
    reckoned: int | str | None = "calendar"

    def __str__(self) -> str:
        return f"{self.window} {self.timezone}"


def _at(day: int, hour: int = 0, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2030, month, day, hour, minute, tzinfo=UTC)


WINDOWS = (
    Window(None, None, _at(20, 10), None),
    Window("10m", None, _at(20, 10), 10),
    Window("hour", None, _at(20, 10)),
    Window("day", None, _at(20)),
    Window("week", None, _at(18)),  # a Monday
    Window("month", None, _at(1, month=4)),
    Window("day", "America/New_York", _at(20, 4)),  # summer time there since 10 March
    Window("week", "Europe/Berlin", _at(17, 23)),  # not there yet
    Window("month", "Asia/Kolkata", _at(31, 18, 30)),
)
SCOPES: tuple[tuple[str, ...], ...] = (
    ("call",),
    ("trace",),
    ("session",),
    ("agent",),
    ("endpoint",),
    ("user",),
    ("tag:team",),
    ("model",),
    ("provider",),
    ("request",),
    ("total",),
    ("user", "model"),
    ("session", "tag:team", "provider"),
)
UNITS = ("usd", "tokens", "calls")
ACTIONS = ("warn", "raise", "block", "function")
WHERES = ("", "agent", "tag:team")
UNSCOPED = ("skip", "count")
STORES = ("memory", "sqlite")


@dataclass(frozen=True)
class Cell:
    per: tuple[str, ...]
    window: Window
    unit: str
    action: str
    where: str
    unscoped: str
    store: str

    def axes(self) -> tuple[str, ...]:
        rest = (self.unit, self.action, self.where, self.unscoped, self.store)
        return ("+".join(self.per), str(self.window), *rest)

    def __str__(self) -> str:
        return "-".join(self.axes())

    @property
    def makes_sense(self) -> bool:
        """The others are refused; see test_configuration."""
        return self.per != ("call",) or (self.window.window is None and self.unit != "calls")


CELLS = pairwise(
    [
        cell
        for values in product(SCOPES, WINDOWS, UNITS, ACTIONS, WHERES, UNSCOPED, STORES)
        if (cell := Cell(*values)).makes_sense
    ],
    Cell.axes,
)


def calls() -> Iterator[Asked]:
    """One a minute, by changing people, some of whom are nobody."""
    for minute in range(40):
        who = {
            "agent": ("a1", "a2")[minute % 5 == 4],
            "session": f"s{minute % 2}",
            "user": ("u1", "u1", "u2")[minute % 3],
            "endpoint": ("/ask", "/tell")[minute % 7 == 6],
            "tag:team": ("search", "ads")[minute % 9 == 8],
            "trace": f"{1 + minute % 2:032x}",
            "request": ("f1", "f2")[minute % 6 == 5],
            "provider": ("openai", "anthropic")[minute % 4 == 3],
            "model": ("m", "n")[minute % 8 == 7],
        }
        for lacking in (("agent", "user"), ("session", "tag:team"), ("endpoint", "trace")):
            if minute % 11 == len(lacking[0]):
                for word in lacking:
                    del who[word]
        model = who["model"]
        tokens_in, tokens_out = 100 + 10 * (minute % 3), 20 + 10 * (minute % 4)
        yield Asked(minute, who, model, tokens_in * 2, tokens_out * 3, tokens_in, tokens_out)


def limit_of(cell: Cell) -> int:
    """Such that it is reached in the middle of the series."""
    if cell.per == ("call",):
        # 100 to 120 tokens in and 20 to 50 out; as many bytes and thrice the output asked for.
        small, large = {"usd": (500, 1200), "tokens": (150, 330)}[cell.unit]
        amount = large if cell.action == "block" else small
        return amount * TRILLION // 10**6 if cell.unit == "usd" else amount
    base = {"usd": 1500 * TRILLION // 10**6, "tokens": 750, "calls": 5}[cell.unit]
    return base * 2 if cell.per == ("total",) and cell.window.reckoned != 10 else base


class Budgeted:
    """The library's budget, asked the same."""

    def __init__(self, cell: Cell, limit: int, folder: Path, clock: Clock) -> None:
        self._cell = cell
        self._clock = clock
        self._start = round(cell.window.starts.timestamp()) * 1000 - 20 * MINUTE
        self.acted: list[object] = []
        amount = Decimal(limit).scaleb(-12) if cell.unit == "usd" else limit
        budget = Budget(
            "b",
            **{cell.unit: amount},
            per=cell.per,
            window=cell.window.window,
            timezone=cell.window.timezone,
            where={cell.where: WANTED[cell.where]} if cell.where else None,
            action=self.acted.append if cell.action == "function" else cell.action,
            thresholds=(0.5, 1.0),
            unscoped=cell.unscoped,
        )
        store = "memory" if cell.store == "memory" else f"sqlite:///{folder}/costs.db"
        self.costs: CostTracker = tracker(budget, store=store)

    def _place(self, call: Asked) -> tuple[Request, Attribution, int, int]:
        who = call.who
        request = asks(
            call.size,
            call.limit,
            model=call.model,
            provider=who["provider"],
            fingerprint=who["request"],
        )
        tags = {"team": who["tag:team"]} if "tag:team" in who else {}
        names = {name: who.get(name) for name in ("agent", "session", "user", "endpoint")}
        trace_id = int(who.get("trace", "0"), 16)
        return (
            request,
            Attribution(**names, tags=tags),
            trace_id,
            self._start + call.minute * MINUTE,
        )

    def hears(self, call: Asked) -> Said:
        request, who, trace_id, self._clock.now = self._place(call)
        try:
            held = self.costs.admit(request, who, trace_id)
        except BudgetExceeded as exceeded:
            return Said(refused=True, told=told(Outcome(alerts=exceeded.alerts), self._cell))
        made: Call = took(
            call.tokens_in,
            call.tokens_out,
            request=request,
            at=self._clock.now,
            who=who,
            trace_id=trace_id,
        )
        outcome = self.costs.account(made, held, who)[2]
        return Said(raised=outcome.exceeded is not None, told=told(outcome, self._cell))

    def left(self, call: Asked) -> int | None:
        _, who, trace_id, self._clock.now = self._place(call)
        span = NonRecordingSpan(SpanContext(trace_id, 1, False, TraceFlags(0)))
        names = {name: getattr(who, name) for name in ("agent", "session", "user", "endpoint")}
        with attribution(**names, tags=dict(who.tags)), trace.use_span(span):
            left = self.costs.remaining("b")
        if left is None:
            return None
        return int(left.scaleb(12) if self._cell.unit == "usd" else left)


WANTED = {"agent": "a1", "tag:team": "search"}


def told(outcome: Outcome, cell: Cell) -> list[tuple[str, Fraction, int]]:
    """The alerts as the reckoning writes them."""
    places = 12 if cell.unit == "usd" else 0
    return [
        (one.state, Fraction(one.threshold), int(one.spent.scaleb(places)))
        for one in outcome.alerts
    ]


def test_the_cover_holds_every_pair():
    pairs = {
        (i, a, j, b)
        for cell in CELLS
        for i, a in enumerate(cell.axes())
        for j, b in enumerate(cell.axes())
        if i < j
    }
    axes = (SCOPES, WINDOWS, UNITS, ACTIONS, WHERES, UNSCOPED, STORES)
    sizes = [len(axis) for axis in axes]
    every = sum(sizes[i] * sizes[j] for i in range(7) for j in range(i + 1, 7))
    of_calls_that_make_no_sense = (len(WINDOWS) - 1) + 1
    assert len(pairs) == every - of_calls_that_make_no_sense


@pytest.mark.usefixtures("no_rounds")
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_it_says_what_was_reckoned(cell: Cell, clock: Clock, tmp_path: Path):
    limit = limit_of(cell)
    where = {cell.where: WANTED[cell.where]} if cell.where else {}
    reckoning = Reckoning(
        cell.per, cell.window.reckoned, cell.unit, limit, cell.action, where, cell.unscoped
    )
    budgeted = Budgeted(cell, limit, tmp_path, clock)
    asked_for = {"call", "model", "provider", "request"} & set(cell.per)
    seen = 0
    for call in calls():
        expected = reckoning.hears(call)
        assert budgeted.hears(call) == expected, call
        seen += len(expected.told)
        if not asked_for and not cell.where:
            assert budgeted.left(call) == reckoning.left(call), call
    assert seen > 0, "the limit is never near: this cell proves nothing"
    if cell.action == "function":
        assert len(budgeted.acted) == seen
