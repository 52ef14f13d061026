"""Processes that use one store at the same moment."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from costspan.cost.stores.contract import Standing, Store
from costspan.cost.stores.opening import open_store
from tests.cost.stores import workers
from tests.cost.stores.conftest import SHARED
from tests.cost.stores.servers import PATIENCE
from tests.cost.stores.settled import CALL, HOUR, MINUTE, MONTH, NOW, charge, claim, cost, notice

EIGHT = 8

pytestmark = pytest.mark.parametrize("shared_url", SHARED, indirect=True)

Open = Callable[[], Store]


@pytest.fixture(name="opened")
def open_the_store(shared_url: str) -> Iterator[Open]:
    """Opens it here, too, as often as is asked, until the end of the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(open_store(shared_url, PATIENCE)))


def test_no_more_is_granted_than_the_limit(shared_url: str, opened: Open):
    limit = 3 * 100 + 2
    granted = workers.together(EIGHT, workers.reserve_many, shared_url, 25, limit)
    assert sum(granted) == 100
    assert opened().standings([MONTH], NOW) == [Standing(0, 300)]


def test_no_more_is_spent_than_the_limit(shared_url: str, opened: Open):
    spent = workers.together(EIGHT, workers.reserve_and_settle, shared_url, 25, 500)
    assert 490 <= sum(spent) <= 500  # below the limit there is no room for another ten
    store = opened()
    assert store.standings([MONTH], NOW) == [Standing(sum(spent), 0)]
    assert store.summary().calls == sum(spent) // 7


def test_eight_processes_make_the_tables(shared_url: str):
    seen = workers.together(EIGHT, workers.use_first, shared_url)
    assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_alert_is_one_process_s_to_send(shared_url: str):
    assert sorted(workers.together(EIGHT, workers.claim_one, shared_url, NOW)) == [False] * 7 + [
        True
    ]
    assert sum(workers.together(EIGHT, workers.claim_one, shared_url, NOW + HOUR - 1)) == 0
    assert sum(workers.together(EIGHT, workers.claim_one, shared_url, NOW + HOUR)) == 1


def test_a_process_is_killed_between_reserve_and_settle(shared_url: str, opened: Open):
    with pytest.raises(EOFError):
        workers.together(1, workers.die_holding, shared_url, 60)
    store = opened()
    assert store.standings([MONTH], NOW + HOUR - 1) == [Standing(0, 60)]
    assert store.reserve("a", [claim(60, 100)], NOW, NOW + HOUR) is not None
    assert store.standings([MONTH], NOW + HOUR) == [Standing(0, 0)]
    assert store.reserve("a", [claim(60, 100)], NOW + HOUR, NOW + 2 * HOUR) is None


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])
def test_the_clock_jumps_between_reserve_and_settle(opened: Open, jump: int):
    """One process's clock jumps; another's reservation and spending outlive it."""
    ours, other = opened(), opened()
    settled = NOW + jump
    assert ours.reserve("ours", [claim(30, 100)], NOW, NOW + MINUTE) is None
    assert other.reserve("other", [claim(50, 100)], NOW, NOW + MINUTE) is None
    assert ours.reserve("after", [claim(20, 100)], settled, settled + MINUTE) is None
    assert ours.settle(CALL, cost(25), (), [charge(25)], "ours") == [25]
    held_by = 50 + (20 if jump > 0 else 0)
    assert other.standings([MONTH], NOW) == [Standing(25, held_by)]
    assert other.settle(CALL, cost(50), (), [charge(50)], "other") == [75]
    assert ours.settle(CALL, cost(20), (), [charge(20)], "after") == [95]
    assert ours.standings([MONTH], NOW) == [Standing(95, 0)]
    assert ours.claim(notice(), settled) is True
    assert other.claim(notice(), NOW) is False


def test_a_fork_shares_nothing_but_the_store(shared_url: str, opened: Open):
    (seen,) = workers.together(1, workers.fork_children, shared_url, 3)
    assert seen == ["[2]", "[3]", "[4]", "[5]"]
    assert opened().summary().calls == 5


def test_what_a_child_writes_outlives_its_parent(shared_url: str, opened: Open):
    """SQLite takes away its log with the last connection, and would with an inherited one."""
    (seen,) = workers.together(1, workers.outlive_parent, shared_url)
    assert seen == ["[2, 3, 4, 5]"]
    assert opened().standings([MONTH], NOW) == [Standing(5)]
