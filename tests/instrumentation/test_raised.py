"""action="raise": the call that crosses is made, recorded and paid; its answer is in the exception.

Each answer takes 0.002 USD; the limit is passed by the first one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import openai
import pytest
from opentelemetry.trace import StatusCode

from costspan import Budget, BudgetExceeded, CostTracker, record_call
from costspan.testing import LLMServer
from tests.instrumentation.budgeted import (
    ASK,
    async_claude,
    async_client,
    claude,
    client,
    tracker,
    under,
)
from tests.instrumentation.rig import Spans, attributes_of, watched

STREAM: Any = {**ASK, "stream": True, "stream_options": {"include_usage": True}}


@contextmanager
def crossing(count: int = 1, **settings: Any) -> Iterator[tuple[CostTracker, Spans]]:
    """A limit that each call passes; each is paid and no error."""
    budget = Budget("b", usd="0.001", action="raise", **settings)
    with under(budget) as (costs, spans):
        yield costs, spans
        ended = spans.wait(count)
        assert costs.summary().cost_usd == Decimal("0.002") * count
        assert costs.summary().errors == 0
    for span in ended:
        assert span.status.status_code is StatusCode.UNSET
        assert attributes_of(span)["costspan.cost.total"] == 0.002
    (event,) = ended[0].events
    assert event.name == "costspan.budget.alert"


def raised_by(ask: Callable[[], Any]) -> BudgetExceeded:
    with pytest.raises(BudgetExceeded) as raised:
        ask()
    assert (raised.value.reason, raised.value.budget) == ("limit", "b")
    assert raised.value.limit_usd == Decimal("0.001")
    assert raised.value.would_cost_usd is None
    return raised.value


def test_a_plain_answer(server: LLMServer):
    with crossing() as (costs, _), client(server) as openai_:
        said = raised_by(lambda: openai_.chat.completions.create(**ASK))
        assert isinstance(said.response, openai.types.chat.ChatCompletion)
        assert said.response.usage.prompt_tokens == 1000
        assert said.spent_usd == Decimal("0.002")
        assert costs.remaining("b") == 0


def test_one_call_alone(server: LLMServer):
    with crossing(per="call"), client(server) as openai_:
        said = raised_by(lambda: openai_.chat.completions.create(**ASK))
        assert said.response.choices


def test_a_raw_response(server: LLMServer):
    with crossing() as _, client(server) as openai_:
        said = raised_by(lambda: openai_.chat.completions.with_raw_response.create(**ASK))
        assert said.response.parse().usage.completion_tokens == 100
        assert said.response.status_code == 200


def test_a_body_that_the_caller_reads_is_told_of_and_nothing_is_raised(server: LLMServer):
    with crossing() as (costs, _), client(server) as openai_:
        streamed = openai_.chat.completions.with_streaming_response
        with streamed.create(**ASK) as response:
            assert response.parse().usage.completion_tokens == 100
        assert costs.summary().alerts == 1


def test_a_parsed_answer(server: LLMServer):
    with crossing() as _, client(server) as openai_:
        said = raised_by(lambda: openai_.chat.completions.parse(**ASK))
        assert type(said.response).__name__.startswith("ParsedChatCompletion")


def test_a_response(server: LLMServer):
    with crossing() as _, client(server) as openai_:
        said = raised_by(lambda: openai_.responses.create(model="m", input="Hello"))
        assert said.response.output_text


def test_a_message(server: LLMServer):
    with crossing() as _, claude(server) as claude_:
        said = raised_by(lambda: claude_.messages.create(**ASK, max_tokens=100))
        assert said.response.content[0].text


def test_a_stream_is_raised_at_its_end(server: LLMServer):
    """The caller has every chunk by then."""
    with crossing() as _, client(server) as openai_:
        stream = openai_.chat.completions.create(**STREAM)
        chunks = [next(stream)]
        said = raised_by(lambda: chunks.extend(stream))
        assert said.response is None
    assert chunks[-1].usage.completion_tokens == 100


def test_a_message_stream_is_raised_at_its_end(server: LLMServer):
    with crossing() as _, claude(server) as claude_:
        events: list[Any] = []
        stream = claude_.messages.create(**ASK, max_tokens=100, stream=True)
        raised_by(lambda: events.extend(stream))
    assert events[-1].type == "message_stop"


async def test_async_answers(server: LLMServer):
    with crossing(4) as _:
        async with async_client(server) as openai_, async_claude(server) as claude_:
            with pytest.raises(BudgetExceeded) as raised:
                await openai_.chat.completions.create(**ASK)
            assert raised.value.response.choices
            with pytest.raises(BudgetExceeded) as raised:
                await claude_.messages.create(**ASK, max_tokens=100)
            assert raised.value.response.content
            chunks: list[Any] = []
            stream = await openai_.chat.completions.create(**STREAM)
            with pytest.raises(BudgetExceeded):
                await _read(stream, chunks)
            assert chunks[-1].usage.completion_tokens == 100
            with pytest.raises(BudgetExceeded) as raised:
                await openai_.chat.completions.with_raw_response.create(**ASK)
            assert raised.value.response.parse().choices


async def _read(stream: Any, chunks: list[Any]) -> None:
    async for chunk in stream:
        chunks += [chunk]  # one by one, as the end raises


async def test_async_answers_with_a_store_that_is_waited_for(server: LLMServer, tmp_path):
    budget = Budget("b", usd="0.001", action="raise")
    with under(budget, store=f"sqlite:///{tmp_path}/costs.db") as (costs, spans):
        async with async_client(server) as openai_:
            with pytest.raises(BudgetExceeded) as raised:
                await openai_.chat.completions.create(**ASK)
            assert raised.value.response.choices
            chunks: list[Any] = []
            with pytest.raises(BudgetExceeded):
                await _read(await openai_.chat.completions.create(**STREAM), chunks)
            assert chunks[-1].usage.completion_tokens == 100
            with pytest.raises(BudgetExceeded) as raised:
                async with record_call(model="m") as call:
                    call.set_usage(input_tokens=1000, output_tokens=100)
        assert len(spans.wait(3)) == 3
        assert costs.summary().cost_usd == Decimal("0.006")


def test_a_recorded_call():
    answer = {
        "object": "chat.completion",
        "model": "m",
        "choices": [],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }
    with crossing() as _:
        with pytest.raises(BudgetExceeded) as raised, record_call(model="m") as call:
            call.set_response(answer)
        assert raised.value.response is answer


def test_an_exception_of_the_app_goes_before():
    with under(Budget("b", usd="0.001", action="raise")) as (_, spans):
        with pytest.raises(KeyError):
            _fail_in_a_call()
        spans.wait(1)


def _fail_in_a_call() -> None:
    with record_call(model="m") as call:
        call.set_usage(input_tokens=1000, output_tokens=100)
        raise KeyError


def test_the_limit_itself_raises_nothing(server: LLMServer):
    with under(Budget("b", usd="0.002", action="raise")) as (_, spans), client(server) as openai_:
        openai_.chat.completions.create(**ASK)
        with pytest.raises(BudgetExceeded):
            openai_.chat.completions.create(**ASK)
        assert len(spans.wait(2)) == 2


def test_a_recorded_stream_that_is_read_after_its_block():
    costs = tracker(Budget("b", calls=1, action="raise"))
    with watched(costs=costs):
        for number in range(2):
            with record_call(model="m") as call:
                chunks = call.stream(iter([{"n": 1}, {"n": 2}]))
            assert next(chunks) == {"n": 1}
            if number:
                assert next(chunks) == {"n": 2}
                with pytest.raises(BudgetExceeded) as raised:
                    next(chunks)
                assert raised.value.response is None
            else:
                assert list(chunks) == [{"n": 2}]


async def test_a_recorded_async_stream_waits_for_its_store(tmp_path):
    costs = tracker(Budget("b", calls=1, action="raise"), store=f"sqlite:///{tmp_path}/costs.db")

    async def chunks():
        yield {"n": 1}

    with watched(costs=costs):
        for number in range(2):
            async with record_call(model="m") as call:
                stream = call.stream(chunks())
            if number:
                with pytest.raises(BudgetExceeded):
                    [chunk async for chunk in stream]
            else:
                assert [chunk async for chunk in stream] == [{"n": 1}]
            assert costs.summary().calls == number + 1
