"""A store that is down, hangs, or comes back: nobody waits, nothing is lost and nothing doubled."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from costspan.cost.stores import outage, pool
from costspan.cost.stores.contract import Standing, Store, StoreDown
from costspan.cost.stores.opening import open_store
from costspan.cost.stores.shared import SharedStore
from costspan.totals import Totals
from tests.cost.stores.conftest import SERVED, SERVED_BY, emptied
from tests.cost.stores.servers import PATIENCE, Server
from tests.cost.stores.settled import CALL, MINUTE, MONTH, NOW, charge, claim, cost, notice

LATER = NOW + MINUTE


@pytest.fixture(scope="module", params=SERVED)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for these tests alone, which they may harm; each leaves it running."""
    with SERVED_BY[request.param]() as made:
        yield made


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """An empty store that waits as long as users' do, with a connection that stands."""
    made = open_store(emptied(server))
    answering(made)
    yield made
    made.close()


def answering(store: Store) -> None:
    """Wait until it answers; a busy machine may take longer than the deadline."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            store.standings([MONTH], NOW)
        except StoreDown:
            assert time.monotonic() < deadline
            time.sleep(0.02)  # nothing says when a server answers again
        else:
            return


def told_of_the_end(caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged, when the end of the outage was: the store answers a moment before."""
    last = time.monotonic() + PATIENCE
    while "answers again" not in caplog.text:
        assert time.monotonic() < last
        time.sleep(0.01)  # a thread of the store says it
    return caplog.text


def settle(store: Store, token: str) -> bool:
    """Whether it was counted at once."""
    try:
        store.settle(CALL, cost(1), (), [charge(1)], token)
    except StoreDown:
        return False
    return True


def test_a_server_is_killed_and_restarted_in_the_middle(server: Server, store: Store):
    written = {f"before {n}": settle(store, f"before {n}") for n in range(50)}
    assert store.reserve("held", [claim(10, 1000)], NOW, LATER) is None
    server.kill()
    written |= {f"between {n}": settle(store, f"between {n}") for n in range(50)}
    assert not any(ok for token, ok in written.items() if token.startswith("between"))
    server.restart()
    assert store.flush(PATIENCE)
    answering(store)
    written |= {f"after {n}": settle(store, f"after {n}") for n in range(50)}
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(150, 10)]
    assert store.summary().calls == 150


def test_a_server_is_killed_while_many_threads_write(server: Server, store: Store):
    def write(worker: int) -> None:
        for n in range(100):
            settle(store, f"{worker} {n}")
            if worker == 0 and n == 20:
                server.kill()
            if worker == 0 and n == 60:
                server.restart()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(400)]
    assert store.summary().calls == 400


def test_a_server_that_hangs_is_waited_for_once(server: Server, store: Store):
    spent = Totals()
    settle(store, "before")
    server.stall()
    with pytest.raises(StoreDown):
        store.reserve("a", [claim(1, 100)], NOW, LATER)
    with pytest.raises(StoreDown, match="is down"):  # said without asking
        store.reserve("b", [claim(1, 100)], NOW, LATER)
    for token in ("c", "d"):
        with pytest.raises(StoreDown):
            store.settle(CALL, cost(1), (spent,), [charge(1)], token)
    for ask in (store.summary, lambda: store.claim(notice(), NOW), lambda: store.due(NOW)):
        with pytest.raises(StoreDown):
            ask()
    store.alerted(CALL)  # nobody waits for what these say
    store.superseded(CALL, (spent,))
    assert (spent.calls, spent.unpriced_calls) == (2, -1)  # this process's own
    assert store.flush(0.01) is False
    server.resume()
    assert store.flush(PATIENCE) is True
    answering(store)
    assert store.standings([MONTH], NOW)[0].spent == 3
    summary = store.summary()
    assert (summary.calls, summary.alerts, summary.unpriced_calls) == (3, 1, -1)


