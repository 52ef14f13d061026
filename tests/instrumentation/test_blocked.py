"""action="block": a call that the budget has no room for is stopped before any byte is sent."""

import json
from collections.abc import Iterator
from decimal import Decimal

import anthropic
import openai
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

from costspan import Budget, BudgetExceeded, Instrumentor, Prices, attribution, record_call
from costspan.errors import CostspanError
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
from tests.instrumentation.rig import attributes_of, watched

ALERT = "costspan.budget.alert"
FEW = {"calls": 1, "action": "block"}


@pytest.fixture
def own() -> Iterator[LLMServer]:
    """A server of the test's own, to count what reaches it."""
    with LLMServer() as running:
        yield running


def test_no_byte_is_sent(own: LLMServer):
    with under(Budget("b", **FEW)) as (costs, spans), client(own) as openai_:
        openai_.chat.completions.create(**ASK)
        assert own.requests_seen == 1
        for ask in (
            lambda: openai_.chat.completions.create(**ASK),
            lambda: openai_.chat.completions.create(**ASK, stream=True),
            lambda: openai_.chat.completions.with_raw_response.create(**ASK),
            lambda: openai_.chat.completions.parse(**ASK),
            lambda: openai_.responses.create(model="m", input="Hello"),
            lambda: openai_.embeddings.create(model="m", input="Hello"),
        ):
            with pytest.raises(BudgetExceeded, match="'b' allows 1 call,"):
                ask()
        openai_.moderations.create(model="m", input="Hello")  # free
        assert own.requests_seen == 2
        assert costs.remaining("b") == 0
        refused = spans.wait(8)[1:7]
    assert [len(span.events) for span in refused] == [1, 0, 0, 0, 0, 0]  # the first is told
    for span in refused:
        assert span.status.status_code is StatusCode.ERROR
        found = attributes_of(span)
        assert found["error.type"] == "costspan.errors.BudgetExceeded"
        assert found["costspan.cost.status"] == "not_billed"


async def test_no_byte_is_sent_by_async_clients(own: LLMServer):
    with under(Budget("b", **FEW)):
        async with async_client(own) as openai_, async_claude(own) as claude_:
            await openai_.chat.completions.create(**ASK)
            with pytest.raises(BudgetExceeded):
                await openai_.chat.completions.create(**ASK, stream=True)
            with pytest.raises(BudgetExceeded):
                await claude_.messages.create(**ASK, max_tokens=10)
            with pytest.raises(BudgetExceeded):
                async with claude_.messages.stream(**ASK, max_tokens=10):
                    pass
    assert own.requests_seen == 1


def test_no_sdk_takes_it_for_its_own(own: LLMServer):
    """Neither its retries nor an `except` of its errors; only `CostspanError` and `Exception`."""
    assert BudgetExceeded.__mro__[1:] == (CostspanError, Exception, BaseException, object)
    with under(Budget("b", **FEW)) as (_, spans):
        with client(own, max_retries=5) as openai_, claude(own, max_retries=5) as claude_:
            openai_.chat.completions.create(**ASK)
            for ask, kind in (
                (lambda: openai_.chat.completions.create(**ASK), openai.OpenAIError),
                (lambda: claude_.messages.create(**ASK, max_tokens=1), anthropic.AnthropicError),
            ):
                with pytest.raises(BudgetExceeded) as raised:
                    ask()
                assert not isinstance(raised.value, kind)
        assert len(spans.wait(3)) == 3
    assert own.requests_seen == 1


def test_what_a_request_may_take(own: LLMServer):
    """Its JSON has so many bytes, each at most a token; its limit is 50 tokens at 10 per million.

    How it is sent takes nothing.
    """
    said = json.dumps({**ASK, "max_tokens": 50}, separators=(",", ":"), sort_keys=True)
    may_take = Decimal(len(said)) / 10**6 + Decimal(50 * 10) / 10**6
    with under(Budget("b", usd=may_take, action="block")), client(own) as openai_:
        openai_.chat.completions.create(**ASK, max_tokens=50, stream=True, user="u").close()
    too_little = Budget("b", usd=may_take - Decimal("1e-12"), action="block")
    with under(too_little) as (_, spans), client(own) as openai_:
        with pytest.raises(BudgetExceeded) as raised:
            openai_.chat.completions.create(**ASK, max_tokens=50)
        (told,) = spans.one().events
    assert (told.name, told.attributes["costspan.budget.state"]) == (ALERT, "blocked")
    assert raised.value.would_cost_usd == may_take
    assert own.requests_seen == 1


