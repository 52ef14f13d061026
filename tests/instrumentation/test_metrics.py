"""Metrics: the values of the GenAI instruments and of our own, and nothing without a provider."""

from typing import Any

import httpx2
import openai
import pytest
from opentelemetry.sdk.metrics import MeterProvider

from costspan import ConfigurationError, Instrumentor, attribution, record_call
from tests.instrumentation.app import run_app
from tests.instrumentation.metered import COST, DURATION, FIRST_CHUNK, PER_CHUNK, TOKENS, Metered
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT,
    CHAT_USD,
    MESSAGE_USD,
    Spans,
    answer_chat,
    answer_message,
    anthropic_client,
    attributes_of,
    openai_client,
    provider_into,
    watched,
)

WHERE = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "server.address": "api.openai.com",
    "server.port": 443,
}
WHOSE = {"gen_ai.agent.name": "reviewer", "costspan.endpoint": "summarize"}


def test_one_call(metered: Metered) -> None:
    """Duration, tokens and dollars of one call, each once, with the call's own attributes."""
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        with attribution(agent="reviewer", endpoint="summarize"):
            client.chat.completions.create(**ASK)
        span = spans.one()
    points = metered.points()

    assert set(points) == {
        DURATION,
        f"{TOKENS}input_tokens",
        f"{TOKENS}output_tokens",
        "costspan.cost",
    }
    (duration,) = points[DURATION]
    assert (duration.count, dict(duration.attributes)) == (1, {**WHERE, **WHOSE})
    assert duration.sum == pytest.approx((span.end_time - span.start_time) / 1e9, abs=1e-6)
    (tokens,) = points[f"{TOKENS}input_tokens"]
    assert tokens.value == 1000
    assert dict(tokens.attributes) == {**WHERE, **WHOSE, "gen_ai.token.modality": "text"}
    assert points[f"{TOKENS}output_tokens"][0].value == 200
    (cost,) = points["costspan.cost"]
    assert cost.value == CHAT_USD
    assert dict(cost.attributes) == {**WHERE, **WHOSE}


def test_a_stream_has_its_time_to_first_chunk(metered: Metered) -> None:
    """The histogram holds what the span says."""
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        list(client.chat.completions.create(**ASK, stream=True))
        span = spans.one()
    (first,) = metered.points()[FIRST_CHUNK]

    assert first.sum == (span.attributes or {})["gen_ai.response.time_to_first_chunk"]
    assert first.count == 1


def test_a_stream_has_the_time_of_each_chunk_after_the_first(metered: Metered) -> None:
    """Four chunks arrive, of which the last, with the usage that we asked for, is kept back."""
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        with attribution(agent="reviewer", endpoint="summarize"):
            assert len(list(client.chat.completions.create(**ASK, stream=True))) == 3
        span = spans.one()
    (chunks,) = metered.points()[PER_CHUNK]
    first = (span.attributes or {})["gen_ai.response.time_to_first_chunk"]

    assert chunks.count == 3
    assert 0 < chunks.sum <= (span.end_time - span.start_time) / 1e9 - first
    assert dict(chunks.attributes) == {
        **{name: value for name, value in WHERE.items() if name != "gen_ai.response.model"},
        **WHOSE,
    }


def test_the_chunks_of_a_recorded_stream(metered: Metered) -> None:
    """Also of a shape that nobody knows."""
    with watched(meter_provider=metered.provider):
        with record_call(model="llama3.2", provider="ollama") as call:
            assert list(call.stream(["a", "b", "c"])) == ["a", "b", "c"]
        with record_call(model="llama3.2", provider="ollama") as call:
            assert list(call.stream(["alone"])) == ["alone"]

    assert [point.count for point in metered.points()[PER_CHUNK]] == [2]


def test_sums_of_two_providers_stand_apart(metered: Metered) -> None:
    """Counters add up by provider and model."""
    settings = {"meter_provider": metered.provider}
    with (
        watched(**settings),
        openai_client(answer_chat) as chat,
        anthropic_client(answer_message) as claude,
    ):
        for _ in range(3):
            chat.chat.completions.create(**ASK)
        claude.messages.create(**ASK_CLAUDE)
    costs = {
        p.attributes["gen_ai.provider.name"]: p.value for p in metered.points()["costspan.cost"]
    }

    assert costs == {
        "openai": pytest.approx(3 * CHAT_USD, rel=1e-12),
        "anthropic": MESSAGE_USD,
    }


def test_a_failed_call_has_a_duration_with_its_error(metered: Metered) -> None:
    """No tokens and no dollars, but the error's type on the duration."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(429, json={"error": {"message": "slow down", "code": "rate"}})

    with (
        watched(meter_provider=metered.provider),
        openai_client(refuse) as client,
        pytest.raises(openai.RateLimitError),
    ):
        client.chat.completions.create(**ASK)
    points = metered.points()

    assert set(points) == {DURATION}
    assert points[DURATION][0].attributes["error.type"] == "openai.RateLimitError"


def test_an_unpriced_call_counts_no_dollars(metered: Metered) -> None:
    """Tokens are counted, dollars are not: never a wrong zero."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={**CHAT, "model": "nobody-knows-me"})

    with watched(meter_provider=metered.provider), openai_client(answer) as client:
        client.chat.completions.create(**{**ASK, "model": "nobody-knows-me"})
    points = metered.points()

    assert points[f"{TOKENS}input_tokens"][0].value == 1000
    assert "costspan.cost" not in points


