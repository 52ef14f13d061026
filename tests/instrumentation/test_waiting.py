"""Stores that are waited for: the loop goes on, and who is cancelled leaves nothing behind."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from costspan import Budget, BudgetExceeded, CostTracker, elsewhere, record_call
from costspan.testing import LLMServer
from tests.cost.stores.servers import needs_redis, redis_server
from tests.instrumentation.budgeted import ASK, async_client, client, tracker
from tests.instrumentation.rig import PATIENCE, Spans, attributes_of, watched

ROUNDS = 1000
BUDGET = {"usd": 1, "action": "block"}


class Gated:
    """A backend whose `which` operation answers only when the gate is open."""

    def __init__(self, backend: Any, which: str) -> None:
        self._backend = backend
        self._which = which
        self.asked = threading.Event()
        self.gate = threading.Event()

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._backend, name)
        if name != self._which:
            return work

        def wait(*args: Any) -> Any:
            self.asked.set()
            assert self.gate.wait(PATIENCE), "nobody opened the gate"
            return work(*args)

        return wait


@pytest.fixture
def costs(tmp_path: Path) -> CostTracker:
    return tracker(Budget("b", **BUDGET), store=f"sqlite:///{tmp_path}/costs.db")


def gated(costs: CostTracker, which: str) -> Gated:
    made = costs._store._backend = Gated(costs._store._backend, which)
    return made


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, PATIENCE)


@pytest.mark.parametrize("which", ["reserve", "settle"])
async def test_the_loop_goes_round_while_a_store_is_waited_for(
    which: str, costs: CostTracker, server: LLMServer
):
    """The store answers only once the loop has gone round a thousand times since it was asked."""
    store = gated(costs, which)
    with watched(costs=costs) as spans:
        async with async_client(server) as openai_:
            call = asyncio.create_task(openai_.chat.completions.create(**ASK, max_tokens=100))
            await until(store.asked)
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
            assert not call.done()
            store.gate.set()
            assert (await call).choices
        spans.wait(1)
    assert costs.remaining("b") == Decimal("0.998")


class Steps:
    """Awaits something, and notes how long each step of it held the loop."""

    def __init__(self, work: Awaitable[Any]) -> None:
        self._work = work
        self.seconds: list[float] = []

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        while True:
            begun = time.perf_counter()
            try:
                awaited = inner.send(None)
            except StopIteration as end:
                return end.value
            finally:
                self.seconds.append(time.perf_counter() - begun)
            yield awaited


class Slow:
    """A backend whose every answer takes half a second."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._backend, name)
        if name not in ("reserve", "settle"):
            return work

        def wait(*args: Any) -> Any:
            self.asked += 1
            time.sleep(0.5)
            return work(*args)

        return wait


async def test_a_store_of_half_a_second_holds_the_loop_for_no_millisecond(costs: CostTracker):
    """The longest step of a call; of twenty calls the quietest, as other programs disturb.

    Had one of them waited for the store, all would have: its step would be 500 ms.
    """
    slow = costs._store._backend = Slow(costs._store._backend)

    async def call() -> float:
        recorded = record_call(model="m")
        entering, leaving = (
            Steps(recorded.__aenter__()),
            Steps(recorded.__aexit__(None, None, None)),
        )
        await entering
        recorded.set_usage(input_tokens=1000, output_tokens=100)
        await leaving
        assert len(entering.seconds) > 1 < len(leaving.seconds), "it did not wait at all"
        return max(entering.seconds + leaving.seconds)

    with watched(costs=costs) as spans:
        longest = await asyncio.gather(*(call() for _ in range(20)))
        spans.wait(20)
    assert slow.asked == 40
    assert max(longest) < 0.5
    assert min(longest) < 0.001
    assert costs.remaining("b") == Decimal("0.96")


