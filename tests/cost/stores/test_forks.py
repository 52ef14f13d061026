"""A forked child has nothing of its parent's stores that is on its way."""

import gc
import sqlite3
from pathlib import Path

import pytest

from costspan.cost.stores.contract import Standing, StoreDown
from costspan.cost.stores.memory import MemoryStore
from costspan.cost.stores.opening import open_store
from tests.cost.stores.servers import PATIENCE
from tests.cost.stores.settled import CALL, MINUTE, MONTH, NOW, charge, claim, cost
from tests.cost.stores.workers import in_child

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def test_memory_holds_nothing_for_the_parent_s_calls():
    store = MemoryStore()
    store.settle(CALL, cost(5), (), [charge(5)])
    store.reserve("a", [claim(60, 100)], NOW, NOW + MINUTE)

    def child() -> object:
        granted = store.reserve("b", [claim(95, 100)], NOW, NOW + MINUTE) is None
        return granted, store.summary().calls

    assert in_child(child) == "(True, 1)"
    assert store.standings([MONTH], NOW) == [Standing(5, 60)]


def test_what_the_parent_could_not_write_is_the_parent_s_to_write(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/costs.db", PATIENCE)
    store.settle(CALL, cost(1), (), [charge(1)], "before")
    short = open_store(f"sqlite:///{tmp_path}/costs.db", 0.01)
    other = sqlite3.connect(tmp_path / "costs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreDown):
        short.settle(CALL, cost(1), (), [charge(1)], "kept")

    def child() -> object:
        return short.flush(0)

    assert in_child(child) == "True"  # it has nothing to write
    other.execute("ROLLBACK")
    other.close()
    assert short.flush(PATIENCE)
    assert store.standings([MONTH], NOW) == [Standing(2)]
    short.close()
    store.close()


def test_a_store_that_nobody_has_used_yet(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/costs.db", PATIENCE)
    assert in_child(lambda: list(store.settle(CALL, cost(1), (), [charge(1)]))) == "[1]"
    assert list(store.settle(CALL, cost(1), (), [charge(1)])) == [2]
    store.close()


def test_a_store_that_is_dropped_ends_its_connection(tmp_path: Path):
    """Python 3.13 warns of one that nobody ended, and warnings are errors here."""
    store = open_store(f"sqlite:///{tmp_path}/costs.db", PATIENCE)
    store.settle(CALL, cost(1))
    del store
    gc.collect()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["costs.db"]  # and no log beside it