@pytest.mark.parametrize("more", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_input_that_the_provider_keeps_is_taken_for_the_usual(own: LLMServer, more: dict):
    """Its size is not known here: 1,000 tokens before twenty calls are known."""
    budget = Budget("b", tokens=1040, action="block")
    with under(budget), client(own) as openai_, pytest.raises(BudgetExceeded):
        openai_.responses.create(model="m", input="Hi", max_output_tokens=50, **more)
    assert own.requests_seen == 0


def test_the_same_request_again(own: LLMServer):
    """Told by what is asked, however it is sent; nothing of it can be read in the store."""
    secret = "a canary in the prompt"
    ask = {**ASK, "messages": [{"role": "user", "content": secret}]}
    budget = Budget("loop", calls=2, per="request", window="10m", action="block")
    with under(budget) as (costs, _), client(own) as openai_:
        openai_.chat.completions.create(**ask)
        openai_.chat.completions.create(**ask, stream=True).close()
        with pytest.raises(BudgetExceeded) as raised:
            openai_.chat.completions.create(**ask, metadata={"try": "3"})
        openai_.chat.completions.create(**ask, temperature=1)
        kept = costs._store.buckets("loop", 0)
    assert own.requests_seen == 3
    assert len({one.scope for one in kept}) == 2
    assert secret not in str(kept) + str(raised.value)


def test_a_runaway_agent_is_stopped_in_its_trace(own: LLMServer, provider):
    """The 47 calls in 12 seconds of one ticket: 20 are made."""
    budget = Budget("loop", calls=20, per="trace", window="10m", action="block")
    stopped = []
    with under(budget), client(own) as openai_:
        with provider.get_tracer("app").start_as_current_span("ticket"):
            for _ in range(47):
                try:
                    openai_.chat.completions.create(**ASK)
                except BudgetExceeded as exceeded:
                    stopped.append(exceeded.budget)
        openai_.chat.completions.create(**ASK)  # another trace
    assert (stopped, own.requests_seen) == (["loop"] * 27, 21)


def test_unsampled_calls_count(own: LLMServer):
    costs = tracker(Budget("b", calls=2, per="session", action="block"))
    with watched(ALWAYS_OFF, costs=costs), client(own) as openai_, attribution(session="s1"):
        for _ in range(2):
            openai_.chat.completions.create(**ASK)
        with pytest.raises(BudgetExceeded):
            openai_.chat.completions.create(**ASK)
    assert own.requests_seen == 2


@pytest.mark.parametrize("order", ["status=429", "status=500"])
def test_failed_calls_are_calls(own: LLMServer, order: str):
    budgets = Budget("calls", calls=2, action="block"), Budget("usd", usd=1, action="block")
    with under(*budgets) as (costs, _), client(own, order) as openai_:
        for _ in range(2):
            with pytest.raises(openai.APIStatusError):
                openai_.chat.completions.create(**ASK)
        with pytest.raises(BudgetExceeded):
            openai_.chat.completions.create(**ASK)
        assert costs.remaining("usd") == 1
    assert own.requests_seen == 2


def test_a_connection_that_was_refused_is_a_call(own: LLMServer):
    own.stop()
    budgets = Budget("calls", calls=1, action="block"), Budget("usd", usd=1, action="block")
    with under(*budgets) as (costs, _):
        closed = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="any", max_retries=0)
        with closed, pytest.raises(openai.APIConnectionError):
            closed.chat.completions.create(**ASK)
        assert (costs.remaining("calls"), costs.remaining("usd")) == (0, 1)


def test_an_unpriced_model_may_be_blocked(own: LLMServer):
    prices = Prices(unknown="block")
    with under(prices=prices), client(own) as openai_, pytest.raises(BudgetExceeded) as raised:
        openai_.chat.completions.create(**ASK)
    assert raised.value.reason == "unpriced"
    assert own.requests_seen == 0


def test_recorded_calls_are_asked_for_too():
    with under(Budget("b", **FEW)) as (_, spans):
        with record_call(model="m") as call:
            call.set_usage(input_tokens=1, output_tokens=1)
        entered = False
        with pytest.raises(BudgetExceeded), record_call(model="m"):
            entered = True
        assert not entered
        assert len(spans.wait(2)) == 2


async def test_recorded_calls_within_each_other_are_each_a_call():
    with under(Budget("b", calls=3, action="block")) as (costs, _):
        async with record_call(model="m") as outer:
            with record_call(model="m") as inner:
                inner.set_usage(input_tokens=1, output_tokens=1)
            outer.set_usage(input_tokens=1, output_tokens=1)
        assert costs.remaining("b") == 1
        async with record_call(model="m"):
            with pytest.raises(BudgetExceeded):
                async with record_call(model="m"):
                    pass
        assert costs.remaining("b") == 0


def test_switching_off_while_calls_are_under_way(own: LLMServer):
    """The stream is counted when it ends, and its reservation is given back."""
    costs = tracker(Budget("b", usd=1, action="block"))
    with client(own) as openai_:
        with watched(costs=costs) as spans:
            stream = openai_.chat.completions.create(
                **ASK, max_tokens=100, stream=True, stream_options={"include_usage": True}
            )
            Instrumentor().uninstrument()
            assert costs.remaining("b") < Decimal("0.999")
            assert list(stream)
            spans.wait(1)
        openai_.chat.completions.create(**ASK)
    assert costs.remaining("b") == Decimal("0.998")


def test_a_stream_that_was_dropped_gives_back_its_reservation(own: LLMServer):
    with under(Budget("b", calls=5, action="block")) as (costs, spans), client(own) as openai_:
        openai_.chat.completions.create(**ASK, stream=True)
        spans.wait(1)
        assert costs.flush(20)
        assert costs.remaining("b") == 4


async def test_an_agent_that_is_a_generator_is_stopped_between_its_steps(own: LLMServer):
    async def agent(ask):
        with attribution(session="s1"):
            while True:
                yield await ask.chat.completions.create(**ASK)

    with under(Budget("b", calls=3, per="session", action="block")):
        async with async_client(own) as openai_:
            steps = agent(openai_)
            for _ in range(3):
                await anext(steps)
            with pytest.raises(BudgetExceeded):
                await anext(steps)
    assert own.requests_seen == 3
