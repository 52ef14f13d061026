"""The table of dialects: who makes GenAI spans, and by which names each says what.

Read in the packages' code or measured on their spans in November 2026. Where a dialect has had
several names for one thing, the oldest comes first and the newest that is there is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from costspan import semconv
from costspan.cost.foreign.columns import Columns, Names

FORMER_PROVIDER = "gen_ai.system"
SPAN_KIND = "openinference.span.kind"


class Dialect(Struct, frozen=True, kw_only=True):
    """One maker of spans.

    Args:
        name: how the documentation calls it.
        scopes: names of its instrumentation scopes; a trailing `*` stands for any ending.
        columns: the names that it uses.
        cache_outside: its input count leaves out what was read from and written to a cache.
        usage_apart: a streamed call's usage is on a record of its own that follows, so that the
            span of the request says nothing to be counted.
        operations: operations by span name, where the span itself does not name its operation.
        untold: counts that some of its spans never tell, so that their absence says nothing.
    """

    name: str
    scopes: Names
    columns: Columns
    cache_outside: bool = False
    usage_apart: bool = False
    operations: Mapping[str, str] = {}
    untold: Names = ()


_FORMER_USAGE: tuple[tuple[str, str], ...] = (
    ("llm.usage.prompt_tokens", "input_tokens"),
    ("gen_ai.usage.prompt_tokens", "input_tokens"),
    ("llm.usage.completion_tokens", "output_tokens"),
    ("gen_ai.usage.completion_tokens", "output_tokens"),
    ("gen_ai.usage.prompt_tokens_details.cached_tokens", "cache_read_tokens"),
    ("gen_ai.usage.details.cache_read_tokens", "cache_read_tokens"),
    ("gen_ai.usage.cache_read_input_tokens", "cache_read_tokens"),
    ("gen_ai.usage.details.cache_write_tokens", "cache_write_tokens"),
    ("gen_ai.usage.cache_creation_input_tokens", "cache_write_tokens"),
    ("gen_ai.usage.cache_creation.input_tokens", "cache_write_tokens"),
    ("gen_ai.usage.details.ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
    ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
    ("llm.usage.reasoning_tokens", "reasoning_tokens"),
    ("gen_ai.usage.reasoning_tokens", "reasoning_tokens"),
    ("gen_ai.usage.details.reasoning_tokens", "reasoning_tokens"),
    ("gen_ai.usage.completion_tokens_details.audio_tokens", "output_audio_tokens"),
)

_GEN_AI: dict[str, Names] = {
    "operation": ("traceloop.span.kind", "llm.request.type", semconv.OPERATION),
    "provider": (FORMER_PROVIDER, semconv.PROVIDER),
    "request_model": (semconv.REQUEST_MODEL,),
    "response_model": (semconv.RESPONSE_MODEL,),
    "response_id": (semconv.RESPONSE_ID,),
    "service_tier": (
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
        semconv.SERVICE_TIER,
    ),
    "asked_tier": (
        "gen_ai.openai.request.service_tier",
        "anthropic.request.service_tier",
        semconv.ASKED_SERVICE_TIER,
    ),
    "stream": ("llm.is_streaming", "gen_ai.is_streaming", semconv.STREAM),
    "first_chunk": (
        "gen_ai.server.time_to_first_token",
        "gen_ai.client.operation.time_to_first_chunk",
        semconv.TIME_TO_FIRST_CHUNK,
    ),
    "finish_reasons": ("anthropic.message.stop_reason", semconv.FINISH_REASONS),
    "base_url": ("gen_ai.openai.api_base",),
    "compacted": ("anthropic.usage.compaction.output_tokens",),
    "their_cost": (
        "gen_ai.cost.total_cost",
        "operation.cost",
        "gen_ai.usage.cost",
        semconv.COST_AMOUNT,
    ),
}
_ALL: dict[str, Names] = {
    "address": (semconv.SERVER_ADDRESS,),
    "port": (semconv.SERVER_PORT,),
    "http_status": (semconv.HTTP_STATUS,),
    "error": (semconv.ERROR_TYPE,),
    "agent": (semconv.AGENT,),
    "session": (semconv.SESSION,),
    "user": (semconv.USER,),
    "cost_source": (semconv.COST_SOURCE,),
}
_USAGE = (*_FORMER_USAGE, *((name, field) for field, name in semconv.USAGE.items()))

GEN_AI = Columns(_USAGE, **_ALL, **_GEN_AI)
"""Every generation of the conventions and those who grew from them: newer names win."""

LOGFIRE = Columns(
    _USAGE,
    **_ALL,
    **_GEN_AI,
    parameters=("request_data",),
    raw=("gen_ai.usage.raw",),
    seconds=("duration",),
)

OPENINFERENCE = Columns(
    (
        ("llm.token_count.prompt", "input_tokens"),
        ("llm.token_count.completion", "output_tokens"),
        ("llm.token_count.prompt_details.cache_input", "cache_read_tokens"),
        ("llm.token_count.prompt_details.cache_read", "cache_read_tokens"),
        ("llm.token_count.prompt_details.cache_write", "cache_write_tokens"),
        ("llm.token_count.prompt_details.audio", "input_audio_tokens"),
        ("llm.token_count.completion_details.reasoning", "reasoning_tokens"),
        ("llm.token_count.completion_details.audio", "output_audio_tokens"),
    ),
    **{**_ALL, "agent": ("agent.name", semconv.AGENT)},
    operation=(SPAN_KIND,),
    provider=("llm.system", "llm.provider"),
    model=("reranker.model_name", "embedding.model_name", "llm.model_name"),
    request_model=("llm.request.model_name",),
    response_model=("llm.response.model_name",),
    finish_reasons=("llm.finish_reason",),
    parameters=("embedding.invocation_parameters", "llm.invocation_parameters"),
    their_cost=("llm.cost.total",),
)
"""`model` is the one that answered, where that is not told apart from the one that was asked."""

OTHERS = Dialect(name="the conventions", scopes=(), columns=GEN_AI)
"""Whoever speaks the conventions and is not in the table."""

OTHERS_BY_KIND = Dialect(name="OpenInference", scopes=(), columns=OPENINFERENCE)
"""Whoever names the kind of a span as OpenInference does, and is not in the table."""

_INSTRUMENTED = (
    *("alephalpha", "anthropic", "bedrock", "cohere", "crewai", "google_gen", "groq", "haystack"),
    *("langchain", "llamaindex", "mistralai", "ollama", "openai", "replicate", "sagemaker"),
    *("together", "transformers", "vertexai", "watsonx", "writer"),
)
"""What OpenLLMetry instruments, as its scopes spell it; the conventions' older ones likewise."""

