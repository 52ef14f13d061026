"""What a budget costs in each store: reserving before a call, and its share of settling after.

usage: python -m tests.benchmarks.stores    prints microseconds as JSON: [least, median] by part

CPU time of the calling thread; for Redis, which is waited for, the time on the wall instead, beside
that of one round trip on the same connection and the number of commands that were sent.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from costspan.call import Cost
from costspan.cost.stores.contract import Charge, Claim, Counter, Store
from costspan.cost.stores.opening import open_store
from tests.benchmarks import clock
from tests.cost.calls import finished
from tests.cost.stores.servers import REDIS, Server, redis_server

TIMES = 300
ROUNDS = 15
COUNTED = 100
HOUR = 3_600_000
PATIENCE = 30.0

_CALL = finished(input_tokens=1200, output_tokens=80, agent="reviewer", session="s1", trace_id=5)
_COST = Cost(status="priced", total=228_000_000)

Microseconds = list[float]


def _steps(store: Store) -> tuple[Callable[[], None], Callable[[], None]]:
    """A call that is settled without a budget, and the same with one."""
    numbers = count()

    def bare() -> None:
        store.settle(_CALL, _COST, (), (), f"bare {next(numbers)}")

    def budgeted() -> None:
        now = time.time_ns() // 1_000_000
        token = f"call {next(numbers)}"
        month = Counter("the month", "", now - now % HOUR, now - HOUR, now + HOUR)
        if store.reserve(token, [Claim(month, 300_000_000, 10**18)], now, now + HOUR) is not None:
            raise SystemExit("a reservation was refused: the figure would say nothing")
        store.settle(_CALL, _COST, (), [Charge(month, 228_000_000)], token)

    return bare, budgeted


def _of_cpu(run: Callable[[], Any]) -> Microseconds:
    def many() -> None:
        for _ in range(TIMES):
            run()

    rounds = [spent / TIMES for spent in clock.microseconds(many, ROUNDS)]
    return [min(rounds), statistics.median(rounds)]


def _on_the_wall(run: Callable[[], Any]) -> Microseconds:
    taken = []
    with clock.uncollected():
        for _ in range(TIMES * 5):
            start = time.perf_counter()
            run()
            taken.append((time.perf_counter() - start) * 1e6)
    return [min(taken), statistics.median(taken)]


def _measured(
    store: Store, name: str, taken: Callable[[Callable[[], Any]], Microseconds]
) -> dict[str, Microseconds]:
    bare, budgeted = _steps(store)
    budgeted()
    settled, both = taken(bare), taken(budgeted)
    store.close()
    share = [with_one - without for with_one, without in zip(both, settled, strict=True)]
    return {f"{name}: settle": settled, f"{name}: budget": share}


def _redis(server: Server) -> dict[str, Microseconds]:
    import redis

    store = open_store(server.url, PATIENCE)
    _, budgeted = _steps(store)
    budgeted()
    with redis.Redis.from_url(server.url, single_connection_client=True) as client:
        ping = _on_the_wall(client.ping)
        store.summary()  # so that none of the calls that are counted has the sums tidied up
        client.config_resetstat()
        for _ in range(COUNTED):
            budgeted()
        sent = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    return {
        "redis: ping": ping,
        "redis: commands of a call": [sent / COUNTED] * 2,
        **_measured(store, "redis", _on_the_wall),
    }


def main() -> None:
    """Measure each store."""
    clock.settle_down()
    found = _measured(open_store("memory"), "memory", _of_cpu)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/costs.db", PATIENCE)
        found |= _measured(store, "sqlite", _of_cpu)
    if REDIS is not None:
        with redis_server(appendfsync="everysec") as server:  # as most are run
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the server needs one as well
            found |= _redis(server)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
