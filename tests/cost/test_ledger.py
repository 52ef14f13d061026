"""Sums of calls: exact over threads, by every dimension, in bounded memory."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from costspan import ConfigurationError, CostTracker, Prices, Rate
from costspan.attributed import Attribution
from costspan.call import NOT_BILLED, Usage
from costspan.cost.ledger import MOST_KEYS
from costspan.totals import Summary, Taken, Totals, count, count_waiting
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 200}
"""gpt-4o-mini: 600 x 0.15 + 400 x 0.075 + 200 x 0.60 = 0.00024 USD."""
USD = Decimal("0.00024")

ANN = {
    "agent": "ann",
    "session": "s1",
    "user": "u1",
    "endpoint": "/ask",
    "trace_id": 0xABC,
    "tags": {"team": "search", "night": True},
}
BOB = {"agent": "bob", "session": "s2", "model": "gpt-4o", "tags": {"team": "ads"}}


@pytest.fixture
def costs() -> CostTracker:
    return CostTracker()


def test_nothing_was_called_yet(costs: CostTracker):
    assert costs.summary() == Summary()
    assert costs.summary(by="agent") == {}
    assert costs.summary(by="tag:team") == {}


def test_the_sums_of_some_calls(costs: CostTracker):
    costs.settle(finished(**COUNTS, **ANN))
    costs.settle(finished(**COUNTS, runtime_seconds=0.25, error="openai.APITimeoutError"))
    costs.settle(finished("never-heard-of", input_tokens=7, output_tokens=3))
    costs.settle(finished(billable=False, operation="moderation"))
    assert costs.summary().as_dict() == {
        "calls": 4,
        "errors": 1,
        "input_tokens": 2007,
        "output_tokens": 403,
        "total_tokens": 2410,
        "cached_tokens": 800,
        "cost_usd": 2 * USD,
        "unpriced_calls": 1,
        "runtime_seconds": 3.25,
        "alerts": 0,
    }


@pytest.mark.parametrize(
    ("dimension", "key"),
    [
        ("agent", "ann"),
        ("session", "s1"),
        ("user", "u1"),
        ("endpoint", "/ask"),
        ("model", "gpt-4o-mini"),
        ("trace", f"{0xABC:032x}"),
        ("tag:team", "search"),
        ("tag:night", "True"),
    ],
)
def test_each_dimension(costs: CostTracker, dimension: str, key: str):
    costs.settle(finished(**COUNTS, **ANN))
    costs.settle(finished(**{**COUNTS, **BOB}))
    costs.settle(finished(**COUNTS, **ANN))
    by = costs.summary(by=dimension)
    assert (by[key].calls, by[key].cost_usd) == (2, 2 * USD)
    assert sum(row.calls for row in by.values()) == 3


def test_calls_without_a_tag_are_under_none(costs: CostTracker):
    costs.settle(finished(**COUNTS, **ANN))
    costs.settle(finished(**{**COUNTS, **BOB}))
    without = costs.summary(by="tag:night")["(none)"]
    assert without == costs.summary(by="agent")["bob"]
    assert list(costs.summary(by="tag:unheard")) == ["(none)"]


def test_by_provider_the_dearest_first(costs: CostTracker):
    costs.settle(finished(**COUNTS))
    costs.settle(finished("claude-opus-4-5", "anthropic", **COUNTS))
    assert list(costs.summary(by="provider")) == ["anthropic", "openai"]


def test_calls_without_a_key_stand_under_none(costs: CostTracker):
    costs.settle(finished(**COUNTS, **ANN))
    costs.settle(finished(**COUNTS))
    by = costs.summary(by="agent")
    assert {key: row.calls for key, row in by.items()} == {"ann": 1, "(none)": 1}


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("session_id", "'session'"),
        ("user_id", "'user'"),
        ("trace_id", "'trace'"),
        ("call", "costs.records"),
        ("span_id", "costs.records"),
        ("agents", "agent, session, user, endpoint, model, provider, trace or 'tag:KEY'"),
        ("tag:", "'tag:KEY'"),
        ("tags", "'tag:KEY'"),
        ("", "'tag:KEY'"),
        (("agent", "model"), "name one word; `costspan report --by agent,model`"),
    ],
)
def test_a_wrong_word_names_the_right_one(costs: CostTracker, word: Any, right: str):
    with pytest.raises(ConfigurationError, match=right):
        costs.summary(by=word)


@pytest.mark.parametrize(
    ("dimension", "fact"),
    [
        ("agent", lambda n: {"agent": f"a{n}"}),
        ("trace", lambda n: {"trace_id": n + 1}),
        ("tag:job", lambda n: {"tags": {"job": n}}),
    ],
)
def test_beyond_ten_thousand_keys_the_rest_is_folded(costs: CostTracker, dimension: str, fact):
    beyond = 123
    for number in range(MOST_KEYS + beyond):
        costs.settle(finished(**COUNTS, **fact(number)))
    by = costs.summary(by=dimension)
    assert len(by) == MOST_KEYS + 1
    assert by["(other)"].calls == beyond
    assert sum(row.cost_usd for row in by.values()) == costs.summary().cost_usd
    assert costs.summary().cost_usd == (MOST_KEYS + beyond) * USD


def test_a_kept_key_goes_on_counting_when_there_are_too_many(costs: CostTracker):
    costs.settle(finished(agent="first", **COUNTS))
    for number in range(MOST_KEYS + 1):
        costs.settle(finished(agent=f"a{number}", **COUNTS))
    costs.settle(finished(agent="first", **COUNTS))
    assert costs.summary(by="agent")["first"].calls == 2


def test_sums_are_exact_over_threads():
    """8 x 5,000 calls of 1 picodollar a token, with prime token counts that no rounding hides."""
    costs = CostTracker(prices=Prices(overrides={"mine": Rate(input="0.000001", output=0)}))
    blocks = [Totals() for _ in range(8)]

    def spend(number: int) -> None:
        who = Attribution(spent=(blocks[number],))
        call = finished("mine", agent=f"a{number}", input_tokens=7919 + number, output_tokens=1)
        for _ in range(5000):
            costs.settle(call, None, who)

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        row = costs.summary()
        assert row.cost_usd == Decimal(row.input_tokens).scaleb(-12)  # never half a call
    wanted = [Decimal((7919 + number) * 5000).scaleb(-12) for number in range(8)]
    by = costs.summary(by="agent")
    assert costs.summary().cost_usd == sum(wanted)
    assert [by[f"a{number}"].cost_usd for number in range(8)] == wanted
    assert [block.cost_usd for block in blocks] == wanted
    assert costs.summary().calls == 40_000
    assert costs.summary().output_tokens == 40_000


def test_what_is_settled_in_the_middle_of_a_count_is_counted_too():
    """As a user's finaliser does, at any allocation: no sum loses a call, and none has it twice."""
    costs, block = CostTracker(), Totals()
    call = finished("gpt-4o-mini", agent="ann", **COUNTS)

    class Finaliser:
        done = False

        def take(self, calls: Taken) -> None:
            if not self.done:
                self.done = True
                for _ in range(100):
                    costs.settle(call, None, Attribution(spent=(block,)))

    count(call, NOT_BILLED, (block, Finaliser(), block))
    assert block.calls == 102
    assert costs.summary().calls == 100
    assert costs.summary(by="agent")["ann"].cost_usd == 100 * USD


