"""Answers that another model gave than the one that was asked: each model has its own price."""

import json
import logging
from typing import Any

import httpx2
import pytest

from costspan import CostTracker
from tests.instrumentation.rig import (
    MESSAGE,
    MESSAGE_EVENTS,
    anthropic_client,
    async_anthropic_client,
    attributes_of,
    events,
    watched,
)

middleware = pytest.importorskip("anthropic.lib.middleware")

DEAR, CHEAP = "claude-opus-4-5", "claude-haiku-4-5"
"""For a million tokens in and out: 5 and 25 USD, 1 and 5 USD."""
ASK: Any = {"model": DEAR, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
TOTAL, MODEL = "costspan.cost.total", "gen_ai.response.model"
IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"


REFUSED: Any = {
    "stop_reason": "refusal",
    "stop_details": {"type": "refusal", "category": "cyber", "fallback_credit_token": "token"},
}


def served(event: dict[str, Any], model: str, **ends: Any) -> dict[str, Any]:
    """An event of a message of this model, that ends so."""
    if event["type"] == "message_start":
        return {**event, "message": {**event["message"], "model": model}}
    if event["type"] == "message_delta":
        return {**event, "delta": {**event["delta"], **ends}}
    return event


def answer(request: httpx2.Request) -> httpx2.Response:
    """The dear model declines after some words, the cheap one answers."""
    asked = json.loads(request.content)
    ends = REFUSED if asked["model"] == DEAR else {}
    if asked.get("stream"):
        return events([served(one, asked["model"], **ends) for one in MESSAGE_EVENTS], named=True)
    return httpx2.Response(200, json={**MESSAGE, "model": asked["model"], **ends})


def client(asynchronous: bool) -> Any:
    make = async_anthropic_client if asynchronous else anthropic_client
    fallback = middleware.BetaRefusalFallbackMiddleware([{"model": CHEAP}])
    return make(answer, middleware=[fallback])


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """The SDK warns that no state is kept between requests, which is not what is tested."""
    logging.getLogger("anthropic.lib.middleware").setLevel(logging.ERROR)


class TestTheMiddlewareOfTheSdk:
    def test_both_models_are_priced(self) -> None:
        """1000 in and 200 out of each: 0.01 USD and 0.002 USD."""
        with watched() as spans, client(False) as anthropic:
            assert anthropic.beta.messages.create(**ASK).model == CHEAP
            found = attributes_of(spans.one())
        assert (found[MODEL], found[IN], found[OUT]) == (CHEAP, 1000, 200)
        assert found[TOTAL] == pytest.approx(0.012, abs=1e-12)

    def test_in_a_stream_the_second_is_a_call_of_its_own(self) -> None:
        """It is made while the first one's stream is read."""
        costs = CostTracker()
        with watched(costs=costs) as spans, client(False) as anthropic:
            with anthropic.beta.messages.stream(**ASK) as stream:
                assert stream.get_final_message().model == CHEAP
            first, second = map(attributes_of, spans.wait(2))
        assert (first[MODEL], first[TOTAL]) == (DEAR, 0.01)
        assert (second[MODEL], second[TOTAL]) == (CHEAP, 0.002)
        assert costs.summary().calls == 2

    async def test_async(self) -> None:
        with watched() as spans:
            async with client(True) as anthropic, anthropic.beta.messages.stream(**ASK) as stream:
                await stream.get_final_message()
            found = [attributes_of(span) for span in spans.wait(2)]
        assert [(one[MODEL], one[TOTAL]) for one in found] == [(DEAR, 0.01), (CHEAP, 0.002)]

    @pytest.mark.parametrize("stream", [False, True])
    def test_one_that_is_not_needed(self, stream: bool) -> None:
        with watched() as spans, client(False) as anthropic:
            got = anthropic.beta.messages.create(**{**ASK, "model": CHEAP}, stream=stream)
            assert not stream or len(list(got)) == 7
            found = attributes_of(spans.one())
        assert (found[MODEL], found[TOTAL]) == (CHEAP, 0.002)
        assert "costspan.stream.outcome" not in found


def test_a_stream_that_the_server_had_another_model_go_on_with() -> None:
    """A block names who answers from there on; the start has named the one that was asked."""
    start, *rest = [served(event, DEAR) for event in MESSAGE_EVENTS]
    block = {"type": "fallback", "from": {"model": DEAR}, "to": {"model": CHEAP}}
    seam = {"type": "content_block_start", "index": 0, "content_block": block}
    later = [{**event, "index": 1} if "index" in event else event for event in rest]
    stop = {"type": "content_block_stop", "index": 0}

    def answer_on(request: httpx2.Request) -> httpx2.Response:
        return events([start, seam, stop, *later], named=True)

    with watched() as spans, anthropic_client(answer_on) as anthropic:
        with anthropic.beta.messages.stream(**ASK, fallbacks="default") as stream:
            assert stream.get_final_message().model == CHEAP
        found = attributes_of(spans.one())
    assert (found[MODEL], found[TOTAL]) == (CHEAP, 0.002)
