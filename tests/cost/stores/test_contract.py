"""What every store does, the same on all four kinds."""

import threading
from decimal import Decimal

import pytest

from costspan import ConfigurationError
from costspan.cost.stores.contract import Bucket, Refusal, Standing, Store
from costspan.totals import Summary, Totals
from tests.cost.stores.settled import (
    CALL,
    HOUR,
    MINUTE,
    MONTH,
    NOW,
    call,
    charge,
    claim,
    cost,
    counter,
    notice,
)

LATER = NOW + MINUTE
USD = 10**12


def test_an_empty_store(store: Store):
    assert store.summary() == Summary()
    assert store.summaries("agent") == {}
    assert store.standings([MONTH], NOW) == [Standing(0, 0)]
    assert store.buckets("the month", NOW) == []
    assert store.due(NOW) == []
    assert store.notices(10) == []
    assert store.declared() == {}
    assert store.reset("the month") == 0
    assert store.flush(0) is True


def test_what_is_reserved_is_held_until_it_is_settled(store: Store):
    assert store.reserve("a", [claim(60, 100)], NOW, LATER) is None
    assert store.standings([MONTH], NOW) == [Standing(0, 60)]
    assert store.settle(CALL, cost(50), (), [charge(50)], "a") == [50]
    assert store.standings([MONTH], NOW) == [Standing(50, 0)]


def test_what_would_pass_the_limit_is_refused(store: Store):
    store.settle(CALL, cost(30), (), [charge(30)])
    assert store.reserve("a", [claim(50, 100)], NOW, LATER) is None
    assert store.reserve("b", [claim(21, 100)], NOW, LATER) == Refusal(
        claim(21, 100), Standing(30, 50)
    )
    assert store.reserve("b", [claim(20, 100)], NOW, LATER) is None


def test_all_claims_are_reserved_or_none(store: Store):
    ticket, other = counter("t1"), counter("t2")
    store.settle(CALL, cost(5), (), [charge(95, other)])
    claims = [claim(10, 100, MONTH), claim(10, 100, ticket), claim(10, 100, other)]
    assert store.reserve("a", claims, NOW, LATER) == Refusal(claims[2], Standing(95, 0))
    assert store.standings([MONTH, ticket, other], NOW) == [
        Standing(0, 0),
        Standing(0, 0),
        Standing(95, 0),
    ]
    assert store.reserve("a", claims[:2], NOW, LATER) is None
    assert store.standings([other, ticket, MONTH], NOW) == [
        Standing(95, 0),
        Standing(0, 10),
        Standing(0, 10),
    ]


def test_claims_are_added_to_those_under_the_token(store: Store):
    store.reserve("a", [claim(10, 100)], NOW, LATER)
    store.reserve("a", [claim(5, 100), claim(7, 100, counter("t1"))], NOW, LATER + MINUTE)
    assert store.standings([MONTH, counter("t1")], LATER) == [Standing(0, 15), Standing(0, 7)]
    store.settle(CALL, cost(1), (), (), "a")
    assert store.standings([MONTH, counter("t1")], NOW) == [Standing(0, 0), Standing(0, 0)]


def test_an_expired_reservation_holds_nothing(store: Store):
    store.reserve("a", [claim(60, 100)], NOW, LATER)
    assert store.standings([MONTH], LATER - 1) == [Standing(0, 60)]
    assert store.standings([MONTH], LATER) == [Standing(0, 0)]
    assert store.reserve("b", [claim(100, 100)], LATER, LATER + MINUTE) is None


def test_a_reservation_lives_while_it_is_prolonged(store: Store):
    store.reserve("a", [claim(60, 100)], NOW, LATER)
    store.prolong("a", LATER + MINUTE)
    store.prolong("never reserved", LATER + MINUTE)
    assert store.standings([MONTH], LATER) == [Standing(0, 60)]
    assert store.standings([MONTH], LATER + MINUTE) == [Standing(0, 0)]


def test_an_expired_reservation_may_be_made_again(store: Store):
    store.reserve("a", [claim(60, 100)], NOW, LATER)
    assert store.reserve("a", [claim(70, 100)], LATER, LATER + MINUTE) is None
    assert store.standings([MONTH], LATER) == [Standing(0, 70)]


def test_a_call_that_outlived_its_reservation_is_settled(store: Store):
    store.reserve("a", [claim(60, 100)], NOW, LATER)
    store.standings([MONTH], LATER + MINUTE)
    assert store.settle(CALL, cost(60), (), [charge(60)], "a") == [60]


