"""The last calls: all of what they were, in little room."""

import sys
import threading
from decimal import Decimal
from itertools import islice

import pytest

from costspan.call import Call, Cost, Usage
from costspan.cost.recent import RecentCalls
from tests.cost.calls import finished

KEPT = 1000


@pytest.fixture
def recent() -> RecentCalls:
    return RecentCalls(KEPT)


def call(number: int) -> Call:
    """The call of that number, of objects that are all its own."""
    return finished(
        f"model-{number}",
        span_id=2**60 + number,
        trace_id=2**120 + number,
        request_id=f"req_{number}",
        runtime_seconds=number / 7,
        parameters={"temperature": number / 3},
        tags={"number": number},
        input_tokens=10**6 + number,
        output_tokens=2 * 10**6 + number,
    )


def cost(number: int) -> Cost:
    return Cost(status="priced", total=10**9 + number, input=number, model=f"model-{number}")


def test_the_newest_come_first_and_the_oldest_are_dropped(recent: RecentCalls):
    for number in range(KEPT + 234):
        recent.add(call(number), cost(number))
        if number % 97 == 0 or number > KEPT:
            newest = list(islice(recent.newest_first(), 3))
            assert newest[0] == (call(number), cost(number))
    kept = range(KEPT + 233, 233, -1)
    assert list(recent.newest_first()) == [(call(number), cost(number)) for number in kept]


ODD = {
    "a price that the provider named": finished(reported_cost_usd=Decimal("0.1"), input_tokens=1),
    "counts of another model": finished(also_billed=(("o4", Usage(output_tokens=2)),)),
    "counts that are guessed": finished(estimated=Usage(output_tokens=7), input_tokens=1),
    "no usage": finished(),
    "enormous counts": finished(input_tokens=10**40, output_tokens=2**64),
    "lists and maps": finished(parameters={"stop_sequences": ("a", "b"), "more": {"x": [1, None]}}),
    "texts of all kinds": finished(preview="\ud800 naïve 漢字 \x00", tags={"k": True, "f": 0.1}),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_few_calls_have_is_kept(recent: RecentCalls, odd: Call):
    lacking = Cost(status="partial", total=1, missing=("output_tokens",))
    for number in range(60):
        recent.add(call(number), cost(number))
    recent.add(odd, lacking)
    for number in range(60, 200):
        recent.add(call(number), cost(number))
    found = list(recent.newest_first())
    assert found[140] == (odd, lacking)
    assert type(found[140][0].request.parameters) is dict
    assert [one for one, _ in found[141:]] == [call(number) for number in range(59, -1, -1)]


def test_a_call_without_an_answer_is_kept(recent: RecentCalls):
    whole = call(0)
    failed = Call(
        request=whole.request, started_at=1, ended_at=2, runtime_seconds=1e-9, error="TimeoutError"
    )
    for _ in range(120):
        recent.add(failed, cost(1))
    assert list(recent.newest_first()) == [(failed, cost(1))] * 120


def test_those_that_wait_are_told_from_the_others(recent: RecentCalls):
    for number in range(300):
        recent.add(call(number), cost(number), placed=number % 3 != 0)
    assert list(recent.waiting()) == [call(number) for number in range(297, -1, -3)]


def test_a_thousand_calls_are_few_objects(recent: RecentCalls):
    """Some ten thousand would lie all over the memory."""
    for number in range(KEPT + 100):
        recent.add(call(number), cost(number))
    full = sys.getallocatedblocks()
    del recent._loose, recent._packed
    assert 0 < full - sys.getallocatedblocks() < 3 * KEPT


def test_threads_that_add_at_once_lose_none(recent: RecentCalls):
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda first=first: _add(recent, first))
            for first in range(0, 900, 100)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switching)
    assert {one.span_id - 2**60 for one, _ in recent.newest_first()} == set(range(900))


def _add(recent: RecentCalls, first: int) -> None:
    for number in range(first, first + 100):
        recent.add(call(number), cost(number))
