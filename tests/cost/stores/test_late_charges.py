"""A charge for a window that is over: added where it belongs, and no part of the present sum."""

from costspan.cost.stores.contract import Standing, Store
from tests.cost.stores.settled import CALL, HOUR, NOW, charge, claim, cost, counter

BEFORE = counter(bucket=NOW, since=NOW, until=NOW + 48 * HOUR)
PRESENT = counter(bucket=NOW + HOUR, since=NOW + HOUR, until=NOW + 49 * HOUR)
LATE = counter(bucket=NOW, since=NOW + HOUR, until=NOW + 48 * HOUR)


def test_it_is_summed_up_over_the_present_window(store: Store):
    store.settle(CALL, cost(1), (), [charge(7, BEFORE)])
    store.settle(CALL, cost(1), (), [charge(20, PRESENT)])
    assert store.reserve("a", [claim(50, 100, BEFORE)], NOW, NOW + 2 * HOUR) is None
    assert store.settle(CALL, cost(1), (), [charge(50, LATE)], "a") == [20]
    assert store.standings([PRESENT], NOW + HOUR) == [Standing(20, 0)]


def test_what_is_prolonged_to_a_moment_that_is_past_is_free(store: Store):
    assert store.reserve("a", [claim(50, 100, PRESENT)], NOW, NOW + HOUR) is None
    store.prolong("a", 0)
    assert store.standings([PRESENT], NOW) == [Standing(0, 0)]
    assert store.reserve("b", [claim(100, 100, PRESENT)], NOW, NOW + HOUR) is None