def test_a_token_is_counted_once(store: Store):
    spent = Totals()
    for _ in range(3):
        assert store.settle(CALL, cost(7), (spent,), [charge(7)], "a") == [7]
    assert store.settle(CALL, cost(7), (spent,), [charge(7)], "b") == [14]
    assert store.summary().calls == spent.calls == 2
    assert store.summary().cost_usd == Decimal("0.000000000014")


def test_calls_without_a_token_are_each_counted(store: Store):
    for total in (7, 14):
        assert store.settle(CALL, cost(7), (), [charge(7)]) == [total]
    assert list(store.settle(CALL, cost(7))) == []
    assert store.summary().calls == 3


def test_a_correction_takes_back(store: Store):
    store.settle(CALL, cost(70), (), [charge(70)])
    assert store.settle(CALL, cost(-90), (), [charge(-90)]) == [-20]
    assert store.standings([MONTH], NOW) == [Standing(-20, 0)]
    assert store.reserve("a", [claim(120, 100)], NOW, LATER) is None
    assert store.reserve("b", [claim(1, 100)], NOW, LATER) == Refusal(
        claim(1, 100), Standing(-20, 120)
    )
    assert store.summary().cost_usd == Decimal("-0.000000000020")


def sliding(at: int) -> dict[str, int]:
    """A window of ten minutes in slices of one."""
    return {"bucket": at, "since": at - 9 * MINUTE, "until": at + 10 * MINUTE}


def test_a_sliding_window_forgets_slice_by_slice(store: Store):
    spent = [
        store.settle(CALL, cost(1), (), [charge(1, counter(**sliding(NOW + n * MINUTE)))])[0]
        for n in range(12)
    ]
    assert spent == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]
    ends = NOW + 15 * MINUTE
    assert store.standings([counter(**sliding(ends))], ends) == [Standing(6, 0)]


def test_a_reservation_leaves_the_window_with_its_slice(store: Store):
    store.reserve("a", [claim(60, 100, counter(**sliding(NOW)))], NOW, NOW + HOUR)
    inside, outside = NOW + 9 * MINUTE, NOW + 10 * MINUTE
    assert store.standings([counter(**sliding(inside))], inside) == [Standing(0, 60)]
    assert store.standings([counter(**sliding(outside))], outside) == [Standing(0, 0)]


def test_a_calendar_window_begins_at_nothing(store: Store):
    today = counter("u1", bucket=NOW, since=NOW, until=NOW + 24 * HOUR)
    tomorrow = counter("u1", bucket=NOW + 24 * HOUR, since=NOW + 24 * HOUR, until=NOW + 48 * HOUR)
    assert store.settle(CALL, cost(5), (), [charge(5, today)]) == [5]
    assert store.settle(CALL, cost(6), (), [charge(6, tomorrow)]) == [6]
    assert store.standings([tomorrow], NOW) == [Standing(6, 0)]


def test_buckets_that_still_count(store: Store):
    day = {"bucket": NOW, "since": NOW, "until": NOW + HOUR}
    store.settle(CALL, cost(5), (), [charge(5, counter("u1", **day))])
    store.settle(CALL, cost(5), (), [charge(6, counter("u2"))])
    store.settle(CALL, cost(5), (), [charge(7, counter("u3", "another"))])
    kept = Bucket("ticket", "u2", 0, 0, 6)
    by_scope = sorted(store.buckets("ticket", NOW), key=lambda one: one.scope)
    assert by_scope == [Bucket("ticket", "u1", NOW, NOW + HOUR, 5), kept]
    assert store.buckets("ticket", NOW + HOUR) == [kept]


def test_odd_names_are_kept_apart(store: Store):
    names = [("a:b", "c"), ("a", "b:c"), ('a"', "]"), ("ä", "漢"), ("", "a"), ("a", "")]
    names += [("%s", "'"), ("a", "b\0c"), ("a", "b"), ("a", "\\u0000")]
    for amount, (budget, scope) in enumerate(names, 1):
        store.settle(CALL, cost(0), (), [charge(amount, counter(scope, budget))])
        store.reserve("t", [claim(amount, 100, counter(scope, budget))], NOW, LATER)
    counters = [counter(scope, budget) for budget, scope in names]
    assert store.standings(counters, NOW) == [Standing(n, n) for n in range(1, len(names) + 1)]
    assert [store.reset(budget, scope) for budget, scope in names] == [1] * len(names)


