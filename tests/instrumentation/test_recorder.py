"""record_call: calls that no patch sees, described by the app."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.genai import types as gemini_types
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from costspan import (
    BudgetExceeded,
    ConfigurationError,
    CostTracker,
    Instrumentor,
    Prices,
    attribution,
    record_call,
)
from costspan.export.schema import Line
from tests.instrumentation.rig import (
    CHAT,
    CHAT_CHUNKS,
    CHAT_USD,
    MESSAGE,
    MESSAGE_EVENTS,
    MESSAGE_USD,
    Spans,
    attributes_of,
    provider_into,
)

CONTENTS: Any = [
    {"modelVersion": "gemini-2.5-flash", "responseId": "r1", "candidates": [{"content": {}}]},
    {
        "candidates": [{"content": {}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 200},
    },
]
"""At 0.30 and 2.50 USD for a million tokens in and out: 0.0003 + 0.0005 = 0.0008 USD."""


def last() -> Line:
    return Instrumentor().costs.records[-1]


def test_counts_by_name(spans: Spans):
    with record_call(model="gpt-4o-mini", provider="openai") as call:
        assert trace.get_current_span().is_recording()
        call.set_usage(input_tokens=1000, output_tokens=200)
    span = spans.one()
    found = attributes_of(span)
    assert (span.name, span.kind) == ("chat gpt-4o-mini", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert found["gen_ai.provider.name"] == "openai"
    assert found["gen_ai.request.model"] == "gpt-4o-mini"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (1000, 200)
    assert found["costspan.cost.total"] == CHAT_USD
    assert not trace.get_current_span().is_recording()


async def test_an_async_block(spans: Spans):
    async with record_call(model="gpt-4o-mini") as call:
        await asyncio.sleep(0)
        call.set_usage(input_tokens=1000, output_tokens=200)
    assert attributes_of(spans.one())["costspan.cost.total"] == CHAT_USD


def test_the_operation_and_the_answering_model_may_be_said(spans: Spans):
    with record_call(model="any", operation="embeddings") as call:
        call.set_usage(model="text-embedding-3-small", input_tokens=1000)
    found = attributes_of(spans.one())
    assert spans.one().name == "embeddings any"
    assert found["gen_ai.response.model"] == "text-embedding-3-small"
    assert found["costspan.cost.total"] == 0.00002


@pytest.mark.parametrize(
    ("provider", "answer", "usd"),
    [
        ("openai", CHAT, CHAT_USD),
        ("anthropic", MESSAGE, MESSAGE_USD),
        ("gcp.gemini", {**CONTENTS[0], **CONTENTS[1]}, 0.0008),
        (
            "gcp.gemini",
            gemini_types.GenerateContentResponse.model_validate({**CONTENTS[0], **CONTENTS[1]}),
            0.0008,
        ),
    ],
)
def test_any_known_answer(spans: Spans, provider: str, answer: Any, usd: float):
    with record_call(provider=provider) as call:
        call.set_response(answer)
    found = attributes_of(spans.one())
    assert found["costspan.cost.total"] == usd
    assert "gen_ai.response.model" in found
    assert "gen_ai.response.finish_reasons" in found


@pytest.mark.parametrize(
    ("provider", "chunks", "usd"),
    [
        ("openai", CHAT_CHUNKS, CHAT_USD),
        ("anthropic", MESSAGE_EVENTS, MESSAGE_USD),
        ("gcp.gemini", CONTENTS, 0.0008),
    ],
)
class TestStreams:
    """The same chunks, in their order, and the call as they add up to."""

    def test_inside_the_block(self, spans: Spans, provider: str, chunks: Any, usd: float):
        with record_call(provider=provider) as call:
            read = list(call.stream(iter(chunks)))
        assert all(got is sent for got, sent in zip(read, chunks, strict=True))
        self._assert_whole(spans, usd)

    def test_after_the_block(self, spans: Spans, provider: str, chunks: Any, usd: float):
        with record_call(provider=provider) as call:
            stream = call.stream(chunks)
        assert spans.all() == []
        assert list(stream) == chunks
        self._assert_whole(spans, usd)

    async def test_async(self, spans: Spans, provider: str, chunks: Any, usd: float):
        async def arriving() -> AsyncIterator[Any]:
            for chunk in chunks:
                await asyncio.sleep(0)
                yield chunk

        async with record_call(provider=provider) as call:
            stream = call.stream(arriving())
        assert [chunk async for chunk in stream] == chunks
        self._assert_whole(spans, usd)

    def _assert_whole(self, spans: Spans, usd: float) -> None:
        span = spans.one()
        found = attributes_of(span)
        assert span.status.status_code is StatusCode.UNSET
        assert found["costspan.cost.total"] == usd
        assert found["gen_ai.response.time_to_first_chunk"] >= 0
        assert "costspan.stream.outcome" not in found


class TestBrokenStreams:
    def test_one_that_fails_passes_its_exception_and_keeps_what_it_said(self, spans: Spans):
        error = ConnectionError("cut")

        def cut() -> Iterator[Any]:
            yield MESSAGE_EVENTS[0]
            raise error

        with record_call(provider="anthropic", model="claude-opus-4-5") as call:
            stream = call.stream(cut())
        next(stream)
        with pytest.raises(ConnectionError) as caught:
            next(stream)
        assert caught.value is error
        found = attributes_of(spans.one())
        assert found["error.type"] == "ConnectionError"
        assert found["gen_ai.usage.input_tokens"] == 1000
        assert found["costspan.cost.status"] == "partial"
        assert "output_tokens" in found["costspan.cost.missing"]

    async def test_an_async_one_that_fails(self, spans: Spans):
        async def cut() -> AsyncIterator[Any]:
            yield MESSAGE_EVENTS[0]
            raise TimeoutError

        async with record_call(provider="anthropic") as call:
            stream = call.stream(cut())
        await anext(stream)
        with pytest.raises(TimeoutError):
            await anext(stream)
        assert attributes_of(spans.one())["error.type"] == "TimeoutError"

    @pytest.mark.parametrize("read", [0, 1])
    def test_one_that_is_dropped_is_abandoned(self, spans: Spans, read: int):
        with record_call(provider="openai", model="gpt-4o-mini") as call:
            stream = call.stream(iter(CHAT_CHUNKS))
        for _ in range(read):
            next(stream)
        del stream, call
        gc.collect()
        (span,) = spans.wait(1)
        found = attributes_of(span)
        assert found["costspan.stream.outcome"] == "abandoned"
        assert span.status.status_code is StatusCode.UNSET

    def test_one_whose_shape_nobody_knows_is_passed_on(self, spans: Spans):
        """The app gets its chunks; the call has no usage, and that is no fault of ours."""
        with record_call(provider="openai", model="mine") as call:
            assert list(call.stream(["a", "b"])) == ["a", "b"]
        assert attributes_of(spans.one())["costspan.cost.status"] == "unpriced"


class TestErrors:
    def test_an_exception_through_the_block_fails_the_call(self, spans: Spans):
        error = LookupError("a secret")
        with pytest.raises(LookupError) as caught, record_call(model="gpt-4o-mini"):
            raise error
        assert caught.value is error
        span = spans.one()
        assert span.status.status_code is StatusCode.ERROR
        assert attributes_of(span)["error.type"] == "LookupError"
        assert "secret" not in str(span.to_json())

    def test_what_was_said_before_it_is_counted(self, spans: Spans):
        with suppress(LookupError), record_call(model="gpt-4o-mini") as call:
            call.set_response(CHAT)
            raise LookupError
        assert (last().error, last().cost_usd) == ("LookupError", Decimal("0.00027"))

    async def test_a_cancelled_block(self, spans: Spans):
        async def work() -> None:
            async with record_call(model="gpt-4o-mini"):
                task.cancel()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        with pytest.raises(asyncio.CancelledError):
            await task
        found = attributes_of(spans.one())
        assert found["error.type"] == "asyncio.exceptions.CancelledError"

    @pytest.mark.parametrize("count", [-1, 1.5, "7", True])
    def test_what_is_no_count_is_refused(self, spans: Spans, count: Any):
        with record_call(model="gpt-4o-mini") as call:
            with pytest.raises(ConfigurationError, match=r"set_usage\(input_tokens="):
                call.set_usage(input_tokens=count)
            call.set_usage(input_tokens=1, output_tokens=None)

    @pytest.mark.parametrize(
        "names", [{"model": 5}, {"provider": None}, {"operation": b"chat"}], ids=str
    )
    def test_what_is_no_name_is_refused(self, spans: Spans, names: dict[str, Any]):
        """It would stand in no line of the file, or in one that no reader takes."""
        with pytest.raises(ConfigurationError, match=r"record_call\(\w+=.*: give its name"):
            record_call(**names)

    def test_seconds_may_have_a_fraction(self, spans: Spans):
        """12.5 s at 0.36 USD an hour."""
        with record_call(model="whisper-1") as call:
            call.set_usage(audio_seconds=12.5)
        assert attributes_of(spans.one())["costspan.usage.audio_seconds"] == 12.5
        assert last().cost_usd == Decimal("0.00125")

    @pytest.mark.parametrize("seconds", [-0.5, float("nan"), float("inf"), "7", True])
    def test_what_is_no_time_is_refused(self, spans: Spans, seconds: Any):
        with record_call(model="whisper-1") as call:
            with pytest.raises(ConfigurationError, match=r"audio_seconds=.*number of seconds"):
                call.set_usage(audio_seconds=seconds)
            call.set_usage(audio_seconds=0)

    def test_a_batch_is_priced_as_one(self, spans: Spans):
        """Half of 1000 x 0.15 + 200 x 0.60."""
        with record_call(model="gpt-4o-mini") as call:
            call.set_usage(input_tokens=1000, output_tokens=200, service_tier="batch")
        assert attributes_of(spans.one())["costspan.service_tier"] == "batch"
        assert last().cost_usd == Decimal("0.000135")

    def test_an_unknown_count_is_a_type_error(self, spans: Spans):
        with record_call(model="gpt-4o-mini") as call:
            with pytest.raises(TypeError, match="prompt_tokens"):
                call.set_usage(prompt_tokens=7)
            call.set_usage(input_tokens=7, output_tokens=1)
        assert last().input_tokens == 7

    def test_an_unknown_answer_names_the_way_out(self, spans: Spans):
        with record_call(model="gpt-4o-mini") as call:
            with pytest.raises(ConfigurationError, match=r"set_usage\(input_tokens="):
                call.set_response({"text": "Hi"})
            call.set_usage(input_tokens=7, output_tokens=1)

    def test_nothing_said_is_not_nothing_used(self, spans: Spans):
        with record_call(model="gpt-4o-mini"):
            pass
        found = attributes_of(spans.one())
        assert found["costspan.cost.status"] == "unpriced"
        assert "costspan.cost.total" not in found
        assert not [name for name in found if name.startswith("gen_ai.usage")]


def test_attribution(spans: Spans):
    with attribution(agent="ann", session="s1", tags={"team": "ads"}) as spent:
        with record_call(model="gpt-4o-mini") as call:
            call.set_usage(input_tokens=1000, output_tokens=200)
        assert spent.cost_usd == Decimal("0.00027")
    found = attributes_of(spans.one())
    assert (found["gen_ai.agent.name"], found["session.id"]) == ("ann", "s1")
    assert found["costspan.tag.team"] == "ads"


def test_a_blocked_call_never_enters_its_block(spans: Spans):
    costs = CostTracker(prices=Prices(unknown="block"))
    Instrumentor().instrument(tracer_provider=provider_into(spans), costs=costs)
    entered = False
    with pytest.raises(BudgetExceeded), record_call(model="never-heard-of"):
        entered = True
    assert not entered
    assert attributes_of(spans.one())["costspan.cost.status"] == "not_billed"
    assert not trace.get_current_span().is_recording()


ALONE = """
import json, sys
from costspan import record_call
with record_call(model="gpt-4o-mini") as call:
    call.set_usage(input_tokens=1000, output_tokens=200)
with record_call(model="gpt-4o-mini") as call:
    assert list(call.stream([{"choices": []}])) == [{"choices": []}]
"""


def test_without_instrument_the_environment_decides(tmp_path: Path):
    """In a process that never called instrument(): the calls file that COSTSPAN_LOCAL asks for."""
    environment = {"COSTSPAN_LOCAL": str(tmp_path / "logs"), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", ALONE], check=True, env=environment, timeout=60)
    (file,) = (tmp_path / "logs").glob("llm_trace_*.jsonl")
    first, second = file.read_text().splitlines()
    assert '"cost_usd":0.00027,' in first
    assert '"status":"unpriced"' in second