class Interrupted(str):
    """A tag that has a signal's handler run where the sums by it are made."""

    __slots__ = ()

    def __str__(self) -> str:
        if handlers:
            handlers.pop()()
        return super().__str__()


handlers: list[Callable[[], object]] = []


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def three(costs: CostTracker) -> CostTracker:
    """Three calls, the second with a tag that is interrupted."""
    for agent in ("ann", "bob", "cid"):
        tags = {"team": Interrupted("search") if agent == "bob" else "ads"}
        costs.settle(finished(**COUNTS, agent=agent, tags=tags))
    return costs


def counted_once(costs: CostTracker) -> bool:
    by_agent = {agent: one.calls for agent, one in costs.summary("agent").items()}
    return costs.summary().calls == 3 and by_agent == {"ann": 1, "bob": 1, "cid": 1}


def test_a_handler_that_asks_while_somebody_asks_counts_nothing_twice(three: CostTracker):
    handlers.append(three.summary)
    three.summary()
    assert counted_once(three)
    assert handlers == []


def test_who_breaks_off_an_answer_counts_nothing_twice(three: CostTracker):
    handlers.append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        three.summary()
    assert counted_once(three)


def test_an_open_count_of_another_thread_is_waited_for():
    """Who reads a sum finds in it all calls that had ended, also those that are being counted."""
    begun, go_on, found = threading.Event(), threading.Event(), []
    block, call = Totals(), finished("gpt-4o-mini", **COUNTS)

    class Slow:
        def take(self, calls: Taken) -> None:
            begun.set()
            assert go_on.wait(10)

    count(call, NOT_BILLED, (Slow(), block))
    counting = threading.Thread(target=count_waiting)
    counting.start()
    assert begun.wait(10)
    reading = threading.Thread(target=lambda: found.append(block.calls))
    reading.start()
    go_on.set()
    for thread in (counting, reading):
        thread.join(10)
    assert found == [1]


def test_a_cost_of_many_digits_stays_exact():
    """A sum that no float holds: 0.1 USD a hundred thousand times, and one picodollar."""
    rates = {"dime": Rate(input=100_000, output=0), "pico": Rate(input="0.000001", output=0)}
    costs = CostTracker(prices=Prices(overrides=rates))
    for _ in range(100_000):
        costs.settle(finished("dime", input_tokens=1, output_tokens=0))
    costs.settle(finished("pico", input_tokens=1, output_tokens=0))
    assert costs.summary().cost_usd == Decimal("10000.000000000001")


def test_a_call_that_is_not_billed_is_a_call(costs: CostTracker):
    assert costs.settle(finished(billed=False)) is NOT_BILLED
    assert (costs.summary().calls, costs.summary().cost_usd) == (1, 0)


def test_the_providers_own_total_counts_where_it_is_reported(costs: CostTracker):
    costs.settle(finished(input_tokens=10, output_tokens=5, total_tokens=17))
    costs.settle(finished(input_tokens=10))
    assert costs.summary().total_tokens == 27
    assert Usage(input_tokens=10).total is None