OURS = Dialect(name="costspan", scopes=("costspan",), columns=GEN_AI)

DIALECTS: tuple[Dialect, ...] = (
    OURS,
    Dialect(
        name="OpenTelemetry", scopes=("opentelemetry.instrumentation.genai.*",), columns=GEN_AI
    ),
    Dialect(
        name="OpenLLMetry",
        scopes=(
            *(f"opentelemetry.instrumentation.{name}*" for name in _INSTRUMENTED),
            "traceloop*",
        ),
        columns=GEN_AI,
        operations={"openai.response": "chat"},
    ),
    Dialect(
        name="OpenInference",
        scopes=("openinference.instrumentation.openai_agents*",),
        columns=OPENINFERENCE,
        untold=("cache_read_tokens",),
    ),
    Dialect(name="OpenInference", scopes=("openinference.*",), columns=OPENINFERENCE),
    Dialect(
        name="OpenLIT",
        scopes=("openlit.instrumentation.anthropic*", "openlit.instrumentation.bedrock*"),
        columns=GEN_AI,
        cache_outside=True,
    ),
    Dialect(name="OpenLIT", scopes=("openlit*",), columns=GEN_AI),
    Dialect(
        name="Logfire",
        scopes=("logfire.openai*", "logfire.anthropic*"),
        columns=LOGFIRE,
        usage_apart=True,
    ),
    Dialect(name="pydantic-ai", scopes=("pydantic-ai*",), columns=GEN_AI),
    Dialect(name="the Anthropic SDK", scopes=("com.anthropic.sdk.python*",), columns=GEN_AI),
)
"""The first whose scope fits is taken."""

OPERATIONS: Mapping[str, str] = {
    "completion": "text_completion",
    "embedding": "embeddings",
    "responses": "chat",
    "workflow": "invoke_workflow",
    "task": "invoke_workflow",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "RERANKER": "rerank",
    "RETRIEVER": "retrieval",
    "AGENT": "invoke_agent",
    "CHAIN": "invoke_workflow",
    "TOOL": "execute_tool",
}
"""Words for an operation that the conventions spell otherwise."""

PROVIDERS: Mapping[str, str] = {
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshotai": "moonshot_ai",
    "together_ai": "together",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Words for a provider, in small letters, that the conventions spell otherwise."""

PARAMETERS: Mapping[str, str] = {
    "model": "request_model",
    "base_url": "base_url",
    "service_tier": "asked_tier",
    "stream": "stream",
    "id": "response_id",
}
"""What is taken of the parameters of a request, where they are told as one JSON object."""

RAW_USAGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cache_read_tokens", ("cache_read_input_tokens",)),
    ("cache_read_tokens", ("prompt_tokens_details", "cached_tokens")),
    ("cache_read_tokens", ("input_tokens_details", "cached_tokens")),
    ("cache_write_tokens", ("cache_creation_input_tokens",)),
    ("cache_write_1h_tokens", ("cache_creation", "ephemeral_1h_input_tokens")),
    ("web_searches", ("server_tool_use", "web_search_requests")),
    ("input_audio_tokens", ("prompt_tokens_details", "audio_tokens")),
    ("output_audio_tokens", ("completion_tokens_details", "audio_tokens")),
)
"""Where a provider's own usage object has counts that the span may lack."""
