"""Metrics: the values of the GenAI instruments and of our own, and nothing without a provider."""

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from costspan import attribution
from tests.instrumentation.app import run_app
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT,
    CHAT_USD,
    MESSAGE_USD,
    answer_chat,
    answer_message,
    anthropic_client,
    openai_client,
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
DURATION = "gen_ai.client.inference.duration"
FIRST_CHUNK = "gen_ai.client.inference.time_to_first_chunk"
TOKENS = "gen_ai.client.inference.usage."


class Metered:
    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def points(self) -> dict[str, list[Any]]:
        """The data points by the name of their metric."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def metered() -> Iterator[Metered]:
    metered = Metered()
    yield metered
    metered.provider.shutdown()


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
    assert (duration.count, dict(duration.attributes)) == (1, WHERE)
    assert duration.sum == pytest.approx((span.end_time - span.start_time) / 1e9, abs=1e-6)
    (tokens,) = points[f"{TOKENS}input_tokens"]
    assert tokens.value == 1000
    assert dict(tokens.attributes) == {**WHERE, "gen_ai.token.modality": "text"}
    assert points[f"{TOKENS}output_tokens"][0].value == 200
    (cost,) = points["costspan.cost"]
    assert cost.value == CHAT_USD
    assert dict(cost.attributes) == {
        **WHERE,
        "gen_ai.agent.name": "reviewer",
        "costspan.endpoint": "summarize",
    }


def test_a_stream_has_its_time_to_first_chunk(metered: Metered) -> None:
    """The histogram holds what the span says."""
    with watched(meter_provider=metered.provider) as spans, openai_client(answer_chat) as client:
        list(client.chat.completions.create(**ASK, stream=True))
        span = spans.one()
    (first,) = metered.points()[FIRST_CHUNK]

    assert first.sum == (span.attributes or {})["gen_ai.response.time_to_first_chunk"]
    assert first.count == 1


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
        from tests.instrumentation.test_metrics import Metered

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
