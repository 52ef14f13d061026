"""Many calls at once: each is one span, one line and counted once, wherever it ends."""

import asyncio
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry import context, trace

from costspan import CostTracker, attribution
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT_USD,
    MESSAGE_USD,
    Spans,
    answer_chat,
    answer_message,
    anthropic_client,
    async_anthropic_client,
    async_openai_client,
    attributes_of,
    openai_client,
    watched,
)

THREADS, CALLS_EACH, TASKS = 16, 200, 200


def lines_in(folder: Path) -> list[Any]:
    return [json.loads(line) for p in folder.iterdir() for line in p.read_text().splitlines()]


def agree(spans: Spans, costs: CostTracker, folder: Path, calls: int) -> None:
    """Spans, lines, records and sums tell of the same calls, and of the same dollars exactly."""
    found, lines = spans.wait(calls), lines_in(folder)
    ids = {f"{span.context.span_id:016x}" for span in found}
    assert len(found) == len(ids) == len(lines) == costs.summary().calls == calls
    assert {line["span_id"] for line in lines} == ids
    picos = sum(round((line["cost_usd"] or 0) * 10**12) for line in lines)
    assert picos == int(costs.summary().cost_usd * 10**12)
    agents = costs.summary(by="agent")
    assert sum(one.calls for one in agents.values()) == calls