def test_the_apps_global_provider_is_used_when_it_comes() -> None:
    """Without one nothing is recorded; one that is set after the first call gets the rest."""
    said = run_app("""
        import json
        from opentelemetry import metrics
        from costspan import Instrumentor
        from tests.instrumentation import rig
        from tests.instrumentation.metered import Metered

        client, metered = rig.openai_client(rig.answer_chat), Metered()
        Instrumentor().instrument()
        client.chat.completions.create(**rig.ASK)
        unset = type(metrics.get_meter_provider()).__name__
        metrics.set_meter_provider(metered.provider)
        client.chat.completions.create(**rig.ASK)
        client.chat.completions.create(**rig.ASK)
        (point,) = metered.points()["costspan.cost"]
        print(json.dumps([unset, point.value]))
    """).said

    assert said == ["_ProxyMeterProvider", 0.00054]


def test_an_operation_that_is_no_inference_has_the_duration_of_operations(
    metered: Metered,
) -> None:
    """So the conventions have it today."""
    with (
        watched(meter_provider=metered.provider),
        record_call(model="text-embedding-3-small", operation="embeddings") as call,
    ):
        call.set_usage(input_tokens=7)
    points = metered.points()

    assert set(points) == {"gen_ai.client.operation.duration", f"{TOKENS}input_tokens", COST}
    assert points["gen_ai.client.operation.duration"][0].count == 1


TODAY = {DURATION, FIRST_CHUNK, PER_CHUNK, f"{TOKENS}input_tokens", f"{TOKENS}output_tokens"}
OLDER = {
    "gen_ai.client.operation.duration",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.client.operation.time_per_output_chunk",
    "gen_ai.client.token.usage",
}


@pytest.mark.parametrize(
    ("names", "found"),
    [(None, TODAY), ("current", TODAY), ("v1.41", OLDER), ("both", TODAY | OLDER)],
)
def test_the_names_that_were_asked_for(
    metered: Metered, names: str | None, found: set[str]
) -> None:
    """The dollars are ours, and have one name."""
    with (
        watched(meter_provider=metered.provider, metric_names=names),
        openai_client(answer_chat) as client,
    ):
        list(client.chat.completions.create(**ASK, stream=True))

    assert set(metered.points()) == {*found, COST}


def test_the_older_tokens_are_a_histogram_by_type(metered: Metered) -> None:
    """Two calls of 1,000 tokens in and 200 out."""
    with (
        watched(meter_provider=metered.provider, metric_names="v1.41"),
        openai_client(answer_chat) as client,
    ):
        for _ in range(2):
            client.chat.completions.create(**ASK)
    tokens = {
        point.attributes["gen_ai.token.type"]: (point.count, point.sum)
        for point in metered.points()["gen_ai.client.token.usage"]
    }

    assert tokens == {"input": (2, 2000), "output": (2, 400)}


def test_a_wrong_word_is_named(metered: Metered) -> None:
    """Before anything is patched."""
    for settings in ({"metric_names": "old"}, {"metric_labels": ("team",)}):
        with pytest.raises(ConfigurationError, match=next(iter(settings))):
            Instrumentor().instrument(meter_provider=metered.provider, **settings)
    assert Instrumentor().settings is None


@pytest.mark.parametrize("tokens", ["audio", "image", "video"])
def test_tokens_that_are_not_text_alone_have_an_unknown_modality(
    metered: Metered, tokens: str
) -> None:
    """They are counted as a whole, so that the sum stays that of the spans."""
    with (
        watched(meter_provider=metered.provider),
        record_call(model="gpt-4o-mini") as call,
    ):
        call.set_usage(input_tokens=10, **{f"input_{tokens}_tokens": 4})
    (point,) = metered.points()[f"{TOKENS}input_tokens"]

    assert (point.value, point.attributes["gen_ai.token.modality"]) == (10, "unknown")


@pytest.mark.faults
@pytest.mark.parametrize("streamed", [False, True])
def test_a_provider_that_fails_takes_nothing_from_the_span(streamed: bool) -> None:
    """Nor from the caller."""

    class Broken(MeterProvider):
        def get_meter(self, *args: Any, **kwargs: Any) -> Any:
            raise LookupError

    spans, broken = Spans(), Broken(shutdown_on_exit=False)
    Instrumentor().instrument(tracer_provider=provider_into(spans), meter_provider=broken)
    with openai_client(answer_chat) as client:
        answer: Any = client.chat.completions.create(**ASK, stream=streamed)
        assert not streamed or len(list(answer)) == 3
    Instrumentor().uninstrument()
    found = attributes_of(spans.one())

    assert found["gen_ai.usage.input_tokens"] == 1000
    assert found["costspan.cost.total"] == CHAT_USD