@pytest.mark.parametrize("amount", [2**53 - 1, 2**53 + 1, 2**62 - 1])
def test_sums_are_exact_where_doubles_are_not(store: Store, amount: int):
    assert store.settle(CALL, cost(0), (), [charge(amount)]) == [amount]
    assert store.reserve("a", [claim(amount, 2 * amount)], NOW, LATER) is None
    assert store.standings([MONTH], NOW) == [Standing(amount, amount)]
    assert store.reserve("b", [claim(1, 2 * amount)], NOW, LATER) == Refusal(
        claim(1, 2 * amount), Standing(amount, amount)
    )
    assert store.reserve("b", [claim(1, 2 * amount + 1)], NOW, LATER) is None


def test_a_limit_may_be_larger_than_any_sum(store: Store):
    assert store.reserve("a", [claim(5, 10**30)], NOW, LATER) is None


def test_counts_that_a_server_made_up_leave_sums_that_can_be_read(store: Store):
    made_up = {"input_tokens": 2**63 - 1, "output_tokens": 2**63 - 1, "cache_read_tokens": 2**62}
    for _ in range(3):
        store.settle(call(**made_up, runtime_seconds=1e10), cost(10**30))
    store.settle(CALL, cost(USD))
    assert store.summary().calls == 4
    assert store.summaries("model")["gpt-4o-mini"].calls == 4


def test_the_sums_of_some_calls(store: Store):
    spent = Totals()
    store.settle(call(cache_read_tokens=400, agent="ann"), cost(3 * USD), (spent,))
    store.settle(call(error="openai.APITimeoutError", runtime_seconds=0.25), cost(USD + 1))
    unpriced = call("never-heard-of", agent="ann")
    store.settle(unpriced, type(cost(0))(status="unpriced"), (spent,))
    store.alerted(CALL)
    assert store.summary().as_dict() == {
        "calls": 3,
        "errors": 1,
        "input_tokens": 3000,
        "output_tokens": 600,
        "total_tokens": 3600,
        "cached_tokens": 400,
        "cost_usd": Decimal("4.000000000001"),
        "unpriced_calls": 1,
        "runtime_seconds": 2.25,
        "alerts": 1,
    }
    assert (spent.calls, spent.cost_usd, spent.unpriced_calls) == (2, Decimal(3), 1)
    store.superseded(unpriced, (spent,))
    assert (store.summary().unpriced_calls, spent.unpriced_calls) == (0, 0)
    assert store.summaries("model")["never-heard-of"].unpriced_calls == 0


def test_the_sums_by_each_dimension(store: Store):
    ann = {
        "agent": "ann",
        "session": "s1",
        "user": "u1",
        "endpoint": "/ask",
        "trace_id": 0xABC,
        "tags": {"team": "search", "night": True},
    }
    store.settle(call(**ann), cost(1))
    store.settle(call("gpt-4o", agent="bob", tags={"team": "ads"}), cost(5))
    store.settle(call(**ann), cost(2))
    expected = {
        "agent": {"bob": 5, "ann": 3},
        "session": {"(none)": 5, "s1": 3},
        "user": {"(none)": 5, "u1": 3},
        "endpoint": {"(none)": 5, "/ask": 3},
        "model": {"gpt-4o": 5, "gpt-4o-mini": 3},
        "provider": {"openai": 8},
        "trace": {"(none)": 5, f"{0xABC:032x}": 3},
        "tag:team": {"ads": 5, "search": 3},
        "tag:night": {"(none)": 5, "True": 3},
        "tag:unheard": {"(none)": 8},
    }
    for dimension, sums in expected.items():
        found = store.summaries(dimension)
        assert {key: int(row.cost_usd * USD) for key, row in found.items()} == sums
        assert list(found) == list(sums)
    with pytest.raises(ConfigurationError, match="write 'session'"):
        store.summaries("session_id")


