"""What is reserved before a call, how long for, and what of it is charged after.

Model `m`: 1 USD for a million tokens in, 10 for a million out.
"""

import gc
import threading
import weakref
from decimal import Decimal

import pytest

from costspan import Budget, BudgetExceeded, CostTracker, Prices, Rate
from costspan.attributed import Attribution
from costspan.call import Reservation
from costspan.cost.budgets.admission import LIFE
from costspan.cost.seen import Standing
from tests.cost.budgets.conftest import Clock
from tests.cost.budgets.desk import MINUTE, NOW, asks, settle, spend, took, tracker

pytestmark = pytest.mark.usefixtures("no_rounds")


def usd_budget(usd: object = 1, **settings: object) -> Budget:
    return Budget("b", usd=usd, **{"action": "block", **settings})


def held(costs: CostTracker, limit: object = 1) -> Decimal:
    """What is reserved of a budget of which nothing is spent."""
    left = costs.remaining("b")
    assert left is not None
    return Decimal(str(limit)) - left


def test_input_times_price_and_the_limit_times_price():
    """1,000 bytes are 1,000 tokens at most: 0.001; 100 tokens out: 0.001 USD."""
    costs = tracker(usd_budget())
    costs.admit(asks(1000, 100))
    assert held(costs) == Decimal("0.002")


def test_each_choice_may_take_the_limit():
    costs = tracker(usd_budget())
    costs.admit(asks(1000, 100, parameters={"choice_count": 3}))
    assert held(costs) == Decimal("0.004")


def test_input_may_be_written_to_a_cache_at_a_dearer_rate():
    """Nobody knows before: 1,000 x 2 + 100 x 10 USD per million."""
    prices = Prices(overrides={"m": Rate(input=1, output=10, cache_read="0.1", cache_write=2)})
    costs = tracker(usd_budget(), prices=prices)
    costs.admit(asks(1000, 100))
    assert held(costs) == Decimal("0.003")


def test_tokens_are_reserved_as_tokens():
    costs = tracker(Budget("b", tokens=5000, action="block"))
    costs.admit(asks(1000, 100))
    assert held(costs, 5000) == 1100


def test_embeddings_put_out_nothing():
    costs = tracker(usd_budget())
    costs.admit(asks(1000, None, operation="embeddings"))
    assert held(costs) == Decimal("0.001")


def test_a_thousand_tokens_before_twenty_calls_are_known():
    """A quarter of the bytes is the usual: 250 x 1 + 1,000 x 10 USD per million."""
    costs = tracker(usd_budget())
    for _ in range(19):
        spend(costs, 0, 7)
    before = held(costs)
    costs.admit(asks(1000, None))
    assert held(costs) - before == Decimal("0.01025")


def test_ninetyfive_of_a_hundred_from_the_twentieth_on():
    """Outputs of 10, 20, ... 200 tokens: 19 of 20 are not above 190."""
    costs = tracker(usd_budget())
    for number in range(20):
        spend(costs, 0, 10 * (number + 1))
    before = held(costs)
    costs.admit(asks(1000, None))
    assert held(costs) - before == Decimal("0.00215")


def test_what_is_usual_is_learnt_by_model_and_scope(clock: Clock):
    costs = tracker(Budget("b", tokens=10**9, per="agent", action="block"))
    for _ in range(20):
        spend(costs, 0, 8, who=Attribution(agent="a1"))
    costs.admit(asks(4, None), Attribution(agent="a1"))
    costs.admit(asks(4, None, model="n"), Attribution(agent="a1"))
    costs.admit(asks(4, None), Attribution(agent="a2"))
    standings = costs._store.standings  # of both agents; remaining() tells one
    window = costs.budgets[0].window
    found = standings([window.counter("b", a, clock.now) for a in ("a1", "a2")], clock.now)
    assert [one.held for one in found] == [(1 + 8) + (1 + 1000), 1 + 1000]


