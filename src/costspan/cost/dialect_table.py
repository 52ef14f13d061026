"""The table of dialects: who makes GenAI spans, and by which names each says what.

Read in the packages' code or measured on their spans in November 2026. Where a dialect has had
several names for one thing, the oldest comes first and the newest that is there is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from costspan import semconv

Names = tuple[str, ...]

FORMER_PROVIDER = "gen_ai.system"
SPAN_KIND = "openinference.span.kind"


class Columns(Struct, frozen=True, kw_only=True):
    """The attribute names of one family of dialects.

    `usage` are pairs of an attribute and the field of `Usage` that it is. `base_url`, `parameters`
    (a JSON object of what was asked), `raw` (the provider's own usage as JSON) and `seconds` (how
    long the call took) are attributes that only some dialects have. `their_cost` is what another
    instrumentation says that the call cost, in US dollars.
    """

    operation: Names
    provider: Names
    request_model: Names
    response_model: Names
    usage: tuple[tuple[str, str], ...]
    response_id: Names = (semconv.RESPONSE_ID,)
    service_tier: Names = ()
    asked_tier: Names = ()
    stream: Names = ()
    first_chunk: Names = ()
    finish_reasons: Names = ()
    session: Names = (semconv.SESSION,)
    agent: Names = (semconv.AGENT,)
    base_url: Names = ()
    parameters: Names = ()
    raw: Names = ()
    seconds: Names = ()
    their_cost: Names = ()


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
    """

    name: str
    scopes: Names
    columns: Columns
    cache_outside: bool = False
    usage_apart: bool = False
    operations: Mapping[str, str] = {}


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

GEN_AI = Columns(
    operation=("traceloop.span.kind", "llm.request.type", semconv.OPERATION),
    provider=(FORMER_PROVIDER, semconv.PROVIDER),
    request_model=(semconv.REQUEST_MODEL,),
    response_model=(semconv.RESPONSE_MODEL,),
    usage=(*_FORMER_USAGE, *((name, field) for field, name in semconv.USAGE.items())),
    service_tier=(
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
        semconv.SERVICE_TIER,
    ),
    asked_tier=(
        "gen_ai.openai.request.service_tier",
        "anthropic.request.service_tier",
        semconv.ASKED_SERVICE_TIER,
    ),
    stream=("llm.is_streaming", "gen_ai.is_streaming", semconv.STREAM),
    first_chunk=(
        "gen_ai.server.time_to_first_token",
        "gen_ai.client.operation.time_to_first_chunk",
        semconv.TIME_TO_FIRST_CHUNK,
    ),
    finish_reasons=("anthropic.message.stop_reason", semconv.FINISH_REASONS),
    base_url=("gen_ai.openai.api_base",),
    their_cost=(
        "gen_ai.cost.total_cost",
        "operation.cost",
        "gen_ai.usage.cost",
        semconv.COST_AMOUNT,
    ),
)
"""Every generation of the conventions and those who grew from them: newer names win."""

LOGFIRE = Columns(
    **{
        name: getattr(GEN_AI, name)
        for name in GEN_AI.__struct_fields__
        if name not in ("parameters", "raw", "seconds")
    },
    parameters=("request_data",),
    raw=("gen_ai.usage.raw",),
    seconds=("duration",),
)

OPENINFERENCE = Columns(
    operation=(SPAN_KIND,),
    provider=("llm.system", "llm.provider"),
    request_model=(
        "reranker.model_name",
        "embedding.model_name",
        "llm.model_name",
        "llm.request.model_name",
    ),
    response_model=("llm.model_name", "llm.response.model_name"),
    usage=(
        ("llm.token_count.prompt", "input_tokens"),
        ("llm.token_count.completion", "output_tokens"),
        ("llm.token_count.prompt_details.cache_input", "cache_read_tokens"),
        ("llm.token_count.prompt_details.cache_read", "cache_read_tokens"),
        ("llm.token_count.prompt_details.cache_write", "cache_write_tokens"),
        ("llm.token_count.prompt_details.audio", "input_audio_tokens"),
        ("llm.token_count.completion_details.reasoning", "reasoning_tokens"),
        ("llm.token_count.completion_details.audio", "output_audio_tokens"),
    ),
    agent=("agent.name",),
    finish_reasons=("llm.finish_reason",),
    parameters=("embedding.invocation_parameters", "llm.invocation_parameters"),
    their_cost=("llm.cost.total",),
)

OTHERS = Dialect(name="the conventions", scopes=(), columns=GEN_AI)
"""Whoever speaks the conventions and is not in the table."""

OTHERS_BY_KIND = Dialect(name="OpenInference", scopes=(), columns=OPENINFERENCE)
"""Whoever names the kind of a span as OpenInference does, and is not in the table."""

DIALECTS: tuple[Dialect, ...] = (
    Dialect(name="costspan", scopes=("costspan",), columns=GEN_AI),
    Dialect(
        name="OpenTelemetry", scopes=("opentelemetry.instrumentation.genai.*",), columns=GEN_AI
    ),
    Dialect(
        name="OpenLLMetry",
        scopes=("opentelemetry.instrumentation.*", "traceloop*"),
        columns=GEN_AI,
        operations={"openai.response": "chat"},
    ),
    Dialect(
        name="OpenInference",
        scopes=("openinference.*",),
        columns=OPENINFERENCE,
    ),
    Dialect(
        name="OpenLIT",
        scopes=("openlit.instrumentation.anthropic*", "openlit.instrumentation.bedrock*"),
        columns=GEN_AI,
        cache_outside=True,
    ),
    Dialect(name="OpenLIT", scopes=("openlit*",), columns=GEN_AI),
    Dialect(name="Logfire", scopes=("logfire*",), columns=LOGFIRE, usage_apart=True),
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

RAW_USAGE: tuple[tuple[str, str, str], ...] = (
    ("cache_creation", "ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
    ("server_tool_use", "web_search_requests", "web_searches"),
    ("prompt_tokens_details", "audio_tokens", "input_audio_tokens"),
    ("completion_tokens_details", "audio_tokens", "output_audio_tokens"),
)
"""Counts of a provider's own usage object that the conventions have no attribute for."""

COMPACTION = "anthropic.usage.compaction.output_tokens"
"""Billed beside the counts of the call, and told as sums that cannot be priced by their parts."""