def test_reset_forgets_one_scope_or_all(store: Store):
    for scope in ("u1", "u2", "u3"):
        store.settle(CALL, cost(5), (), [charge(5, counter(scope))])
        store.reserve(scope, [claim(5, 100, counter(scope))], NOW, LATER)
        store.claim(notice(scope, budget="ticket", scope=scope), NOW)
    store.settle(CALL, cost(5), (), [charge(5)])
    assert store.reset("ticket", "u1") == 1
    assert store.standings([counter("u1"), counter("u2")], NOW) == [Standing(0), Standing(5, 5)]
    assert {one.scope for one in store.notices(9)} == {"u2", "u3"}
    assert store.reset("ticket") == 2
    assert store.buckets("ticket", NOW) == []
    assert store.notices(9) == []
    assert store.standings([MONTH], NOW) == [Standing(5)]
    assert store.settle(CALL, cost(5), (), [charge(5, counter("u1"))], "u1") == [5]


def test_an_alert_is_claimed_once(store: Store):
    assert store.claim(notice(), NOW) is True
    assert store.claim(notice(), NOW) is False
    assert store.claim(notice("another"), NOW) is True
    store.mark("the month", 1, "sent")
    assert store.claim(notice(), NOW + 100 * HOUR) is False


def test_a_higher_level_is_due_again_and_a_lower_one_is_not(store: Store):
    assert store.claim(notice(level=2), NOW) is True
    store.mark("the month", 2, "sent")
    assert store.claim(notice(level=1), NOW) is False
    assert store.claim(notice(level=3), NOW) is True
    store.mark("the month", 2, "sent")  # too late: the higher one is being sent
    assert [(one.level, one.state) for one in store.notices(9)] == [(3, "claimed")]


def test_a_lease_that_ran_out_is_taken_over(store: Store):
    store.claim(notice(), NOW)
    assert store.due(NOW + MINUTE - 1) == []
    assert store.claim(notice(), NOW + MINUTE - 1) is False
    assert store.due(NOW + MINUTE) == [notice()]
    again = notice(lease=NOW + 2 * MINUTE)
    assert store.claim(again, NOW + MINUTE) is True
    assert store.claim(again, NOW + MINUTE) is False
    assert store.due(NOW + MINUTE) == []


def test_a_window_that_is_over_is_due_for_its_resolution_and_claimed_anew(store: Store):
    first = notice(rearms=NOW + HOUR)
    store.claim(first, NOW)
    store.mark("the month", 1, "sent")
    assert store.due(NOW + HOUR - 1) == []
    assert [(one.key, one.state) for one in store.due(NOW + HOUR)] == [("the month", "sent")]
    store.mark("the month", 1, "resolved")
    assert store.due(NOW + HOUR) == []
    assert store.claim(first, NOW + HOUR - 1) is False
    assert store.claim(notice(at=NOW + HOUR), NOW + HOUR) is True


def test_the_latest_alerts_come_first(store: Store):
    for n in range(5):
        store.claim(notice(str(n), at=NOW + n), NOW)
    assert [one.key for one in store.notices(3)] == ["4", "3", "2"]
    assert store.notices(1) == [notice("4", at=NOW + 4)]


def test_a_closed_store_opens_itself_again(store: Store):
    store.settle(CALL, cost(5), (), [charge(5)])
    store.close()
    store.close()
    assert store.standings([MONTH], NOW) == [Standing(5)]


def test_a_reservation_expires_before_one_that_was_made_before_it(store: Store):
    """Such as after the clock was set back."""
    store.reserve("first", [claim(1, 100)], NOW, NOW + HOUR)
    store.reserve("second", [claim(60, 100)], NOW, LATER)
    assert store.standings([MONTH], LATER) == [Standing(0, 1)]
    store.prolong("first", LATER + 1)
    assert store.standings([MONTH], LATER + 1) == [Standing(0, 0)]


def test_budgets_are_declared_until_they_are_forgotten(store: Store):
    store.declare("the month", b'{"usd": 1}')
    store.declare("ein Stück 'weit'", b"\x00\xff")
    store.declare("the month", b'{"usd": 2}')
    assert store.declared() == {"the month": b'{"usd": 2}', "ein Stück 'weit'": b"\x00\xff"}
    store.reset("the month")
    assert len(store.declared()) == 2
    store.declare("the month", b"")
    store.declare("never was", b"")
    assert store.declared() == {"ein Stück 'weit'": b"\x00\xff"}


def test_any_thread_may_call(store: Store):
    def work(number: int) -> None:
        for n in range(10):
            token = f"{number} {n}"
            if store.reserve(token, [claim(10, 10**9)], NOW, LATER) is None:
                store.settle(CALL, cost(7), (), [charge(7)], token)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.standings([MONTH], NOW) == [Standing(7 * 160, 0)]
    assert store.summary().calls == 160
