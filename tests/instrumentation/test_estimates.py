"""Streams that do not say what they used: with `estimate=True` the rest is guessed, and marked so.

gpt-4o-mini costs 0.15 and 0.60 USD for a million tokens in and out, claude-opus-4-5 5 and 25
(openai.com/api/pricing and claude.com/pricing, 2026-11). 4 characters are taken for a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

from costspan import CostTracker, Instrumentor, record_call
from costspan.export.schema import Line
from costspan.instrumentation.estimates import Estimate
from costspan.testing import LLMServer
from tests.instrumentation import rig
from tests.instrumentation.rig import ASK, ASK_CLAUDE, Spans, attributes_of, watched


@pytest.fixture
def costs() -> CostTracker:
    return CostTracker(estimate=True)


@pytest.fixture
def spans(costs: CostTracker) -> Iterator[Spans]:
    with watched(costs=costs) as seen:
        yield seen


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


def expect(costs: CostTracker, spans: Spans, guess: tuple[Any, Any], usd: str) -> Line:
    """The one call is estimated: its guesses, its dollars, and no reported count that was none."""
    found = attributes_of(spans.one())
    line = costs.records[-1]
    assert (line.estimated_input_tokens, line.estimated_output_tokens) == guess
    assert found.get("costspan.usage.estimated.input_tokens") == guess[0]
    assert found.get("costspan.usage.estimated.output_tokens") == guess[1]
    assert (line.status, found["costspan.cost.status"]) == ("estimated", "estimated")
    assert line.cost_usd == costs.summary().cost_usd == Decimal(usd)
    assert found["costspan.cost.total"] == float(usd)
    assert costs.summary().unpriced_calls == 0
    return line


def test_a_chat_that_is_left(costs: CostTracker, spans: Spans):
    """ "Hello" is 2 tokens, "Hi there" 2: 2 x 0.15 + 2 x 0.60 millionths."""
    with rig.openai_client(rig.answer_chat) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        assert [next(stream).choices[0].delta.content for _ in range(2)] == ["Hi", " there"]
        stream.close()
    line = expect(costs, spans, (2, 2), "0.0000015")
    assert (line.outcome, line.missing) == ("abandoned", ("usage",))
    assert line.input_tokens is line.output_tokens is line.total_tokens is None
    assert costs.summary().total_tokens == 0
    assert not [name for name in attributes_of(spans.one()) if name.startswith("gen_ai.usage.in")]


async def test_an_async_chat_that_is_dropped(costs: CostTracker, spans: Spans):
    async with rig.async_openai_client(rig.answer_chat) as client:
        stream = await client.chat.completions.create(**ASK, stream=True)
        for _ in range(2):
            await anext(stream)
        del stream
        await asyncio.to_thread(spans.wait, 1)
    expect(costs, spans, (2, 2), "0.0000015")


def test_a_message_that_is_left_keeps_the_input_that_was_told(costs: CostTracker, spans: Spans):
    """1,000 told x 5 + 2 guessed x 25 millionths."""
    with (
        rig.anthropic_client(rig.answer_message) as client,
        client.messages.stream(**ASK_CLAUDE) as stream,
    ):
        texts = stream.text_stream
        assert next(texts) + next(texts) == "Hi there"
    line = expect(costs, spans, (None, 2), "0.00505")
    assert (line.input_tokens, line.output_tokens) == (1000, None)
    assert line.missing == ("output_tokens",)


async def test_an_async_message(costs: CostTracker, spans: Spans):
    async with rig.async_anthropic_client(rig.answer_message) as client:
        stream = await client.messages.create(**ASK_CLAUDE, stream=True)
        for _ in range(4):
            await anext(stream)
        await stream.close()
    expect(costs, spans, (None, 2), "0.00505")


def test_a_connection_that_breaks(costs: CostTracker, spans: Spans, server: LLMServer):
    """A role, then "The " and "local ": 10 characters, 3 tokens. 2 x 0.15 + 3 x 0.60."""
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
        stream = client.chat.completions.create(
            **ASK, stream=True, extra_headers={"x-costspan-scenario": "cut=3"}
        )
        with pytest.raises(openai.APIConnectionError):
            list(stream)
    line = expect(costs, spans, (2, 3), "0.0000021")
    assert line.outcome == "failed"


def test_a_response_that_is_left(costs: CostTracker, spans: Spans, server: LLMServer):
    """ "Answer " and "briefly." and the prompt: 15 + 5 characters, 5 tokens in, 3 out."""
    with openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
        stream = client.responses.create(
            model="gpt-4o-mini", instructions="Answer briefly.", input="Hello", stream=True
        )
        said = ""
        for event in stream:
            said += event.delta if event.type == "response.output_text.delta" else ""
            if said == "The local ":
                break
        stream.close()
    expect(costs, spans, (5, 3), "0.00000255")


def test_an_unread_body_that_is_left(costs: CostTracker, spans: Spans, server: LLMServer):
    """The lines are the caller's to read: what is counted is the same."""
    slowly = {"x-costspan-scenario": "pause=0.02"}
    with (
        openai.OpenAI(base_url=server.openai_url, api_key="any") as client,
        client.chat.completions.with_streaming_response.create(
            **ASK, stream=True, extra_headers=slowly
        ) as response,
    ):
        for line in response.iter_lines():
            if "local" in line:
                break
    found = expect(costs, spans, (2, 3), "0.0000021")
    assert found.outcome == "abandoned"


