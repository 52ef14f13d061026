"""What stores forget, and what they never do: room is bounded, totals stay exact."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costspan.cost.stores import keeping, shared
from costspan.cost.stores.contract import Standing, Store
from costspan.cost.stores.opening import open_store
from costspan.cost.stores.shared import SharedStore
from tests.cost.stores.conftest import SHARED
from tests.cost.stores.settled import (
    CALL,
    HOUR,
    MONTH,
    NOW,
    call,
    charge,
    claim,
    cost,
    counter,
    notice,
)

DAY = 24 * HOUR


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the clock of this process."""

    def set_to(moment: int) -> None:
        monkeypatch.setattr(shared, "_now", lambda: moment)

    set_to(NOW)
    return set_to


@pytest.fixture(name="ours", params=SHARED)
def shared_store(store_of: Callable[[str], SharedStore], request: pytest.FixtureRequest) -> Store:
    """An empty shared store of each kind."""
    return store_of(request.param)


def tend(store: Store, moment: int) -> None:
    assert isinstance(store, SharedStore)
    store._backend.tend(moment, thoroughly=True)


def test_what_is_over_is_forgotten(ours: Store, clock: Callable[[int], None]):
    window = counter("u1", bucket=NOW, since=NOW, until=NOW + HOUR)
    session = counter("s1")
    ours.settle(CALL, cost(5), (), [charge(5, window), charge(5, session), charge(5)], "a")
    ours.reserve("b", [claim(5, 100)], NOW, NOW + HOUR)
    late = NOW + HOUR + keeping.GRACE_MS - 1
    tend(ours, late)
    assert ours.standings([window, session, MONTH], NOW) == [
        Standing(5),
        Standing(5),
        Standing(5, 5),
    ]
    clock(NOW + 31 * DAY)
    tend(ours, NOW + 31 * DAY)
    ours.settle(CALL, cost(5), (), [charge(1, one) for one in (window, MONTH)], "c")
    assert ours.standings([MONTH], NOW)[0].spent == 6  # one sum for all is never forgotten
    assert ours.summary().calls == 2


@pytest.mark.parametrize("ours", SHARED[:1], indirect=True)
def test_tokens_are_remembered_for_a_day(ours: Store, clock: Callable[[int], None]):
    ours.settle(CALL, cost(5), (), [charge(5)], "a")
    ours.settle(CALL, cost(5), (), [charge(5)], "newest")
    tend(ours, NOW + DAY)
    assert ours.settle(CALL, cost(5), (), [charge(5)], "a") == [10]
    tend(ours, NOW + DAY + 1)
    assert ours.settle(CALL, cost(5), (), [charge(5)], "a") == [15]


def test_keys_beyond_the_room_are_other(
    ours: Store, monkeypatch: pytest.MonkeyPatch, clock: Callable[[int], None]
):
    for module in ("sqlite", "redis", "postgres"):
        monkeypatch.setattr(f"costspan.cost.stores.{module}.MOST_KEYS", 3, raising=False)
    for n in range(4):
        ours.settle(call(session=f"s{n}", tags={"team": "a"}), cost(10 * (n + 1)))
    ours.summary()
    for n in (5, 1):
        ours.settle(call(session=f"s{n}"), cost(100))
    by_session = {key: row.calls for key, row in ours.summaries("session").items()}
    assert by_session == {"s0": 1, "s1": 2, "s2": 1, "(other)": 2}
    assert ours.summary().calls == 6
    assert sum(row.cost_usd for row in ours.summaries("session").values()) == (
        ours.summary().cost_usd
    )


def test_alerts_beyond_the_room_are_forgotten_the_oldest_first(
    ours: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keeping, "MOST_NOTICES", 3)
    for n in range(6):
        ours.claim(notice(str(n), at=NOW + n), NOW)
        ours.mark(str(n), 1, "sent")
    tend(ours, NOW)
    assert [one.key for one in ours.notices(9)] == ["5", "4", "3"]


def test_one_of_many_calls_tidies_up(
    ours: Store, monkeypatch: pytest.MonkeyPatch, clock: Callable[[int], None]
):
    """By itself, in a thread of its own."""
    tended: list[int] = []
    assert isinstance(ours, SharedStore)
    real = ours._backend.tend
    monkeypatch.setattr(keeping, "TENDED_EVERY", 4)
    monkeypatch.setattr(
        ours._backend, "tend", lambda now, thoroughly: (real(now, thoroughly), tended.append(now))
    )
    for _ in range(4):
        ours.settle(CALL, cost(1))
    while ours._tending:
        time.sleep(0.01)  # its thread tells nobody
    assert tended == [NOW]


def test_many_windows_that_end_at_once_are_forgotten_step_by_step(tmp_path: Path):
    """Nobody waits for the file while all of them go."""
    store = open_store(f"sqlite:///{tmp_path}/costs.db", 30)
    store.summary()
    rows = [(f"s{number}",) for number in range(2500)]
    with contextlib.closing(sqlite3.connect(tmp_path / "costs.db")) as db, db:
        db.executemany("INSERT INTO costspan_spent VALUES ('b', ?, 0, 1000, 1, 1)", rows)
    steps = []
    backend = store._backend
    forgets = backend._forgets
    backend._forgets = lambda *args: steps.append(forgets(*args)) or steps[-1]
    backend.tend(NOW, True)
    assert store.buckets("b", 0) == []
    assert steps.count(True) == 2
