"""Attribution in threads and pools: work belongs to the block that it was handed over in."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from costspan import Instrumentor, attribution, record_call
from costspan.attributed import current
from tests.instrumentation.rig import Spans


def call() -> str | None:
    """One call, and whose it was."""
    with record_call(model="gpt-4o-mini") as recorded:
        recorded.set_usage(input_tokens=1000, output_tokens=200)
    return current().agent


def agents() -> list[str | None]:
    """Whose the calls so far were, in their order."""
    return [line.agent for line in Instrumentor().costs.records]


class TestThreads:
    """With `instrument()`, a thread belongs to the block that it was started in."""

    def test_a_thread(self, spans: Spans):
        with attribution(agent="ann") as spent:
            thread = threading.Thread(target=call)
            thread.start()
        thread.join()
        assert (spent.calls, agents()) == (1, ["ann"])

    def test_a_subclass_and_a_timer(self, spans: Spans):
        class Worker(threading.Thread):
            def run(self) -> None:
                call()

        with attribution(agent="ann") as spent:
            threads = [Worker(), threading.Timer(0, call)]
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()
        assert (spent.calls, agents()) == (2, ["ann", "ann"])

    async def test_to_thread(self, spans: Spans):
        with attribution(agent="ann") as spent:
            await asyncio.to_thread(call)
        assert (spent.calls, agents()) == (1, ["ann"])

    async def test_run_in_executor(self, spans: Spans):
        with attribution(agent="ann") as spent:
            await asyncio.get_running_loop().run_in_executor(None, call)
        assert (spent.calls, agents()) == (1, ["ann"])

    def test_a_thread_that_chose_its_own_context_keeps_it(self, spans: Spans):
        with attribution(agent="ann"):
            carried = contextvars.copy_context()
        with attribution(agent="bob"):
            thread = threading.Thread(target=carried.run, args=(call,))
            thread.start()
        thread.join()
        assert agents() == ["ann"]

    def test_a_thread_of_nobody_is_nobodys(self, spans: Spans):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        assert agents() == [None]


def test_a_task_belongs_to_the_block_of_its_submission(spans: Spans):
    with ThreadPoolExecutor(2) as pool, attribution(agent="ann") as spent:
        assert pool.submit(call).result(20) == "ann"
        assert list(pool.map(lambda _: call(), range(3), timeout=20)) == ["ann"] * 3
    assert spent.calls == 4


def test_a_worker_started_in_one_block_serves_the_next(spans: Spans):
    """A pool's thread lives on: it must not keep the block that it was started in."""
    with ThreadPoolExecutor(1) as pool:
        with attribution(agent="ann") as first:
            assert pool.submit(call).result(20) == "ann"
        with attribution(agent="bob") as second:
            assert pool.submit(call).result(20) == "bob"
        assert pool.submit(call).result(20) is None
    assert (first.calls, second.calls) == (1, 1)
    assert [line.agent for line in Instrumentor().costs.records] == ["ann", "bob", None]


def test_a_pool_that_lived_before_is_served_too(request: pytest.FixtureRequest):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: None).result(20)
        request.getfixturevalue("spans")
        with attribution(agent="ann"):
            assert pool.submit(call).result(20) == "ann"
        assert pool.submit(call).result(20) is None


def test_a_tasks_exception_and_arguments_pass_unchanged(spans: Spans):
    error = LookupError("gone")

    def fail(one: int, *, who: int, function: int) -> None:
        raise error if (one, who, function) == (1, 2, 3) else AssertionError

    with ThreadPoolExecutor(1) as pool, attribution(agent="ann"):
        assert pool.submit(fail, 1, who=2, function=3).exception(20) is error
        with pytest.raises(TypeError):
            pool.submit()


def test_nothing_is_carried_when_it_is_switched_off(spans: Spans):
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    Instrumentor().uninstrument()
    assert threading.Thread.start is not start
    assert ThreadPoolExecutor.submit is not submit
    with ThreadPoolExecutor(1) as pool, attribution(agent="ann"):
        assert pool.submit(lambda: current().agent).result(20) is None