def busy(costs: CostTracker, path: Path) -> sqlite3.Connection:
    """Another program that holds the file, so that the store does not answer in its time."""
    costs.remaining("b")  # the file is made
    other = sqlite3.connect(path / "costs.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


@pytest.fixture
def down(tmp_path: Path) -> Callable[[str], tuple[CostTracker, Callable[[], None]]]:
    """A tracker whose store does not answer, and what lets it answer again."""

    def make(on_store_error: str) -> tuple[CostTracker, Callable[[], None]]:
        url = f"sqlite:///{tmp_path}/costs.db"
        costs = tracker(Budget("b", **BUDGET), store=url, on_store_error=on_store_error)
        return costs, busy(costs, tmp_path).close

    return make


def test_a_call_goes_on_while_the_store_is_down(down, server: LLMServer):
    costs, answer = down("allow")
    with watched(costs=costs) as spans, client(server) as openai_:
        assert openai_.chat.completions.create(**ASK, max_tokens=100).choices
        spans.wait(1)
        answer()
        assert costs.flush(PATIENCE)
    assert (costs.remaining("b"), costs.summary().calls) == (Decimal("0.998"), 1)


def test_a_call_is_refused_while_the_store_is_down(down, server: LLMServer):
    costs, answer = down("block")
    seen = server.requests_seen
    with watched(costs=costs) as spans, client(server) as openai_:
        with pytest.raises(BudgetExceeded, match="could not be asked") as raised:
            openai_.chat.completions.create(**ASK, max_tokens=100)
        assert (raised.value.reason, raised.value.budget) == ("store", "b")
        assert server.requests_seen == seen
        spans.wait(1)
        answer()
        assert costs.flush(PATIENCE)
        openai_.chat.completions.create(**ASK, max_tokens=100)
    assert costs.remaining("b") == Decimal("0.998")


async def test_async_calls_while_the_store_is_down(down, server: LLMServer):
    costs, answer = down("allow")
    with watched(costs=costs) as spans:
        async with async_client(server) as openai_:
            assert (await openai_.chat.completions.create(**ASK, max_tokens=100)).choices
        spans.wait(1)
        answer()
        assert await asyncio.to_thread(costs.flush, PATIENCE)
    assert costs.remaining("b") == Decimal("0.998")


async def test_async_calls_are_refused_while_the_store_is_down(down, server: LLMServer):
    costs, answer = down("block")
    with watched(costs=costs) as spans:
        async with async_client(server) as openai_:
            with pytest.raises(BudgetExceeded) as raised:
                await openai_.chat.completions.create(**ASK)
        assert raised.value.reason == "store"
        spans.wait(1)
        answer()
        assert await asyncio.to_thread(costs.flush, PATIENCE)
    assert costs.remaining("b") == 1


@pytest.mark.system
@pytest.mark.redis
@needs_redis
async def test_a_redis_that_hangs(server: LLMServer):
    """The loop goes round while it hangs; what was spent is in it when it goes on."""
    with redis_server() as redis:
        costs = tracker(Budget("b", **BUDGET), store=redis.url)
        costs.remaining("b")
        redis.stall()
        rounds = 0
        with watched(costs=costs) as spans:
            async with async_client(server) as openai_:
                call = asyncio.create_task(openai_.chat.completions.create(**ASK, max_tokens=100))
                while not call.done():
                    await asyncio.sleep(0)
                    rounds += 1
                assert call.result().choices
            spans.wait(1)
            redis.resume()
            assert await asyncio.to_thread(costs.flush, PATIENCE)
        assert costs.remaining("b") == Decimal("0.998")
        costs._store.close()
    assert rounds > ROUNDS


async def given_back(costs: CostTracker) -> None:
    """Wait until nothing of the budget is held or spent."""
    left = None
    while left != 1:
        left = await asyncio.to_thread(costs.remaining, "b")


async def cancelled_in(
    which: str, costs: CostTracker, ask: Callable[[], Awaitable[Any]], spans: Spans
) -> None:
    store = gated(costs, which)
    call = asyncio.ensure_future(ask())
    await until(store.asked)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    store.gate.set()
    await asyncio.to_thread(spans.wait, 1)


async def test_who_is_cancelled_while_asking_leaves_no_reservation(
    costs: CostTracker, server: LLMServer
):
    seen = server.requests_seen
    with watched(costs=costs) as spans:
        async with async_client(server) as openai_:
            await cancelled_in(
                "reserve", costs, lambda: openai_.chat.completions.create(**ASK), spans
            )
        await asyncio.wait_for(given_back(costs), PATIENCE)
        span = spans.one()
    assert server.requests_seen == seen
    assert span.status.status_code is StatusCode.ERROR
    assert attributes_of(span)["error.type"] == "asyncio.exceptions.CancelledError"
    assert attributes_of(span)["costspan.cost.status"] == "not_billed"
    assert not costs._watch._admission.open


async def test_who_is_cancelled_while_asking_for_a_recorded_call(costs: CostTracker):
    async def ask() -> None:
        async with record_call(model="m"):
            raise AssertionError("the call was not allowed yet")

    with watched(costs=costs) as spans:
        await cancelled_in("reserve", costs, ask, spans)
        await asyncio.wait_for(given_back(costs), PATIENCE)


async def test_a_refusal_that_nobody_waits_for(tmp_path: Path, server: LLMServer):
    url = f"sqlite:///{tmp_path}/costs.db"
    costs = tracker(Budget("b", usd="0.000001", action="block"), store=url)
    with watched(costs=costs) as spans:
        async with async_client(server) as openai_:
            await cancelled_in(
                "reserve", costs, lambda: openai_.chat.completions.create(**ASK), spans
            )
        error = attributes_of(spans.one())["error.type"]
    assert error == "costspan.errors.BudgetExceeded"


async def test_who_is_cancelled_while_settling_has_paid(costs: CostTracker, server: LLMServer):
    with watched(costs=costs) as spans:
        async with async_client(server) as openai_:
            ask = lambda: openai_.chat.completions.create(**ASK, max_tokens=100)  # noqa: E731
            await cancelled_in("settle", costs, ask, spans)
        assert spans.one().status.status_code is StatusCode.UNSET
    assert await asyncio.to_thread(costs.remaining, "b") == Decimal("0.998")
    assert not costs._watch._admission.open


async def test_a_task_that_is_thrown_away_while_asking(costs: CostTracker):
    """Its coroutine is closed, as at the end of a loop, and never goes on."""
    store = gated(costs, "reserve")
    with watched(costs=costs) as spans:
        asking = record_call(model="m").__aenter__()
        asking.send(None)
        await until(store.asked)
        asking.close()
        store.gate.set()
        await asyncio.to_thread(spans.wait, 1)
        await asyncio.wait_for(given_back(costs), PATIENCE)


def test_another_event_loop_than_asyncios_is_waited_in(costs: CostTracker):
    """No loop of asyncio runs here, as under Trio: the coroutine ends without one."""
    with watched(costs=costs) as spans:
        call = record_call(model="m")
        with pytest.raises(StopIteration):
            call.__aenter__().send(None)
        call.set_usage(input_tokens=1000, output_tokens=100)
        with pytest.raises(StopIteration):
            call.__aexit__(None, None, None).send(None)
        assert spans.one().status.status_code is StatusCode.UNSET
    assert costs.remaining("b") == Decimal("0.998")


def test_there_is_always_a_thread_for_it(monkeypatch: pytest.MonkeyPatch):
    """This one, where the interpreter is about to end and no other does anything any more."""
    shut = ThreadPoolExecutor(1)
    shut.shutdown()
    monkeypatch.setattr(elsewhere._pool, "_threads", shut)
    assert elsewhere.submit(threading.get_ident).result() == threading.get_ident()


_LEFT_OPEN = """
import asyncio, sys
from costspan import Budget, Instrumentor
from costspan.testing import LLMServer
from tests.instrumentation.budgeted import ASK, async_client, tracker

costs = tracker(Budget("b", usd=1, action="block"), store=sys.argv[1])
Instrumentor().instrument(costs=costs)
kept = []

async def main():
    openai_ = async_client(server)
    kept.append(openai_)
    kept.append(await openai_.chat.completions.create(**ASK, stream=True, max_tokens=100))

with LLMServer() as server:
    asyncio.run(main())
    del kept[:]
"""


def test_a_stream_that_is_dropped_as_the_process_ends_is_counted(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/costs.db"
    command = [sys.executable, "-W", "ignore", "-c", _LEFT_OPEN, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert "costspan failed" not in done.stderr
    costs = tracker(Budget("b", **BUDGET), store=url)
    assert costs.summary().calls == 1
    assert not [one for one in costs._store.standings([_of(costs)], _now()) if one.held]


def _of(costs: CostTracker) -> Any:
    return costs.budgets[0].window.counter("b", "", _now())


def _now() -> int:
    return time.time_ns() // 10**6