def test_failed_calls_and_corrections_teach_nothing():
    costs = tracker(Budget("b", tokens=10**9, action="block"))
    for number in range(30):
        spend(costs, 0, 1, outcome="abandoned")
        spend(costs, 0, 1, corrects=number + 1)
    before = held(costs, 10**9)
    costs.admit(asks(4, None))
    assert held(costs, 10**9) - before == 1001


def test_the_maximum_is_the_models_window():
    """gpt-4o-mini reads and writes 128,000 tokens (platform.openai.com/docs/models, 2026-11)."""
    costs = CostTracker(
        budgets=[Budget("b", tokens=10**6, action="block", reserve="max")], alerts=[]
    )
    costs.admit(asks(1000, None, model="gpt-4o-mini"))
    assert held(costs, 10**6) == 129_000


def test_a_stated_limit_stands_above_the_maximum():
    costs = tracker(usd_budget(reserve="max"))
    costs.admit(asks(1000, 100))
    assert held(costs) == Decimal("0.002")


def test_a_maximum_that_nobody_knows_is_refused_with_the_remedy():
    costs = tracker(usd_budget(reserve="max"))
    with pytest.raises(BudgetExceeded, match="state a limit in the request") as raised:
        costs.admit(asks(1000, None))
    assert (raised.value.reason, raised.value.budget) == ("limit", "b")
    assert "reserve='typical'" in str(raised.value)


def test_a_budget_of_dollars_that_cannot_see_a_model_says_so_once(
    caplog: pytest.LogCaptureFixture,
):
    costs = tracker(usd_budget())
    for _ in range(3):
        costs.admit(asks(model="never-heard-of"))
    (line,) = [one.getMessage() for one in caplog.records if "are not stopped" in one.getMessage()]
    for word in ("'b'", "'never-heard-of'", "Prices(overrides={...})", "budget of calls"):
        assert word in line


def test_the_limit_itself_is_granted_and_no_more():
    costs = tracker(usd_budget("0.004"))
    costs.admit(asks())
    costs.admit(asks())
    with pytest.raises(BudgetExceeded):
        costs.admit(asks(1, None, operation="embeddings"))


def test_all_budgets_reserve_or_none():
    costs = tracker(usd_budget(), Budget("few", calls=1, action="block"))
    costs.admit(asks())
    with pytest.raises(BudgetExceeded, match="'few'"):
        costs.admit(asks())
    assert held(costs) == Decimal("0.002")


def test_settling_gives_back_what_was_not_used():
    costs = tracker(usd_budget())
    leave = costs.admit(asks())
    settle(costs, took(500, 10), leave)
    assert costs.remaining("b") == Decimal("0.9994")


def test_what_nobody_knows_is_charged_as_it_was_reserved():
    """A call whose answer told no usage: it was paid, and must not look free."""
    costs = tracker(usd_budget(), Budget("t", tokens=5000, action="block"))
    leave = costs.admit(asks())
    settle(costs, took(None, None), leave)
    assert (costs.remaining("b"), costs.remaining("t")) == (Decimal("0.998"), 3900)


def test_what_is_half_known_is_charged_no_less_than_it_was_reserved():
    costs = tracker(usd_budget(), Budget("t", tokens=5000, action="block"))
    settle(costs, took(700, None), costs.admit(asks()))
    assert (costs.remaining("b"), costs.remaining("t")) == (Decimal("0.998"), 3900)
    settle(costs, took(None, 4900), costs.admit(asks()))
    assert costs.remaining("t") == 0


def test_a_reservation_expires(clock: Clock):
    costs = tracker(usd_budget("0.002"))
    leave = costs.admit(asks())
    clock.now += LIFE
    costs.admit(asks())
    settle(costs, took(1000, 100), leave)  # its call came back all the same, and is charged
    with pytest.raises(BudgetExceeded):
        costs.admit(asks())


def test_a_reservation_lives_while_its_call_lives(clock: Clock):
    costs = tracker(usd_budget("0.002"))
    leave = costs.admit(asks())
    for _ in range(5):
        clock.now += LIFE - 1
        costs._watch._patrol.walk(clock.now)
        with pytest.raises(BudgetExceeded):
            costs.admit(asks())
    settle(costs, took(0, 0), leave)
    costs.admit(asks())