def test_a_stream_whose_usage_is_never_sent(costs: CostTracker):
    """It is read to its end: "Hi there" again."""
    with watched(costs=costs, stream_usage="never") as spans:
        with rig.openai_client(rig.answer_chat) as client:
            assert len(list(client.chat.completions.create(**ASK, stream=True))) == 3
        line = expect(costs, spans, (2, 2), "0.0000015")
    assert line.outcome == "complete"


def test_tool_calls_and_reasoning_are_counted(costs: CostTracker, spans: Spans):
    """12 + 6 + 9 + 5 characters are 8 tokens; those of the prompt 2."""
    function = {"name": "lookup", "arguments": '{"a": 1} '}
    deltas = [
        {"reasoning_content": "Let me think"},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]},
        {"refusal": "Sorry"},
        {"content": "never read"},
    ]
    chunks = [
        {**rig.chat_chunk(), "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    with rig.openai_client(lambda request: rig.events(chunks)) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        for _ in range(3):
            next(stream)
        stream.close()
    expect(costs, spans, (2, 8), "0.0000051")


def test_a_stream_that_nobody_reads(costs: CostTracker, spans: Spans):
    """Its input is guessed; of output nothing arrived, and nothing is not 0."""
    with rig.openai_client(rig.answer_chat) as client:
        client.chat.completions.create(**ASK, stream=True).close()
    assert expect(costs, spans, (2, None), "0.0000003").missing == ("usage", "output_tokens")


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "data:"}}],
        [{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}],
    ],
    ids=["image", "audio"],
)
def test_a_prompt_that_is_not_all_text(costs: CostTracker, spans: Spans, content: Any):
    """2 x 0.60 millionths, and the input is named as missing besides."""
    with rig.openai_client(rig.answer_chat) as client:
        stream = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": content}], stream=True
        )
        for _ in range(2):
            next(stream)
        stream.close()
    assert expect(costs, spans, (None, 2), "0.0000012").missing == ("usage", "input_tokens")


def test_a_recorded_stream(costs: CostTracker, spans: Spans):
    """Nothing is known of its request."""
    chunks = [rig.chat_chunk("Hi"), rig.chat_chunk(" there"), rig.chat_chunk("!")]
    with record_call(model="gpt-4o-mini") as call:
        stream = call.stream(iter(chunks))
        for _ in range(2):
            next(stream)
        del stream
    spans.wait(1)
    expect(costs, spans, (None, 2), "0.0000012")


def test_a_recorded_gemini_stream(costs: CostTracker, spans: Spans):
    """The usage of each chunk is what is told so far: nothing is lacking then."""
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": "Hi there"}]}}], "modelVersion": "m"},
        {"usageMetadata": {"promptTokenCount": 10}, "modelVersion": "gemini-2.5-pro"},
    ]
    with record_call(model="gemini-2.5-pro", provider="gcp.gemini") as call:
        list(call.stream(chunks))
    line = expect(costs, spans, (None, 2), "0.0000325")  # 10 x 1.25 + 2 x 10 millionths
    assert (line.input_tokens, line.missing) == (10, ("output_tokens",))


