"""Each kind of store, empty, for one test."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from costspan.cost.stores.contract import Store
from costspan.cost.stores.opening import open_store
from tests.cost.stores.servers import (
    PATIENCE,
    Server,
    needs_postgres,
    needs_redis,
    postgres_server,
    redis_server,
)

SERVED = (
    pytest.param("redis", marks=(pytest.mark.system, pytest.mark.redis, needs_redis)),
    pytest.param("postgres", marks=(pytest.mark.system, pytest.mark.postgres, needs_postgres)),
)
"""The kinds that have a server."""

SHARED = (pytest.param("sqlite"), *SERVED)
"""The kinds that other processes see."""

SERVED_BY = {"redis": redis_server, "postgres": postgres_server}

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    """A Redis for all tests that let it live."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL for all tests that let it live."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty shared store; parametrise it with `SHARED`."""
    return empty_store(request.param, request, tmp_path)


@pytest.fixture(params=("memory", *SHARED))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    made = open_store(empty_store(request.param, request, tmp_path), PATIENCE)
    yield made
    made.close()


@pytest.fixture
def store_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Opens an empty store of a kind."""
    made: list[Store] = []

    def open_one(kind: str) -> Store:
        made.append(open_store(empty_store(kind, request, tmp_path), PATIENCE))
        return made[-1]

    yield open_one
    for store in made:
        store.close()


def empty_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a store of this kind with nothing in it."""
    number = next(_numbers)
    if kind == "memory":
        return "memory"
    if kind == "sqlite":
        return f"sqlite:///{folder}/{number}.db"
    return emptied(request.getfixturevalue(kind))


def emptied(server: Server) -> str:
    """The URL of a store on `server` with nothing in it."""
    number = next(_numbers)
    if server.url.startswith("redis"):
        import redis

        with redis.Redis.from_url(server.url) as client:
            client.flushall()
        return server.url
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA test_{number}")
    return f"{server.url}?options={quote(f'-csearch_path=test_{number}')}"
