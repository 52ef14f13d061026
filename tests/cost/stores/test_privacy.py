"""Nothing that a store holds is message content, or a password."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from costspan.call import Call
from costspan.cost.stores.contract import Store
from tests.cost.stores.conftest import SHARED
from tests.cost.stores.servers import PASSWORD, Server
from tests.cost.stores.settled import MINUTE, NOW, call, charge, claim, cost, counter, notice

CANARY = "canary-that-was-said"
NAME = "ann-the-agent"


def said() -> Call:
    """A call with content wherever a call can carry some."""
    return call(
        preview=CANARY,
        parameters={"stop_sequences": [CANARY], "seed": CANARY},
        error="openai.APIError",
        error_code=CANARY,
        agent=NAME,
    )


def used(store: Store) -> None:
    of = counter("u1")
    store.reserve("a", [claim(5, 100, of)], NOW, NOW + MINUTE)
    store.settle(said(), cost(5), (), [charge(5, of)], "a")
    store.alerted(said())
    store.superseded(said())
    store.claim(notice(), NOW)
    store.summary()


def dump_of_sqlite(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("*.db*"))


def dump_of_redis(server: Server) -> bytes:
    import redis

    with redis.Redis.from_url(server.url) as client:
        return b"".join(key + repr(client.dump(key)).encode() for key in client.scan_iter())


def dump_of_postgres(server: Server) -> bytes:
    from tests.cost.stores.servers import postgres_program

    program = postgres_program("pg_dump")
    assert program is not None
    return subprocess.run([program, server.url], check=True, capture_output=True).stdout


@pytest.mark.parametrize("kind", SHARED)
def test_no_content_and_no_password(
    kind: str,
    store_of: Callable[[str], Store],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
):
    used(store_of(kind))
    if kind == "sqlite":
        dump = dump_of_sqlite(tmp_path)
    elif kind == "redis":
        dump = dump_of_redis(request.getfixturevalue("redis"))
    else:
        dump = dump_of_postgres(request.getfixturevalue("postgres"))
    assert NAME.encode() in dump  # what is looked for could be found
    assert CANARY.encode() not in dump
    assert PASSWORD.encode() not in dump
    assert PASSWORD not in caplog.text
