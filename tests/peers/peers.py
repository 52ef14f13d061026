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

SwitchOn = Callable[[Sequence[SpanProcessor]], None]
"""Called with the processors that the peer's spans are to pass, in their order."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One instrumentation.

    Args:
        title: its name for readers.
        packages: the distributions whose versions tell its release; the first names it.
        methods: the surfaces that it covers.
    """

    title: str
    packages: tuple[str, ...]
    switch_on: SwitchOn
    call: callers.Caller = callers.by_sdk
    methods: tuple[str, ...] = callers.METHODS


def global_provider(processors: Sequence[SpanProcessor]) -> TracerProvider:
    """The app's provider, made and set."""
    provider = TracerProvider()
    for processor in processors:
        provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return provider


def instrumentors(*places: str, **options: Any) -> SwitchOn:
    """A switch that instruments by classes, each `module:Class`."""

    def switch_on(processors: Sequence[SpanProcessor]) -> None:
        provider = global_provider(processors)
        for place in places:
            module, _, name = place.partition(":")
            kind = getattr(importlib.import_module(module), name)
            kind().instrument(tracer_provider=provider, **options)

    return switch_on


def _logfire(processors: Sequence[SpanProcessor]) -> None:
    import logfire

    logfire.configure(
        send_to_logfire=False, console=False, additional_span_processors=list(processors)
    )
    logfire.instrument_openai()
    logfire.instrument_anthropic()


def _openlit(processors: Sequence[SpanProcessor]) -> None:
    import openlit

    global_provider(processors)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:
        prices.write("{}")  # or it fetches its own from the network
        prices.flush()
        openlit.init(
            disable_metrics=True, capture_message_content=False, pricing_json=prices.name
        )


def _pydantic_ai(processors: Sequence[SpanProcessor]) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    provider = global_provider(processors)
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider, include_content=False))


def _native(processors: Sequence[SpanProcessor]) -> None:
    global_provider(processors)


_TRACED = ("chat", "responses", "messages")

PEERS = {
    "anthropic-sdk": Peer("Anthropic SDK's own spans", ("anthropic",), _native, methods=("messages",)),
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
    "openai-v2": Peer(
        "OpenTelemetry contrib",
        ("opentelemetry-instrumentation-openai-v2",),
        instrumentors("opentelemetry.instrumentation.openai_v2:OpenAIInstrumentor"),
        methods=("chat", "responses", "embeddings"),
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
    "logfire": Peer("Logfire", ("logfire",), _logfire),
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
