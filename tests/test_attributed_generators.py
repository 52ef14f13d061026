"""Decorated generators: each step runs as the block says, and no yield carries it out."""

import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator, Generator

import pytest
from opentelemetry import context

from costspan import Instrumentor, attribution, record_call
from costspan.attributed import NOBODY, current


@pytest.fixture(autouse=True)
def _nothing_is_left():
    before = context.get_current()
    yield
    assert context.get_current() is before


def call() -> None:
    with record_call(model="gpt-4o-mini") as recorded:
        recorded.set_usage(input_tokens=1000, output_tokens=200)


class TestGenerators:
    def test_the_steps_are_its_own_and_the_loop_is_the_callers(self):
        @attribution(agent="ann")
        def steps() -> Generator[str | None, None, str | None]:
            yield current().agent
            yield current().agent
            return current().agent

        assert inspect.isgeneratorfunction(steps)
        made = steps()
        with attribution(agent="bob"):
            assert (next(made), current().agent) == ("ann", "bob")
            assert (next(made), current().agent) == ("ann", "bob")
            with pytest.raises(StopIteration) as ended:
                next(made)
        assert ended.value.value == "ann"

    def test_it_is_under_the_block_it_was_begun_in(self, instrumented: Instrumentor):
        @attribution(agent="ann")
        def steps() -> Generator[int, None, None]:
            for number in range(3):
                call()
                yield number

        with attribution(session="s1") as spent:
            assert list(steps()) == [0, 1, 2]
        assert spent.calls == 3
        lines = instrumented.costs.records
        assert {(line.agent, line.session_id) for line in lines} == {("ann", "s1")}

    def test_what_is_sent_arrives(self):
        @attribution(agent="ann")
        def echo() -> Generator[object, object, None]:
            got = yield "first"
            while True:
                got = yield (got, current().agent)

        made = echo()
        assert next(made) == "first"
        assert made.send(1) == (1, "ann")
        assert next(made) == (None, "ann")
        made.close()

    def test_what_is_thrown_arrives_and_may_be_caught(self):
        @attribution(agent="ann")
        def careful() -> Generator[object, None, None]:
            try:
                yield 1
            except ValueError as error:
                yield (str(error), current().agent)
            yield 3

        made = careful()
        next(made)
        assert made.throw(ValueError("no")) == ("no", "ann")
        assert next(made) == 3

    @pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
    def test_what_is_thrown_and_not_caught_comes_back(self, error: BaseException):
        @attribution(agent="ann")
        def careless() -> Generator[int, None, None]:
            yield 1

        made = careless()
        next(made)
        with pytest.raises(type(error)) as caught:
            made.throw(error)
        assert caught.value is error

    def test_an_exception_inside_comes_out(self):
        @attribution(agent="ann")
        def broken() -> Generator[int, None, None]:
            yield 1
            raise LookupError("gone")

        made = broken()
        next(made)
        with pytest.raises(LookupError, match="gone"):
            next(made)

    @pytest.mark.parametrize("how", ["break", "close", "drop"])
    def test_a_loop_that_is_left_closes_it_as_its_own(self, how: str):
        closed: list[str | None] = []

        @attribution(agent="ann")
        def steps() -> Generator[int, None, None]:
            try:
                yield 1
                yield 2
            finally:
                closed.append("closed")

        made = steps()
        for _ in made:
            break
        if how == "close":
            made.close()
        del made
        gc.collect()
        assert closed == ["closed"]
        assert current() is NOBODY

    def test_one_that_was_never_begun_is_dropped_in_silence(self):
        @attribution(agent="ann")
        def steps() -> Generator[int, None, None]:
            yield 1

        steps()
        gc.collect()

    def test_two_may_be_read_by_turns(self):
        def steps(agent: str) -> Generator[str | None, None, None]:
            @attribution(agent=agent)
            def inner() -> Generator[str | None, None, None]:
                while True:
                    yield current().agent

            return inner()

        one, other = steps("ann"), steps("bob")
        assert [next(made) for made in (one, other, one, other)] == ["ann", "bob", "ann", "bob"]
        one.close()
        other.close()