def test_a_server_that_hangs_from_the_first_is_reached_later(server: Server):
    """A first connect that takes long is waited for by no caller."""
    store = open_store(emptied(server))
    server.stall()
    assert settle(store, "a") is False
    server.resume()
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(1)]
    store.close()


def cut_off(server: Server) -> None:
    """Have the server close all connections, as it does with those that idle for too long."""
    if server.url.startswith("redis"):
        import redis

        with redis.Redis.from_url(server.url) as client:
            client.client_kill_filter(_type="normal", skipme=True)
        return
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'costspan'"
        )


def test_a_connection_that_was_closed_meanwhile_is_no_outage(
    server: Server,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
    assert isinstance(store, SharedStore)
    ((connection, _),) = store._backend.pool._idle
    cut_off(server)
    deadline = time.monotonic() + PATIENCE
    while store._backend.pool._is_open(connection):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # its end is on the way
    monkeypatch.setattr(store._backend, "_deadline", PATIENCE)
    assert settle(store, "a") is True
    assert caplog.text == ""


def test_a_settlement_whose_outcome_is_unknown_counts_once(server: Server, store: Store):
    """The server takes it from its socket when it goes on, and once more from us."""
    server.stall()
    assert settle(store, "a") is False
    server.resume()
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(1)]
    assert store.summary().calls == 1


def test_an_outage_is_told_once_and_its_end_too(
    server: Server, store: Store, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "costspan")
    server.kill()
    for n in range(20):
        settle(store, str(n))
    server.restart()
    assert store.flush(PATIENCE)
    told_of_the_end(caplog)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in lines] == ["ERROR", "WARNING"]
    assert "is down" in lines[0][1]
    assert "20 calls were written late, 0 are not counted" in lines[1][1]


def test_no_more_is_kept_than_there_is_room_for(
    server: Server, store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outage, "MOST_KEPT", 5)
    server.kill()
    for n in range(8):
        settle(store, str(n))
    server.restart()
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(5)]
    text = told_of_the_end(caplog)
    assert "further ones are not counted" in text
    assert "5 calls were written late, 3 are not counted" in text


def test_what_is_written_late_is_told(server: Server, store: Store):
    told: list[object] = []
    assert isinstance(store, SharedStore)
    store.settled_late = lambda charges, spent: told.append((list(charges), list(spent)))
    settle(store, "before")
    server.kill()
    settle(store, "a")
    settle(store, "b")
    server.restart()
    assert store.flush(PATIENCE)
    assert told == [([charge(1)], [2]), ([charge(1)], [3])]


def test_a_store_that_was_never_there(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    folder = tmp_path / "gone"
    folder.mkdir()
    store = open_store(f"sqlite:///{folder}/costs.db")
    folder.rmdir()
    assert settle(store, "a") is False
    assert "SQLITE_CANTOPEN" in caplog.text
    folder.mkdir()
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(1)]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The file in the hands of another, who does not let go."""
    import sqlite3

    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    other.close()


def test_a_file_that_is_locked_is_waited_for_once(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/costs.db")
    answering(store)
    with locked(tmp_path / "costs.db"):
        with pytest.raises(StoreDown, match="SQLITE_BUSY"):
            store.reserve("a", [claim(1, 100)], NOW, LATER)
        assert settle(store, "b") is False
        assert store.flush(0.01) is False
    assert store.flush(PATIENCE)
    answering(store)
    assert store.standings([MONTH], NOW) == [Standing(1)]
    store.close()


def test_a_finaliser_settles_a_call_in_the_middle_of_a_step(tmp_path: Path):
    """Such as a user's, which closes a stream when the garbage is collected."""
    store = open_store(f"sqlite:///{tmp_path}/costs.db", PATIENCE)
    assert isinstance(store, SharedStore)
    answering(store)
    with store._backend.pool._lock, store._outage._lock:
        assert settle(store, "a") is True
    store.close()
