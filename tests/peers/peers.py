"""The instrumentations under test: how each is switched on, and how its calls are made."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from tests.peers import callers


def global_provider(processors: Sequence[SpanProcessor]) -> TracerProvider:
    """A provider, made and set as the app's."""
    provider = TracerProvider()
    for processor in processors:
        provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return provider


@dataclass(frozen=True, slots=True)
class Peer:
    """One instrumentation.

    Args:
        title: its name for readers.
        packages: the distributions whose versions tell its release; the first names it.
        switch_on: called with the provider that its spans are to go to.
        methods: the surfaces that it covers.
        provider: makes the app's provider with processors in their order.
    """

    title: str
    packages: tuple[str, ...]
    switch_on: Callable[[Any], None]
    call: callers.Caller = callers.by_sdk
    methods: tuple[str, ...] = callers.METHODS
    provider: Callable[[Sequence[SpanProcessor]], Any] = global_provider


def instrumentors(*places: str) -> Callable[[Any], None]:
    """A switch that instruments by classes, each `module:Class`."""

    def switch_on(provider: Any) -> None:
        for place in places:
            module, _, name = place.partition(":")
            kind = getattr(importlib.import_module(module), name)
            kind().instrument(tracer_provider=provider)

    return switch_on


def _logfires_provider(processors: Sequence[SpanProcessor]) -> Any:
    import logfire

    logfire.configure(
        send_to_logfire=False, console=False, additional_span_processors=list(processors)
    )
    return trace.get_tracer_provider()


def _logfire(provider: Any) -> None:
    import logfire

    logfire.instrument_openai()
    logfire.instrument_anthropic()


def _openlit(provider: Any) -> None:
    import openlit

    with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:
        prices.write("{}")  # or it fetches its own from the network
        prices.flush()
        openlit.init(disable_metrics=True, capture_message_content=False, pricing_json=prices.name)


def _pydantic_ai(provider: Any) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    # So an agent's span has the sums of its calls under the names of a call's counts.
    sums = {"use_aggregated_usage_attribute_names": False}
    settings = InstrumentationSettings(tracer_provider=provider, include_content=False, **sums)
    Agent.instrument_all(settings)


def _nothing(provider: Any) -> None:
    """What makes the spans is on already."""


_TRACED = ("chat", "responses", "messages")

PEERS = {
    "anthropic-sdk": Peer(
        "Anthropic SDK's own spans", ("anthropic",), _nothing, methods=("messages",)
    ),
    "opentelemetry": Peer(
        "OpenTelemetry",
        (
            "opentelemetry-instrumentation-genai-openai",
            "opentelemetry-instrumentation-genai-anthropic",
        ),
        instrumentors(
            "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor",
            "opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor",
        ),
    ),
    "openllmetry": Peer(
        "OpenLLMetry",
        ("opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic"),
        instrumentors(
            "opentelemetry.instrumentation.openai:OpenAIInstrumentor",
            "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor",
        ),
    ),
    "openinference": Peer(
        "OpenInference",
        ("openinference-instrumentation-openai", "openinference-instrumentation-anthropic"),
        instrumentors(
            "openinference.instrumentation.openai:OpenAIInstrumentor",
            "openinference.instrumentation.anthropic:AnthropicInstrumentor",
        ),
    ),
    "openlit": Peer("OpenLIT", ("openlit",), _openlit),
    "logfire": Peer("Logfire", ("logfire",), _logfire, provider=_logfires_provider),
    "pydantic-ai": Peer(
        "pydantic-ai", ("pydantic-ai-slim",), _pydantic_ai, callers.by_pydantic_ai, _TRACED
    ),
    "langchain-openllmetry": Peer(
        "LangChain with OpenLLMetry",
        ("opentelemetry-instrumentation-langchain", "langchain-core"),
        instrumentors("opentelemetry.instrumentation.langchain:LangchainInstrumentor"),
        callers.by_langchain,
        _TRACED,
    ),
    "langchain-openinference": Peer(
        "LangChain with OpenInference",
        ("openinference-instrumentation-langchain", "langchain-core"),
        instrumentors("openinference.instrumentation.langchain:LangChainInstrumentor"),
        callers.by_langchain,
        _TRACED,
    ),
    "agents-opentelemetry": Peer(
        "OpenAI Agents SDK with OpenTelemetry",
        ("opentelemetry-instrumentation-genai-openai-agents", "openai-agents"),
        instrumentors(
            "opentelemetry.instrumentation.genai.openai_agents:OpenAIAgentsInstrumentor",
            "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor",
        ),
        callers.by_openai_agents,
        ("chat", "responses"),
    ),
    "agents-openinference": Peer(
        "OpenAI Agents SDK with OpenInference",
        ("openinference-instrumentation-openai-agents", "openai-agents"),
        instrumentors("openinference.instrumentation.openai_agents:OpenAIAgentsInstrumentor"),
        callers.by_openai_agents,
        ("chat", "responses"),
    ),
}
