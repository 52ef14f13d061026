"""What only PostgreSQL has: settings of a database that its owner chose for other work."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from costspan.cost.stores.contract import Refusal, Store
from costspan.cost.stores.opening import open_store
from tests.cost.stores.conftest import empty_store
from tests.cost.stores.servers import PATIENCE, needs_postgres
from tests.cost.stores.settled import MINUTE, MONTH, NOW, claim

pytestmark = [pytest.mark.system, pytest.mark.postgres, needs_postgres]

LIMIT = 10


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database whose transactions see what was there when they began."""
    isolation = r" -cdefault_transaction_isolation=repeatable\ read"
    return empty_store("postgres", request, tmp_path) + quote(isolation)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url, PATIENCE)) as made:
        made.summary()  # makes the tables
        yield made


def test_who_waited_for_another_s_reservation_sees_it(url: str, store: Store):
    import psycopg

    answers: list[Refusal | None] = []
    wanted = json.dumps([(MONTH.budget, MONTH.scope, MONTH.bucket, MONTH.since, LIMIT, LIMIT)])

    def ask() -> None:
        answers.append(store.reserve("ours", [claim(1, LIMIT)], NOW, NOW + MINUTE))

    waiting = threading.Thread(target=ask)
    with psycopg.connect(url) as other:
        values = ("theirs", wanted, NOW, NOW + MINUTE)
        other.execute("SELECT costspan_reserve(%s, %s::jsonb, %s, %s)", values)
        waiting.start()
        blocked = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while waiting.is_alive() and other.execute(blocked).fetchone() is None:
            pass
    waiting.join(PATIENCE)
    (refusal,) = answers
    assert refusal is not None
    assert refusal.standing.held == LIMIT