class TestAsyncGenerators:
    async def test_the_steps_are_its_own_and_the_loop_is_the_callers(self):
        @attribution(agent="ann")
        async def steps() -> AsyncGenerator[str | None, None]:
            for _ in range(2):
                await asyncio.sleep(0)
                yield current().agent

        assert inspect.isasyncgenfunction(steps)
        seen = []
        with attribution(agent="bob"):
            async for agent in steps():
                seen.append((agent, current().agent))  # noqa: PERF401 - what stands in the loop
        assert seen == [("ann", "bob"), ("ann", "bob")]

    async def test_it_is_under_the_block_it_was_begun_in(self, instrumented: Instrumentor):
        @attribution(agent="ann")
        async def steps() -> AsyncGenerator[int, None]:
            for number in range(3):
                call()
                yield number

        async with attribution(session="s1") as spent:
            assert [number async for number in steps()] == [0, 1, 2]
        assert spent.calls == 3
        assert {line.agent for line in instrumented.costs.records} == {"ann"}

    async def test_what_is_sent_and_thrown_arrives(self):
        @attribution(agent="ann")
        async def echo() -> AsyncGenerator[object, object]:
            got: object = "first"
            while True:
                try:
                    got = yield (got, current().agent)
                except ValueError as error:
                    got = str(error)

        made = echo()
        assert await anext(made) == ("first", "ann")
        assert await made.asend(1) == (1, "ann")
        assert await made.athrow(ValueError("no")) == ("no", "ann")
        await made.aclose()

    async def test_what_is_thrown_and_not_caught_comes_back(self):
        @attribution(agent="ann")
        async def careless() -> AsyncGenerator[int, None]:
            yield 1

        made, error = careless(), ValueError("no")
        await anext(made)
        with pytest.raises(ValueError, match="no") as caught:
            await made.athrow(error)
        assert caught.value is error

    @pytest.mark.parametrize("close", [True, False])
    async def test_a_loop_that_is_left_closes_it(self, close: bool):
        closed = asyncio.Event()

        @attribution(agent="ann")
        async def steps() -> AsyncGenerator[int, None]:
            try:
                yield 1
                yield 2
            finally:
                await asyncio.sleep(0)
                closed.set()

        made = steps()
        async for _ in made:
            break
        if close:
            await made.aclose()
        del made
        gc.collect()
        await asyncio.wait_for(closed.wait(), 20)
        assert current() is NOBODY

    async def test_a_task_that_is_cancelled_in_a_step_closes_it(self):
        began, closed = asyncio.Event(), asyncio.Event()

        @attribution(agent="ann")
        async def steps() -> AsyncGenerator[int, None]:
            try:
                began.set()
                await asyncio.Event().wait()
                yield 1
            finally:
                closed.set()

        async def read() -> None:
            async for _ in steps():
                pass

        task = asyncio.create_task(read())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed.is_set()


class TestABlockInside:
    """A block in a generator's body is in force wherever the generator is suspended."""

    @staticmethod
    def steps() -> Generator[None, None, None]:
        with attribution(agent="ann"):
            yield
            yield

    @pytest.mark.parametrize("how", ["closed", "read to its end", "dropped"])
    def test_one_that_ends_after_the_block_it_was_read_in(self, how: str):
        with attribution(agent="bob"):
            made = self.steps()
            next(made)
        assert current().agent == "ann"
        if how == "read to its end":
            list(made)
        made.close()
        del made
        assert current() is NOBODY

    def test_one_that_ends_in_a_block_that_came_later(self):
        made = self.steps()
        next(made)
        with attribution(agent="bob"):
            made.close()
            assert current().agent == "bob"
        assert current() is NOBODY

    def test_two_that_end_in_the_order_they_began_in(self):
        first, second = self.steps(), self.steps()
        with attribution(agent="bob"):
            next(first)
            next(second)
        first.close()
        assert current().agent == "ann"
        second.close()
        assert current() is NOBODY

    @pytest.mark.parametrize("how", ["closed", "dropped"])
    def test_one_that_another_task_closes_logs_no_error(
        self, how: str, caplog: pytest.LogCaptureFixture
    ):
        """As asyncio closes an async generator that is dropped; the task it was read in is over."""

        async def steps() -> AsyncGenerator[None, None]:
            with attribution(agent="ann"):
                yield

        async def read() -> None:
            made = steps()
            await anext(made)
            if how == "closed":
                await asyncio.create_task(made.aclose())
            del made
            await asyncio.sleep(0.01)

        asyncio.run(read())
        assert caplog.records == []
