"""Metrics and spans agree: tokens to the last one, dollars to 1e-9, over calls of all kinds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from costspan import CostTracker, record_call
from costspan.testing import LLMServer
from tests.instrumentation.metered import COST, DURATION, TOKENS, Metered
from tests.instrumentation.rig import ASK, ASK_CLAUDE, Spans, attributes_of, watched

COUNTERS = (
    "input_tokens",
    "output_tokens",
    "cache_read.input_tokens",
    "cache_write.input_tokens",
    "reasoning.output_tokens",
)
INFERENCE = ("chat", "text_completion", "generate_content")
Sums = dict[str, Counter[tuple[str, str | None]]]


def ordered(scenario: str) -> dict[str, dict[str, str]]:
    """The header that orders an answer."""
    return {"extra_headers": {"x-costspan-scenario": scenario}}


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


def openai_calls(server: LLMServer) -> None:
    """Plain, streamed, cached, with reasoning, abandoned, failed, unpriced, and no inference."""
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
        chat: Any = client.chat.completions.create
        chat(**ASK, **ordered("tokens=1000/200"))
        chat(**ASK, **ordered("tokens=5000/70;cached=4096"))
        chat(**ASK, **ordered("tokens=30/900;reasoning=640"))
        list(chat(**ASK, stream=True, **ordered("tokens=1234/56;cached=1024")))
        next(chat(**ASK, stream=True, **ordered("tokens=77/7"))).model_dump()
        with pytest.raises(openai.BadRequestError):
            chat(**ASK, **ordered("status=400"))
        chat(**ASK, **ordered("tokens=11/13;model=nobody-knows-me"))
        client.embeddings.create(model="text-embedding-3-small", input="Hello")
        list(client.responses.create(model="gpt-4o-mini", input="Hello", stream=True))


def claude_calls(server: LLMServer) -> None:
    """Cached in both ways, streamed, and broken off before its last count."""
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="any", max_retries=0) as client:
        ask: Any = client.messages.create
        ask(**ASK_CLAUDE, **ordered("tokens=100/20;cached=3000;write5m=500;write1h=700"))
        list(ask(**ASK_CLAUDE, stream=True, **ordered("tokens=100/20;cached=2000")))
        with pytest.raises(anthropic.AnthropicError):
            list(ask(**ASK_CLAUDE, stream=True, **ordered("tokens=100/20;error=3")))


async def async_calls(server: LLMServer) -> None:
    async with openai.AsyncOpenAI(
        base_url=server.openai_url, api_key="any", max_retries=0
    ) as client:
        ask: Any = client.chat.completions.create
        await asyncio.gather(*(ask(**ASK, **ordered(f"tokens={n}/{n}")) for n in range(1, 21)))


def retrieved_call(server: LLMServer) -> None:
    """A response that runs in the background is paid for by its first retrieval: 1,000 and 200."""
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
        made = client.responses.create(
            model="gpt-4o-mini", input="Hello", background=True, **ordered("tokens=1000/200")
        )
        for _ in range(2):
            client.responses.retrieve(made.id, **ordered("background"))


def sums_of_spans(spans: Spans) -> Sums:
    """Tokens and dollars by provider and the model that answered."""
    found: Sums = {name: Counter() for name in (*COUNTERS, COST)}
    for span in spans.all():
        attributes = attributes_of(span)
        key = attributes["gen_ai.provider.name"], attributes.get("gen_ai.response.model")
        for name in COUNTERS:
            found[name][key] += attributes.get(f"gen_ai.usage.{name}", 0)
        found[COST][key] += attributes.get("costspan.cost.total", 0)
    return {name: +sums for name, sums in found.items()}


def sums_of_metrics(metered: Metered) -> Sums:
    found: Sums = {name: Counter() for name in (*COUNTERS, COST)}
    points = metered.points()
    for name in found:
        for point in points.get(name if name == COST else f"{TOKENS}{name}", ()):
            labels = point.attributes
            key = labels["gen_ai.provider.name"], labels.get("gen_ai.response.model")
            found[name][key] += point.value
    return found


@pytest.mark.parametrize("names", ["current", "both"])
def test_over_mixed_calls(metered: Metered, server: LLMServer, names: str):
    costs = CostTracker()
    settings: Any = {"meter_provider": metered.provider, "metric_names": names, "costs": costs}
    with watched(**settings) as spans:
        openai_calls(server)
        claude_calls(server)
        asyncio.run(async_calls(server))
        with record_call(model="llama3.2", provider="ollama") as call:
            call.set_usage(input_tokens=10**12, output_tokens=3)
        spans.wait(33)
    said, counted = sums_of_spans(spans), sums_of_metrics(metered)

    for name in COUNTERS:
        assert counted[name] == said[name], name
        assert counted[name], name
    assert counted[COST] == pytest.approx(said[COST], abs=1e-9)
    assert sum(counted[COST].values()) == pytest.approx(float(costs.summary().cost_usd), abs=1e-9)
    assert counted["input_tokens"].total() == costs.summary().input_tokens
    assert counted["input_tokens"]["ollama", None] == 10**12


def test_times_and_numbers_of_calls(metered: Metered, server: LLMServer):
    """Failed and unpriced calls took their time too."""
    with watched(meter_provider=metered.provider) as spans:
        openai_calls(server)
        spans.wait(9)
    points = metered.points()
    taken = [
        (span.end_time or 0) - (span.start_time or 0)
        for span in spans.all()
        if attributes_of(span)["gen_ai.operation.name"] in INFERENCE
    ]

    assert len(taken) == 8
    assert sum(point.count for point in points[DURATION]) == 8
    assert sum(point.sum for point in points[DURATION]) == pytest.approx(sum(taken) / 1e9, abs=1e-6)
    assert sum(point.count for point in points["gen_ai.client.operation.duration"]) == 1


def test_a_retrieval_that_settles(metered: Metered, server: LLMServer):
    """Its span has the dollars and, as the conventions ask, no tokens: those are counted once."""
    with watched(meter_provider=metered.provider) as spans:
        retrieved_call(server)
    said, counted = sums_of_spans(spans), sums_of_metrics(metered)

    assert said["input_tokens"] == {}
    assert counted["input_tokens"].total() == 1000
    assert counted["output_tokens"].total() == 200
    assert counted[COST] == pytest.approx(said[COST], abs=1e-9)
    assert counted[COST].total() == pytest.approx(0.00027, abs=1e-12)