def test_a_reservation_that_got_lost_is_not_kept_alive(clock: Clock):
    costs = tracker(usd_budget("0.002"))
    leave = costs.admit(asks())
    del leave
    gc.collect()
    clock.now += LIFE - 1
    costs._watch._patrol.walk(clock.now)
    clock.now += 1
    costs.admit(asks())


def test_what_is_given_back_is_free_at_once():
    costs = tracker(usd_budget("0.002"))
    costs.release(costs.admit(asks()))
    costs.admit(asks())


def test_a_call_that_another_span_settled_gives_back_what_it_held():
    """Whoever settles first keeps the dollars: here another instrumentation, beside ours."""
    costs = tracker(usd_budget())
    leave = costs.admit(asks())
    answer = {"id": "resp_1", "model": "m"}
    costs.settle(took(500, 10, response=answer), span=Standing("another", root=True))
    assert settle(costs, took(500, 10, response=answer), leave)[1].status == "not_billed"
    assert costs.remaining("b") == Decimal("0.9994")
    assert costs.summary().calls == 1


def test_a_call_is_charged_in_the_window_that_admitted_it(clock: Clock):
    """Admitted a minute before midnight, over a minute after it."""
    midnight = NOW - NOW % (24 * 60 * MINUTE) + 24 * 60 * MINUTE
    costs = tracker(usd_budget(window="day"), Budget("told", usd=1, window="day"))
    clock.now = midnight - MINUTE
    leave = costs.admit(asks())
    clock.now = midnight + MINUTE
    assert costs.remaining("b") == 1
    settle(costs, took(1000, 100, at=clock.now), leave)
    assert costs.remaining("b") == 1
    assert costs.remaining("told") == Decimal("0.998")  # which reserves nothing


def test_a_long_call_tells_nobody_of_a_window_that_is_over(clock: Clock):
    """0.9 USD before midnight and 0.9 after it are no crossing of 1 USD a day."""
    midnight = NOW - NOW % (24 * 60 * MINUTE) + 24 * 60 * MINUTE
    costs = tracker(usd_budget(window="day"))
    clock.now = midnight - MINUTE
    leave = costs.admit(asks(900_000, 0))
    clock.now = midnight + MINUTE
    assert spend(costs, 900_000, 0, at=clock.now).alerts == ()
    assert settle(costs, took(900_000, 0, at=clock.now), leave)[2].alerts == ()
    assert costs.remaining("b") == Decimal("0.1")


def test_a_long_call_does_not_stretch_a_sliding_window(clock: Clock):
    """After half an hour its own start counts no more, and others' calls since then do."""
    costs = tracker(usd_budget(window="10m"))
    leave = costs.admit(asks(900_000, 0))
    clock.now += 15 * MINUTE
    assert spend(costs, 500_000, 0, at=clock.now).alerts == ()
    clock.now += 15 * MINUTE
    assert spend(costs, 600_000, 0, at=clock.now).alerts == ()
    assert settle(costs, took(900_000, 0, at=clock.now), leave)[2].alerts == ()
    assert costs.remaining("b") == Decimal("0.4")


def test_calls_come_and_go_while_reservations_are_prolonged():
    costs = tracker(usd_budget(10**6))
    done = threading.Event()
    kept: list[Reservation] = []

    def come_and_go() -> None:
        while not done.is_set():
            kept.append(costs.admit(asks(1, 1)))
            if len(kept) > 50:
                del kept[:25]

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            costs._watch._admission.keep_alive(NOW)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert costs.remaining("b") < 10**6


def test_a_tracker_that_nobody_needs_goes(tmp_path):
    """Neither its rounds nor its part in forks hold it."""
    costs = tracker(usd_budget(), store=f"sqlite:///{tmp_path}/costs.db")
    settle(costs, took(1, 1), costs.admit(asks()))
    here = weakref.ref(costs)
    watch = weakref.ref(costs._watch._patrol)
    del costs
    gc.collect()
    assert (here(), watch()) == (None, None)
