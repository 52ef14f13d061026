"""The examples of budgets run as they stand, without a key: they bring a local model server."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis import Redis as RedisClient

from tests.cost.stores.servers import PATIENCE, Server, needs_redis, redis_server
from tests.third_party.processes import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"


def environ(**more: str) -> dict[str, str]:
    keyless = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    return {**keyless, "NO_PROXY": "*", **more}


def run(name: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run an example to its end."""
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        env=environ(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def printed_by(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that an example printed, and nothing else."""
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines()


def test_the_runaway_loop_is_stopped_at_the_thirteenth_of_its_47_calls(tmp_path: Path) -> None:
    """A call is 20,000 x 1.75 + 1,000 x 14 = 49,000 millionths of a dollar."""
    stopped, calls, alert, without = printed_by(run("runaway_loop.py", tmp_path))

    assert stopped.startswith("stopped by 'loop' in ticket-17: budget 'loop' of session ticket-17 ")
    assert stopped.endswith("12 calls are spent; this call was not made: it may take 1 call")
    assert calls == "12 of 47 calls, 0.588 USD"
    assert alert.startswith("alert: budget 'loop' of session ticket-17: a call was refused")
    assert without == "47 of 47 calls, 2.303 USD"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """The FastAPI example as a process of its own; its address."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        pytest.skip("fastapi and uvicorn are not installed")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "fastapi_ticket_cap.py")],
        cwd=tmp_path,
        env=environ(PORT=str(port)),
        stderr=subprocess.PIPE,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/openapi.json", timeout=PATIENCE).close()
        except OSError:
            time.sleep(0.05)  # uvicorn says in no other way that it listens
        else:
            return
    raise AssertionError("the app does not start")


def asked(url: str, ticket: int) -> tuple[int, dict, str | None]:
    """The status, the body and Retry-After of one answer."""
    request = urllib.request.Request(f"{url}/tickets/{ticket}/answers", method="POST")
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, json.load(answer), answer.headers["Retry-After"]


def test_a_ticket_is_capped_and_so_is_the_hour(app: str) -> None:
    """A call is 10 x 1.75 + 1,000 x 14 = 14,017.5 millionths of a dollar; 14,000 and some for the
    question are reserved. Three fit into five cents, and seven into ten.
    """
    first = [asked(app, 17) for _ in range(4)]
    rest = [asked(app, ticket) for ticket in (18, 18, 18, 19, 19)]

    assert [status for status, *_ in first] == [200, 200, 200, 402]
    assert [body["left_usd"] for _, body, _ in first[:3]] == [0.0359825, 0.021965, 0.0079475]
    assert first[3][1:] == (
        {"error": "budget_exceeded", "budget": "one ticket", "scope": "17"},
        None,
    )
    # At the turn of an hour the second budget begins anew: then nothing is refused.
    assert [status for status, *_ in rest] in ([200] * 4 + [429], [200] * 5)
    for _, body, retry_after in rest:
        if retry_after is not None:
            assert body == {"error": "budget_exceeded", "budget": "all tickets", "scope": None}
            assert 1 <= int(retry_after) <= 3600


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.mark.system
@pytest.mark.redis
@needs_redis
def test_a_tenants_month_holds_over_processes(tmp_path: Path, redis: Server) -> None:
    """Seven calls of 14,017.5 millionths of a dollar fit into ten cents, whoever makes them; half
    of it is reached by the fourth, and told once by one of the two workers.

    On a machine that is busy with other tests the store may miss its 0.25 seconds, and costspan
    says so: such a run counts for nothing.
    """
    for _ in range(5):
        with RedisClient.from_url(redis.url) as client:
            client.flushall()
        done = run("tenant_month_on_redis.py", tmp_path, COSTSPAN_STORE=redis.url)
        if "the store (redis) is down" not in done.stderr:
            break
    lines = printed_by(done)

    assert sorted(lines[:-2]) == [
        "acme gets no more this month",
        "acme has used 50% of its month",
        "globex gets no more this month",
        "globex has used 50% of its month",
    ]
    assert lines[-2:] == [
        "acme: 7 answers, 0.0981 USD, 0.0019 USD left",
        "globex: 7 answers, 0.0981 USD, 0.0019 USD left",
    ]