class TestThreads:
    def test_every_call_is_counted_once(self, tmp_path: Path) -> None:
        """16 threads with 200 calls each, plain, streamed, dropped, and of both SDKs."""
        costs = CostTracker()
        start = threading.Barrier(THREADS)

        def work(number: int) -> int:
            start.wait()
            with attribution(agent=f"agent {number}") as spent:
                for turn in range(CALLS_EACH // 4):
                    create(**ASK)
                    list(create(**ASK, stream=True))
                    message(**ASK_CLAUDE)
                    stream = message(**ASK_CLAUDE, stream=True)
                    if turn % 2:
                        stream.close()
                    else:
                        list(stream)
                return int(spent.calls)

        with (
            openai_client(answer_chat) as chat,
            anthropic_client(answer_message) as claude,
            watched(costs=costs, local=tmp_path) as spans,
            ThreadPoolExecutor(THREADS) as pool,
        ):
            create, message = chat.chat.completions.create, claude.messages.create
            assert list(pool.map(work, range(THREADS))) == [CALLS_EACH] * THREADS
            agree(spans, costs, tmp_path, THREADS * CALLS_EACH)
        summary = costs.summary()
        each = {name: one.calls for name, one in costs.summary(by="agent").items()}

        # Of 200 calls: 100 chats, 75 whole messages, and 25 closed streams that nobody read.
        whole = THREADS * (100 * CHAT_USD + 75 * MESSAGE_USD)
        assert each == {f"agent {n}": CALLS_EACH for n in range(THREADS)}
        assert float(summary.cost_usd) == pytest.approx(whole, rel=1e-12)
        assert summary.unpriced_calls == THREADS * 25

    def test_a_stream_may_be_read_in_another_thread(self) -> None:
        """Made in one, begun in a second, read out in a third: one span, its maker's."""
        with openai_client(answer_chat) as client, watched() as spans:
            with attribution(agent="maker"):
                stream = client.chat.completions.create(**ASK, stream=True)
            with ThreadPoolExecutor(1) as second, attribution(agent="reader"):
                second.submit(next, stream).result()
            with ThreadPoolExecutor(1) as third:
                assert len(third.submit(list, stream).result()) == 2
            found = attributes_of(spans.one())

        assert found["gen_ai.agent.name"] == "maker"
        assert found["gen_ai.usage.input_tokens"] == 1000

    def test_two_threads_may_close_one_stream(self) -> None:
        """However many close it, at once, it ends once."""
        with openai_client(answer_chat) as client, watched() as spans:
            for number in range(1, 51):
                stream = client.chat.completions.create(**ASK, stream=True)
                next(stream)
                both = threading.Barrier(2)

                def close(stream: Any = stream, both: Any = both) -> None:
                    both.wait()
                    stream.close()

                threads = [threading.Thread(target=close) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                assert len(spans.wait(number)) == number


class TestTasks:
    async def test_every_call_is_counted_once(self, tmp_path: Path) -> None:
        """200 tasks at once, each under its own agent."""
        costs = CostTracker()

        async def work(number: int) -> int:
            with attribution(agent=f"agent {number}") as spent:
                await chat.chat.completions.create(**ASK)
                async for _ in await chat.chat.completions.create(**ASK, stream=True):
                    await asyncio.sleep(0)
                await claude.messages.create(**ASK_CLAUDE)
                return int(spent.calls)

        async with (
            async_openai_client(answer_chat) as chat,
            async_anthropic_client(answer_message) as claude,
        ):
            with watched(costs=costs, local=tmp_path) as spans:
                counted = await asyncio.gather(*map(work, range(TASKS)))
                agree(spans, costs, tmp_path, 3 * TASKS)

        assert counted == [3] * TASKS
        assert float(costs.summary().cost_usd) == pytest.approx(
            TASKS * (2 * CHAT_USD + MESSAGE_USD), rel=1e-12
        )

    async def test_cancelled_at_any_moment(self, tmp_path: Path) -> None:
        """A task that is cancelled before, in or after its call leaves one span at most."""
        costs, dice, sent = CostTracker(), random.Random(7), []

        async def answer(request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            for _ in range(3):
                await asyncio.sleep(0)
            return answer_chat(request)

        async def work() -> None:
            before = context.get_current()
            try:
                stream = await chat.chat.completions.create(**ASK, stream=True)
                async for _ in stream:
                    await asyncio.sleep(0)
            finally:
                assert context.get_current() == before
                assert trace.get_current_span() is trace.INVALID_SPAN

        async def cancelled() -> str:
            task = asyncio.create_task(work())
            for _ in range(dice.randrange(25)):
                await asyncio.sleep(0)
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            return type(ended).__name__

        async with async_openai_client(answer) as chat:
            with watched(costs=costs, local=tmp_path) as spans:
                endings = [await cancelled() for _ in range(TASKS)]
                await asyncio.to_thread(spans.wait, len(sent))
                agree(spans, costs, tmp_path, len(spans.all()))
            outcomes = [attributes_of(span).get("error.type") for span in spans.all()]

        assert set(endings) == {"CancelledError", "NoneType"}
        assert set(outcomes) == {"asyncio.exceptions.CancelledError", None}
        assert len(sent) <= len(outcomes) <= TASKS

    async def test_a_generator_may_be_closed_in_another_task(self) -> None:
        """An app's own async generator around a stream: no context is detached where it is not."""

        async def words() -> Any:
            async with await chat.chat.completions.create(**ASK, stream=True) as stream:
                async for chunk in stream:
                    yield chunk

        async with async_openai_client(answer_chat) as chat:
            with watched() as spans:
                generator = words()
                await anext(generator)
                await asyncio.create_task(generator.aclose())
                found = attributes_of(spans.one())

        assert found["costspan.stream.outcome"] == "abandoned"

    async def test_a_stream_may_be_read_in_another_task(self) -> None:
        """Made in one task, read in another, closed in a third."""

        async def make() -> Any:
            return await claude.messages.create(**ASK_CLAUDE, stream=True)

        async def read(stream: Any) -> int:
            return len([event async for event in stream])

        async with async_anthropic_client(answer_message) as claude:
            with watched() as spans:
                stream = await asyncio.create_task(make())
                assert await asyncio.create_task(read(stream)) == 7
                await asyncio.create_task(stream.close())
                found = attributes_of(spans.one())

        assert found["costspan.cost.total"] == MESSAGE_USD

    async def test_one_slow_stream_does_not_hold_up_others(self) -> None:
        """While a stream is open in one task, calls of others are whole."""
        async with async_openai_client(answer_chat) as chat:
            with watched() as spans:
                stream = await chat.chat.completions.create(**ASK, stream=True)
                await anext(stream)
                await asyncio.gather(*(chat.chat.completions.create(**ASK) for _ in range(20)))
                assert len(spans.all()) == 20
                assert all(span.parent is None for span in spans.all())
                assert len([chunk async for chunk in stream]) == 2
                assert len(spans.all()) == 21