def nothing_guessed(costs: CostTracker) -> Line:
    line = costs.records[-1]
    assert line.estimated_input_tokens is line.estimated_output_tokens is None
    return line


def test_what_is_reported_is_not_guessed(costs: CostTracker, spans: Spans):
    with rig.openai_client(rig.answer_chat) as client:
        list(client.chat.completions.create(**ASK, stream=True))
    line = nothing_guessed(costs)
    assert (line.status, line.cost_usd) == ("priced", Decimal("0.00027"))


def test_a_refused_stream_is_not_billed(costs: CostTracker, spans: Spans):
    refused = httpx2.Response(429, json={})
    with rig.openai_client(lambda request: refused) as client, pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**ASK, stream=True)
    assert nothing_guessed(costs).status == "not_billed"


def test_a_stream_that_times_out_before_its_answer_is_not_guessed(costs: CostTracker, spans: Spans):
    def late(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("late", request=request)

    with rig.openai_client(late) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(**ASK, stream=True)
    assert nothing_guessed(costs).status == "unpriced"


def test_an_answer_without_usage_is_no_stream(costs: CostTracker, spans: Spans):
    body = {key: value for key, value in rig.CHAT.items() if key != "usage"}
    with rig.openai_client(lambda request: httpx2.Response(200, json=body)) as client:
        client.chat.completions.create(**ASK)
    assert nothing_guessed(costs).status == "unpriced"


def test_a_model_without_a_price_stays_unpriced(costs: CostTracker, spans: Spans):
    """The guesses are told all the same."""
    chunk = {**rig.chat_chunk("Hi there"), "model": "nobody-knows"}
    with rig.openai_client(lambda request: rig.events([chunk] * 2)) as client:
        stream = client.chat.completions.create(**{**ASK, "model": "nobody-knows"}, stream=True)
        next(stream)
        stream.close()
    line = costs.records[-1]
    assert (line.status, line.cost_usd) == ("unpriced", None)
    assert (line.estimated_input_tokens, line.estimated_output_tokens) == (2, 2)
    assert costs.summary().unpriced_calls == 1


def test_nothing_is_guessed_by_default():
    with watched() as spans, rig.openai_client(rig.answer_chat) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        next(stream)
        stream.close()
        found = attributes_of(spans.one())
        tracker = Instrumentor().costs
    assert tracker is not None
    assert nothing_guessed(tracker).status == found["costspan.cost.status"] == "unpriced"


def test_content_that_is_captured_is_counted_too(costs: CostTracker):
    with watched(costs=costs, capture_content="on") as spans:
        with rig.openai_client(rig.answer_chat) as client:
            stream = client.chat.completions.create(**ASK, stream=True)
            for _ in range(2):
                next(stream)
            stream.close()
        expect(costs, spans, (2, 2), "0.0000015")
        assert "Hi there" in attributes_of(spans.one())["gen_ai.output.messages"]


def test_of_the_text_only_its_size_is_kept():
    estimate = Estimate(lambda texts: sum(map(len, texts)) / 4, 2.0)
    estimate.add(["a secret"])
    held = [getattr(estimate, name) for name in Estimate.__slots__ if name != "_count"]
    assert held == [2.0, 2.0]


@pytest.mark.faults
def test_a_fault_in_counting_harms_no_stream(
    costs: CostTracker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The chunks are read and the usage is told as if nothing were."""

    def broken(texts: list[str]) -> float:
        raise RuntimeError("a secret")

    monkeypatch.setattr(costs.token_counter, "of", lambda model: broken, raising=True)
    Instrumentor().instrument(costs=costs)
    with rig.openai_client(rig.answer_chat) as client:
        assert len(list(client.chat.completions.create(**ASK, stream=True))) == 3
    Instrumentor().uninstrument()
    assert costs.records[-1].cost_usd == Decimal("0.00027")
    assert "estimating a chunk (RuntimeError)" in caplog.text
    assert "secret" not in caplog.text
