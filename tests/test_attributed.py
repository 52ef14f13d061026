"""attribution: whose call it is, in blocks and decorated functions, and that nothing is left."""

import asyncio
import contextvars
import functools
import gc
import inspect
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import context

from costspan import Instrumentor, attribution, record_call
from costspan.attributed import NOBODY, current

USD = Decimal("0.00027")  # gpt-4o-mini, 1,000 tokens in and 200 out


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """Every test ends with the context it began with."""
    before = context.get_current()
    yield
    assert context.get_current() is before
    assert current() is NOBODY


def call(**more: Any) -> None:
    """One call that costs USD."""
    with record_call(model="gpt-4o-mini", **more) as recorded:
        recorded.set_usage(input_tokens=1000, output_tokens=200)


def agents() -> list[str | None]:
    """Whose the calls so far were, in their order."""
    return [line.agent for line in Instrumentor().costs.records]


class TestBlocks:
    def test_the_names_are_in_force_inside_only(self):
        names = {"agent": "ann", "session": "s1", "endpoint": "/ask", "user": "u1"}
        with attribution(**names, tags={"team": "search"}):
            who = current()
            assert {name: getattr(who, name) for name in names} == names
            assert who.tags == {"team": "search"}
        assert current() is NOBODY

    async def test_it_is_an_async_block_too(self):
        async with attribution(agent="ann") as spent:
            assert current().agent == "ann"
            assert spent.calls == 0
        assert current() is NOBODY

    def test_an_inner_block_adds_and_overrides(self):
        with attribution(agent="outer", session="s1", tags={"team": "search", "env": "test"}):
            with attribution(agent="inner", user="u1", tags={"team": "ads"}):
                who = current()
                assert (who.agent, who.session, who.user) == ("inner", "s1", "u1")
                assert who.tags == {"team": "ads", "env": "test"}
            assert (current().agent, current().user) == ("outer", None)
            assert current().tags == {"team": "search", "env": "test"}

    def test_none_leaves_the_outer_name_in_force(self):
        with attribution(agent="outer"), attribution(agent=None, session="s1"):
            assert (current().agent, current().session) == ("outer", "s1")

    def test_an_exception_passes_and_the_outer_block_is_back(self):
        with attribution(agent="outer"):
            error = KeyError("x")
            with pytest.raises(KeyError) as caught, attribution(agent="inner"):
                raise error
            assert caught.value is error
            assert current().agent == "outer"

    def test_one_object_may_be_entered_again_inside_itself(self):
        who = attribution(agent="ann")
        with who as outer:
            with who as inner:
                assert outer is not inner
            assert current().agent == "ann"
        assert current() is NOBODY

    async def test_one_object_may_serve_many_tasks_at_once(self):
        who = attribution(agent="ann")
        inside = asyncio.Barrier(3)

        async def work(others: int) -> None:
            with who:
                await inside.wait()
                for _ in range(others):
                    await asyncio.sleep(0)
                assert current().agent == "ann"
            assert current() is NOBODY

        await asyncio.gather(*(work(others) for others in (5, 0, 2)))

    def test_one_object_may_serve_many_threads_at_once(self):
        who, left = attribution(agent="ann"), []
        inside, first_out = threading.Barrier(2), threading.Event()

        def work(first: bool) -> None:
            with who:
                inside.wait()
                if not first:
                    first_out.wait()
                left.append(current().agent)
            left.append(current())
            first_out.set()

        threads = [threading.Thread(target=work, args=(first,)) for first in (True, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert left == ["ann", NOBODY, "ann", NOBODY]


class TestSpent:
    def test_it_is_live_and_counts_all_beneath(self, instrumented: Instrumentor):
        with attribution(agent="outer") as outer:
            call()
            assert (outer.calls, outer.cost_usd) == (1, USD)
            with attribution(agent="inner") as inner:
                call()
                call()
            assert (inner.calls, inner.cost_usd, inner.total_tokens) == (2, 2 * USD, 2400)
            assert outer.cost_usd == 3 * USD
        call()
        assert (outer.calls, outer.input_tokens, outer.output_tokens) == (3, 3000, 600)
        assert agents() == ["outer", "inner", "inner", None]

    def test_errors_and_unpriced_calls_are_counted(self, instrumented: Instrumentor):
        with attribution(agent="ann") as spent:
            with pytest.raises(ValueError, match="no"), record_call(model="gpt-4o-mini"):
                raise ValueError("no")
            with record_call(model="never-heard-of") as recorded:
                recorded.set_usage(input_tokens=1, output_tokens=1)
        assert (spent.calls, spent.errors, spent.unpriced_calls) == (2, 1, 2)

    def test_it_says_what_was_spent(self, instrumented: Instrumentor):
        with attribution(agent="ann") as spent:
            call()
        assert repr(spent) == "<spent 0.00027 USD in 1 calls, 1200 tokens>"
        assert spent.summary().as_dict()["cost_usd"] == USD

    async def test_across_tasks(self, instrumented: Instrumentor):
        async def work(name: str) -> None:
            async with attribution(agent=name):
                await asyncio.sleep(0)
                call()

        async with attribution(session="s1") as spent:
            await asyncio.gather(*(work(f"a{number}") for number in range(5)))
            task = asyncio.create_task(asyncio.sleep(0, call()))
        await task
        assert (spent.calls, spent.cost_usd) == (6, 6 * USD)
        assert sorted(filter(None, agents())) == ["a0", "a1", "a2", "a3", "a4"]
        assert {line.session_id for line in instrumented.costs.records} == {"s1"}

    async def test_a_task_that_outlives_the_block_still_counts(self, instrumented: Instrumentor):
        go = asyncio.Event()

        async def late() -> None:
            await go.wait()
            call()

        with attribution(agent="ann") as spent:
            task = asyncio.create_task(late())
        go.set()
        await task
        assert (spent.calls, agents()) == (1, ["ann"])

    async def test_a_cancelled_task_leaves_nothing(self, instrumented: Instrumentor):
        inside = asyncio.Event()

        async def work() -> None:
            async with attribution(agent="inner"):
                inside.set()
                await asyncio.Event().wait()

        with attribution(agent="outer"):
            task = asyncio.create_task(work())
            await inside.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert current().agent == "outer"


class TestFunctions:
    def test_a_function(self):
        @attribution(agent="ann")
        def work(one: int, *, two: int) -> tuple[int, str | None]:
            """What it does."""
            return one + two, current().agent

        assert work(1, two=2) == (3, "ann")
        assert (work.__name__, work.__doc__) == ("work", "What it does.")
        assert not inspect.iscoroutinefunction(work)

    async def test_a_coroutine(self):
        @attribution(agent="ann")
        async def work() -> str | None:
            await asyncio.sleep(0)
            return current().agent

        assert inspect.iscoroutinefunction(work)
        assert await asyncio.gather(work(), work()) == ["ann", "ann"]

    async def test_a_partial_of_a_coroutine(self):
        async def work(result: str) -> tuple[str, str | None]:
            await asyncio.sleep(0)
            return result, current().agent

        decorated = attribution(agent="ann")(functools.partial(work, "done"))
        assert await decorated() == ("done", "ann")

    def test_a_method(self):
        class Agent:
            @attribution(agent="ann")
            def work(self) -> tuple[Any, str | None]:
                return self, current().agent

        agent = Agent()
        assert agent.work() == (agent, "ann")

    def test_each_call_is_a_block_of_its_own(self, instrumented: Instrumentor):
        @attribution(agent="ann")
        def work(depth: int) -> None:
            call()
            if depth:
                work(depth - 1)

        with attribution(session="s1") as spent:
            work(2)
        assert (spent.calls, agents()) == (3, ["ann"] * 3)

    @pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
    def test_an_exception_passes(self, error: BaseException):
        @attribution(agent="ann")
        def work() -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            work()
        assert caught.value is error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"agents": "ann"}, "agents"),
        ({"session_id": "s1"}, "session_id"),
        ({"agent": 7}, r"attribution\(agent=...\) takes a string, not 7"),
        ({"session": b"s"}, r"session=.* takes a string"),
        ({"user": ["u"]}, r"user=.* takes a string"),
        ({"endpoint": True}, r"endpoint=.* takes a string"),
        ({"tags": {"team": None}}, "string, number or boolean values"),
        ({"tags": {"team": ["a"]}}, "string, number or boolean values"),
        ({"tags": {7: "a"}}, "string keys"),
        ({"tags": ["search"]}, "takes a dict"),
        ({"tags": "search"}, "takes a dict"),
    ],
)
def test_what_is_no_attribution_is_a_type_error(arguments: dict, said: str):
    with pytest.raises(TypeError, match=said):
        attribution(**arguments)


def test_a_name_without_its_word_is_a_type_error():
    with pytest.raises(TypeError):
        attribution("ann")


def test_a_dropped_generator_with_a_block_inside_changes_nothing(
    caplog: pytest.LogCaptureFixture,
):
    """It is closed by the garbage collector, in whatever context that runs."""

    def steps():
        with attribution(agent="ann"):
            yield 1

    def begin(made: list[Callable]) -> None:
        made.append(steps())
        next(made[0])

    made: list = []
    contextvars.Context().run(begin, made)
    with attribution(agent="outer"):
        made.clear()
        gc.collect()
        assert current().agent == "outer"
    assert caplog.records == []
