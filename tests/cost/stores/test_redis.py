"""What is Redis's own: one command for each operation, and scripts that a server may forget."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

redis = pytest.importorskip("redis")

from costspan.cost.stores.contract import Standing, Store  # noqa: E402
from costspan.cost.stores.opening import open_store  # noqa: E402
from tests.cost.stores.conftest import emptied  # noqa: E402
from tests.cost.stores.servers import PATIENCE, Server, needs_redis  # noqa: E402
from tests.cost.stores.settled import (  # noqa: E402
    CALL,
    MINUTE,
    MONTH,
    NOW,
    call,
    charge,
    claim,
    cost,
    counter,
)

pytestmark = [pytest.mark.system, pytest.mark.redis, needs_redis]

LATER = NOW + MINUTE


def redis_client(server: Server) -> "redis.Redis":
    return redis.Redis.from_url(server.url)


@pytest.fixture(name="own")
def own_store(redis: Server) -> Iterator[Store]:
    with closing(open_store(emptied(redis), PATIENCE)) as store:
        yield store


def commands(server: Server, work: Callable[[], object]) -> list[str]:
    """The commands that clients send for `work`; not what scripts do inside of the server."""
    with redis_client(server) as client, client.monitor() as monitor:
        client.echo("begin")
        work()
        client.echo("end")
        return between(monitor)


def between(monitor: "redis.client.Monitor") -> list[str]:
    """The commands between the two words."""
    seen: list[str] = []
    while True:
        command = monitor.next_command()
        if command["command"] == "ECHO begin":
            seen = []
        elif command["command"] == "ECHO end":
            return seen
        elif command["client_type"] != "lua":
            seen.append(command["command"].split()[0])


def test_one_command_per_operation(redis: Server, own: Store):
    claims = [claim(5, 100), claim(5, 100, counter("u1")), claim(5, 100, counter("u2"))]
    charges = [charge(4, one.counter) for one in claims]
    answered = call(agent="ann", session="s1", tags={"team": "search"}, trace_id=5)

    def all_of_them(token: str) -> None:
        own.reserve(token, claims, NOW, LATER)
        own.prolong(token, LATER)
        own.settle(answered, cost(4), (), charges, token)
        own.standings([MONTH, counter("u1")], NOW)

    all_of_them("first")  # the server learns the scripts
    assert commands(redis, lambda: all_of_them("second")) == ["EVALSHA"] * 4


def test_a_server_that_forgot_the_scripts(redis: Server, own: Store):
    own.reserve("a", [claim(5, 100)], NOW, LATER)
    with redis_client(redis) as client:
        client.script_flush()
    assert own.reserve("b", [claim(5, 100)], NOW, LATER) is None
    assert own.standings([MONTH], NOW) == [Standing(0, 10)]


def test_every_key_has_the_prefix_and_what_may_go_goes_by_itself(redis: Server, own: Store):
    hour = counter("u1", bucket=NOW, since=NOW, until=NOW + 60 * MINUTE)
    own.reserve("a", [claim(5, 100, hour)], NOW, LATER)
    own.reserve("b", [claim(5, 100, hour)], NOW, LATER)
    own.settle(CALL, cost(4), (), [charge(4, hour), charge(4), charge(4, counter("u2"))], "a")
    own.reserve("c", [claim(5, 100)], NOW, LATER)
    with redis_client(redis) as client:
        lives = {key.decode(): client.ttl(key) for key in client.scan_iter()}
    day = 24 * 3600
    assert all(key.startswith("costspan:") for key in lives)
    assert lives["costspan:settled:a"] == pytest.approx(day, abs=60)
    assert lives["costspan:reserved:b"] >= day
    assert lives['costspan:held:["ticket","u1"]'] >= day
    assert lives['costspan:spent:["ticket","u1"]'] >= day
    assert lives['costspan:spent:["ticket","u2"]'] == pytest.approx(30 * day, abs=60)
    assert lives['costspan:spent:["the month",""]'] == -1
    assert lives["costspan:entries"] == -1
    assert "costspan:reserved:a" not in lives


def test_a_limit_is_exact_where_lua_s_numbers_are_not(redis: Server, own: Store):
    """2^53 + 1 is 2^53 to a double: both sides of the comparison would be rounded."""
    limit = 2**53 + 1
    own.settle(CALL, cost(0), (), [charge(2**53)])
    assert own.reserve("a", [claim(2, limit)], NOW, LATER) is not None
    assert own.reserve("a", [claim(1, limit)], NOW, LATER) is None
    assert own.reserve("b", [claim(1, limit)], NOW, LATER) is not None
