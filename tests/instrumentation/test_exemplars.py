"""Exemplars: the measurements of a call lead to its span, wherever the call ended."""

import asyncio
import threading
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from costspan import record_call
from tests.instrumentation.metered import COST, DURATION, FIRST_CHUNK, PER_CHUNK, TOKENS, Metered
from tests.instrumentation.rig import (
    ASK,
    answer_chat,
    async_openai_client,
    openai_client,
    watched,
)

OF_A_STREAM = {DURATION, FIRST_CHUNK, PER_CHUNK, COST, f"{TOKENS}input_tokens"}


def led_to(metered: Metered) -> dict[str, set[tuple[int, int]]]:
    """The trace and span ids of each metric's exemplars."""
    return {
        name: {(e.trace_id, e.span_id) for point in points for e in point.exemplars}
        for name, points in metered.points().items()
    }


def expect_all_lead_to(span: ReadableSpan, metered: Metered, names: set[str]) -> None:
    assert span.context is not None
    found = led_to(metered)
    assert names <= found.keys()
    assert set().union(*found.values()) == {(span.context.trace_id, span.context.span_id)}
    assert all(found.values())


def test_a_plain_call(metered: Metered):
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        client.chat.completions.create(**ASK)
        expect_all_lead_to(spans.one(), metered, {DURATION, COST, f"{TOKENS}output_tokens"})


def test_a_stream_that_is_read_in_another_thread(metered: Metered):
    """Another call is under way there: its span is not the stream's."""
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        reader = threading.Thread(target=read_beside_another_call, args=(stream,))
        reader.start()
        reader.join()
        of_the_stream = next(s for s in spans.wait(2) if "gpt-4o-mini" in s.name)
        assert of_the_stream.context is not None
        found = led_to(metered)

    wanted = (of_the_stream.context.trace_id, of_the_stream.context.span_id)
    assert {name for name, ids in found.items() if wanted in ids} >= OF_A_STREAM
    assert found[PER_CHUNK] == found[FIRST_CHUNK] == {wanted}


def read_beside_another_call(stream: Any) -> None:
    with record_call(model="llama3.2", provider="ollama"):
        list(stream)


async def test_a_stream_that_ends_in_another_task(metered: Metered):
    with watched(meter_provider=metered.provider) as spans:
        async with async_openai_client(answer_chat) as client:
            stream = await client.chat.completions.create(**ASK, stream=True)

            async def read() -> None:
                async for _ in stream:
                    pass

            await asyncio.create_task(read())
        expect_all_lead_to(spans.one(), metered, OF_A_STREAM)


def test_a_stream_that_is_dropped(metered: Metered):
    """The settlement worker ends it, its metrics before its span."""
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        next(stream)
        del stream
        expect_all_lead_to(spans.one(), metered, {DURATION, FIRST_CHUNK})


def test_a_call_that_the_sampler_dropped(metered: Metered):
    """It is counted, and leads nowhere."""
    with (
        watched(ALWAYS_OFF, meter_provider=metered.provider) as spans,
        openai_client(answer_chat) as client,
    ):
        client.chat.completions.create(**ASK)
        assert spans.all() == []

    assert metered.sum(f"{TOKENS}input_tokens") == 1000
    assert metered.sum(COST) == pytest.approx(0.00027, abs=1e-12)
    assert set().union(*led_to(metered).values()) == set()
