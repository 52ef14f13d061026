"""Each dialect's spans, as literal attributes, read as calls with literal prices.

The attributes are those that each package put on its spans in November 2026 (the version stands in
the name), for the same two calls: 1,200 tokens in and 80 out, of the input 1,000 from or to a cache
where the name says so. US dollars per million tokens, read on 2026-11-22 (Anthropic's in
https://platform.claude.com/docs/en/about-claude/pricing, OpenAI's and Google's in genai-prices
0.2.3): gpt-4o-mini 0.15, cached 0.075, out 0.60; claude-opus-4-5 5, cache read 0.50, written for
five minutes 6.25, for an hour 10, out 25; gemini-2.5-flash 0.30, cached 0.03, out 2.50;
text-embedding-3-small 0.02.
"""

from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode

from costspan import Prices
from costspan.attributed import NOBODY, Attribution
from costspan.call import Call
from costspan.cost.foreign.dialects import dialect_of, read, role_of
from tests.cost.calls import AT

ENDED = round(AT.timestamp()) * 10**9

PLAIN = "0.000228"  # 1,200 x 0.15 + 80 x 0.60
CACHED = "0.000153"  # 200 x 0.15 + 1,000 x 0.075 + 80 x 0.60
CLAUDE = "0.008"  # 1,200 x 5 + 80 x 25
CLAUDE_CACHED = "0.0035"  # 200 x 5 + 1,000 x 0.50 + 80 x 25
CLAUDE_WRITTEN = "0.00925"  # 200 x 5 + 1,000 x 6.25 + 80 x 25
CLAUDE_WRITTEN_1H = "0.013"  # 200 x 5 + 1,000 x 10 + 80 x 25
GEMINI_CACHED = "0.00029"  # 200 x 0.30 + 1,000 x 0.03 + 80 x 2.50
EMBEDDED = "0.000024"  # 1,200 x 0.02

TOLD = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 80,
}
CLAUDE_TOLD = {
    **TOLD,
    "gen_ai.request.model": "claude-opus-4-5",
    "gen_ai.response.model": "claude-opus-4-5-20251101",
}
NATIVE = {
    **CLAUDE_TOLD,
    "gen_ai.provider.name": "anthropic",
    "server.address": "api.anthropic.com",
    "server.port": 443,
    "anthropic.response.service_tier": "standard",
    "http.response.status_code": 200,
}
OPENINFERENCE = {
    "llm.system": "openai",
    "llm.invocation_parameters": '{"model": "gpt-4o-mini"}',
    "llm.model_name": "gpt-4o-mini-2024-07-18",
    "llm.token_count.prompt": 1200,
    "llm.token_count.completion": 80,
    "llm.token_count.prompt_details.cache_read": 0,
    "llm.token_count.prompt_details.audio": 0,
    "openinference.span.kind": "LLM",
}
RAW_1H = (
    '{"cache_creation":{"ephemeral_1h_input_tokens":1000,"ephemeral_5m_input_tokens":0},'
    '"cache_creation_input_tokens":1000,"cache_read_input_tokens":0,"input_tokens":200,'
    '"output_tokens":80,"service_tier":"standard"}'
)

CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "OpenTelemetry 1.3b0": (
        "opentelemetry.instrumentation.genai.openai",
        {**TOLD, "gen_ai.provider.name": "openai", "openai.response.service_tier": "default"},
        "openai",
        PLAIN,
    ),
    "OpenTelemetry 1.3b0, cached": (
        "opentelemetry.instrumentation.genai.openai",
        {
            **TOLD,
            "gen_ai.provider.name": "openai",
            "gen_ai.usage.cache_read.input_tokens": 1000,
        },
        "openai",
        CACHED,
    ),
    "the conventions 1.41, cached": (
        "opentelemetry.instrumentation.openai_v2",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.prompt_tokens": 1200,
            "gen_ai.usage.completion_tokens": 80,
            "gen_ai.usage.cache_read_input_tokens": 1000,
        },
        "openai",
        CACHED,
    ),
    "the conventions 1.36, Vertex": (
        "opentelemetry.instrumentation.vertexai",
        {
            "gen_ai.operation.name": "generate_content",
            "gen_ai.system": "vertex_ai",
            "gen_ai.request.model": "gemini-2.5-flash",
            "gen_ai.usage.input_tokens": 1200,
            "gen_ai.usage.output_tokens": 80,
            "gen_ai.usage.cache_read.input_tokens": 1000,
        },
        "gcp.vertex_ai",
        GEMINI_CACHED,
    ),
    "OpenLLMetry 0.62.4, cached": (
        "opentelemetry.instrumentation.openai.v1",
        {
            **TOLD,
            "gen_ai.provider.name": "openai",
            "gen_ai.is_streaming": True,
            "gen_ai.openai.api_base": "https://api.openai.com/v1/",
            "gen_ai.usage.total_tokens": 1280,
            "gen_ai.usage.cache_read.input_tokens": 1000,
            "gen_ai.usage.reasoning_tokens": 0,
        },
        "openai",
        CACHED,
    ),
    "OpenLLMetry 0.49.8, Claude cached": (
        "opentelemetry.instrumentation.anthropic",
        {
            "gen_ai.system": "Anthropic",
            "llm.request.type": "completion",
            "gen_ai.request.model": "claude-opus-4-5",
            "gen_ai.response.model": "claude-opus-4-5-20251101",
            "gen_ai.usage.input_tokens": 1200,
            "gen_ai.usage.output_tokens": 80,
            "llm.usage.total_tokens": 1280,
            "gen_ai.usage.cache_read_input_tokens": 1000,
            "gen_ai.usage.cache_creation_input_tokens": 0,
        },
        "anthropic",
        CLAUDE_CACHED,
    ),
    "OpenLLMetry 0.49.8, embedding": (
        "opentelemetry.instrumentation.openai.v1",
        {
            "llm.request.type": "embedding",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "text-embedding-3-small",
            "gen_ai.usage.input_tokens": 1200,
        },
        "openai",
        EMBEDDED,
    ),
    "OpenInference 0.1.66": (
        "openinference.instrumentation.openai",
        OPENINFERENCE,
        "openai",
        PLAIN,
    ),
    "OpenInference 0.1.66, cached": (
        "openinference.instrumentation.openai",
        {**OPENINFERENCE, "llm.token_count.prompt_details.cache_read": 1000},
        "openai",
        CACHED,
    ),
    "OpenInference 0.1.66, embedding": (
        "openinference.instrumentation.openai",
        {
            "llm.system": "openai",
            "embedding.model_name": "text-embedding-3-small",
            "llm.token_count.prompt": 1200,
            "openinference.span.kind": "EMBEDDING",
        },
        "openai",
        EMBEDDED,
    ),
    "an app that speaks as OpenInference does": ("my.app", OPENINFERENCE, "openai", PLAIN),
    "OpenLIT 1.45, Claude cached": (
        "openlit.instrumentation.anthropic",
        {
            **CLAUDE_TOLD,
            "gen_ai.provider.name": "anthropic",
            "gen_ai.usage.input_tokens": 200,
            "gen_ai.usage.cache_read.input_tokens": 1000,
            "gen_ai.usage.cache_creation.input_tokens": 0,
        },
        "anthropic",
        CLAUDE_CACHED,
    ),
    "OpenLIT 1.45, cached": (
        "openlit.instrumentation.openai",
        {**TOLD, "gen_ai.provider.name": "openai", "gen_ai.usage.cache_read.input_tokens": 1000},
        "openai",
        CACHED,
    ),
    "OpenLIT 1.45, Gemini": (
        "openlit.instrumentation.google_ai_studio",
        {
            **TOLD,
            "gen_ai.provider.name": "gemini",
            "gen_ai.request.model": "gemini-2.5-flash",
            "gen_ai.response.model": "gemini-2.5-flash",
            "gen_ai.usage.cache_read.input_tokens": 1000,
        },
        "gcp.gemini",
        GEMINI_CACHED,
    ),
    "Logfire 5.4.0, cached": (
        "logfire.openai",
        {
            **TOLD,
            "gen_ai.system": "openai",
            "gen_ai.provider.name": "openai",
            "gen_ai.usage.cache_read.input_tokens": 1000,
            "request_data": '{"model":"gpt-4o-mini"}',
        },
        "openai",
        CACHED,
    ),
    "Logfire 4.36.0, cached: in the provider's own object alone": (
        "logfire.openai",
        {
            **TOLD,
            "gen_ai.system": "openai",
            "gen_ai.usage.raw": '{"completion_tokens":80,"prompt_tokens":1200,'
            '"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":1000}}',
        },
        "openai",
        CACHED,
    ),
    "Logfire 5.4.0, written for an hour": (
        "logfire.anthropic",
        {
            **CLAUDE_TOLD,
            "gen_ai.provider.name": "anthropic",
            "gen_ai.usage.cache_creation.input_tokens": 1000,
            "gen_ai.usage.raw": RAW_1H,
        },
        "anthropic",
        CLAUDE_WRITTEN_1H,
    ),
    "pydantic-ai 2.68.0, written for an hour": (
        "pydantic-ai",
        {
            **CLAUDE_TOLD,
            "gen_ai.provider.name": "anthropic",
            "gen_ai.usage.cache_creation.input_tokens": 1000,
            "gen_ai.usage.details.ephemeral_1h_input_tokens": 1000,
            "gen_ai.usage.details.cache_write_tokens": 1000,
            "gen_ai.usage.details.cache_read_input_tokens": 0,
        },
        "anthropic",
        CLAUDE_WRITTEN_1H,
    ),
    "the Anthropic SDK 2.12.0": (
        "com.anthropic.sdk.python",
        {**NATIVE, "gen_ai.usage.cache_read.input_tokens": 0},
        "anthropic",
        CLAUDE,
    ),
    "the Anthropic SDK 2.12.0, cached": (
        "com.anthropic.sdk.python",
        {**NATIVE, "gen_ai.usage.cache_read.input_tokens": 1000},
        "anthropic",
        CLAUDE_CACHED,
    ),
    "the Anthropic SDK 2.12.0, written": (
        "com.anthropic.sdk.python",
        {
            **NATIVE,
            "gen_ai.usage.cache_write.input_tokens": 1000,
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 1000,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 0,
        },
        "anthropic",
        CLAUDE_WRITTEN,
    ),
    "the Anthropic SDK 2.12.0, written for an hour": (
        "com.anthropic.sdk.python",
        {
            **NATIVE,
            "gen_ai.usage.cache_write.input_tokens": 1000,
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 0,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 1000,
        },
        "anthropic",
        CLAUDE_WRITTEN_1H,
    ),
    "Traceloop's own SDK": (
        "traceloop.sdk",
        {**TOLD, "gen_ai.provider.name": "openai", "traceloop.workflow.name": "w"},
        "openai",
        PLAIN,
    ),
}


def span(*, started_at: int = ENDED - 10**9, failed: bool = False) -> ReadableSpan:
    """A finished span, of one second."""
    return ReadableSpan(
        "chat",
        SpanContext(1, 2, is_remote=False),
        start_time=started_at,
        end_time=ENDED,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
    )


def found(
    scope: str,
    attributes: dict[str, Any],
    who: Attribution = NOBODY,
    *,
    remote: bool = False,
    **others: Any,
) -> Call | None:
    dialect = dialect_of(scope, attributes)
    assert dialect is not None
    return read(dialect, span(**others), attributes, who, remote=remote)


def call(scope: str, attributes: dict[str, Any], *who: Attribution, **others: Any) -> Call:
    it = found(scope, attributes, *who, **others)
    assert it is not None
    return it


@pytest.mark.parametrize(
    ("scope", "attributes", "provider", "dollars"), CASES.values(), ids=list(CASES)
)
def test_each_dialect_has_its_exact_price(
    scope: str, attributes: dict[str, Any], provider: str, dollars: str
):
    found = call(scope, attributes)
    cost = Prices().cost(found)
    assert found.request.provider == provider
    assert (cost.status, cost.missing, cost.total_usd) == ("priced", (), Decimal(dollars))


class TestWhatADialectCannotKnow:
    """It is named where the price needs it, and nowhere else."""

    @pytest.mark.parametrize(
        ("scope", "name"),
        [
            ("opentelemetry.instrumentation.genai.anthropic", "cache_write.input_tokens"),
            ("opentelemetry.instrumentation.anthropic", "cache_creation.input_tokens"),
            ("pydantic-ai", "cache_creation.input_tokens"),
        ],
    )
    def test_how_long_a_cache_keeps(self, scope: str, name: str):
        """Priced at the rate of five minutes, which is the least it can be."""
        told = {
            **CLAUDE_TOLD,
            "gen_ai.provider.name": "anthropic",
            f"gen_ai.usage.{name}": 1000,
        }
        cost = Prices().cost(call(scope, told))
        assert (cost.status, cost.missing) == ("partial", ("cache_write_1h_tokens",))
        assert cost.total_usd == Decimal(CLAUDE_WRITTEN)

    def test_how_long_a_cache_keeps_does_not_matter_where_it_costs_the_same(self):
        """gpt-5.6-sol: 200 x 4 + 1,000 x 5 + 80 x 20, one rate for whatever is written."""
        told = {
            **TOLD,
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5.6-sol",
            "gen_ai.response.model": "gpt-5.6-sol",
            "gen_ai.usage.cache_write.input_tokens": 1000,
        }
        cost = Prices().cost(call("opentelemetry.instrumentation.genai.openai", told))
        assert (cost.status, cost.total_usd) == ("priced", Decimal("0.0074"))

    def test_what_was_cached_where_its_absence_says_nothing(self):
        """OpenInference's agent spans named `generation` never tell it, those of responses do."""
        scope = "openinference.instrumentation.openai_agents"
        silent = {k: v for k, v in OPENINFERENCE.items() if not k.endswith("cache_read")}
        cost = Prices().cost(call(scope, silent))
        assert (cost.status, cost.missing) == ("partial", ("cache_read_tokens",))
        assert Prices().cost(call(scope, OPENINFERENCE)).status == "priced"

    @pytest.mark.parametrize(
        ("scope", "told"),
        [
            ("a", {**TOLD, "openai.request.service_tier": "flex"}),
            (
                "openinference.instrumentation.openai",
                {**OPENINFERENCE, "llm.invocation_parameters": '{"service_tier": "flex"}'},
            ),
        ],
    )
    def test_which_tier_served_a_call_that_asked_for_one(self, scope: str, told: dict[str, Any]):
        cost = Prices().cost(call(scope, told))
        assert (cost.status, cost.missing) == ("partial", ("service_tier",))

    def test_a_tier_that_is_told(self):
        """gpt-5 in flex is half of 1.25 and 10: 1,200 x 0.625 + 80 x 5."""
        told = {
            **TOLD,
            "gen_ai.request.model": "gpt-5",
            "gen_ai.response.model": "gpt-5",
            "openai.request.service_tier": "flex",
            "gen_ai.openai.response.service_tier": "flex",
        }
        cost = Prices().cost(call("a", told))
        assert (cost.status, cost.total_usd) == ("priced", Decimal("0.00115"))

    def test_a_compaction_told_as_a_sum(self):
        told = {
            **NATIVE,
            "anthropic.usage.compaction.input_tokens": 900,
            "anthropic.usage.compaction.output_tokens": 30,
        }
        cost = Prices().cost(call("com.anthropic.sdk.python", told))
        assert (cost.status, cost.missing) == ("partial", ("iterations",))

    def test_no_usage_at_all(self):
        told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
        cost = Prices().cost(call("a", told))
        assert (cost.status, cost.missing, cost.total) == ("unpriced", ("usage",), None)

    @pytest.mark.parametrize("count", ["many", -1, True, 1.5, None])
    def test_a_count_that_is_none(self, count: Any):
        told = {**TOLD, "gen_ai.usage.input_tokens": count}
        cost = Prices().cost(call("a", told))
        assert (cost.status, cost.missing) == ("partial", ("input_tokens",))


class TestUsage:
    """Names of several generations on one span."""

    def test_the_newest_name_of_a_thing_is_taken_and_none_is_added(self):
        told = {
            **TOLD,
            "gen_ai.usage.prompt_tokens": 7,
            "llm.usage.prompt_tokens": 8,
            "gen_ai.usage.cache_write.input_tokens": 30,
            "gen_ai.usage.cache_creation.input_tokens": 31,
        }
        usage = call("a", told).usage
        assert usage is not None
        assert (usage.input_tokens, usage.cache_write_tokens) == (1200, 30)

    def test_more_cached_than_input_was_counted_apart(self):
        told = {
            **TOLD,
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.cache_read.input_tokens": 2000,
            "gen_ai.usage.cache_creation.input_tokens": 500,
        }
        usage = call("someone.else", told).usage
        assert usage is not None
        assert usage.input_tokens == 2510

    def test_every_count_of_ours_is_read(self):
        """What costspan writes, another process's processor could read."""
        told = {
            **TOLD,
            "gen_ai.usage.audio.input_tokens": 3,
            "costspan.usage.cache_write_1h.input_tokens": 4,
            "costspan.usage.web_searches": 2,
        }
        usage = call("costspan", told).usage
        assert usage is not None
        assert (usage.input_audio_tokens, usage.cache_write_1h_tokens, usage.web_searches) == (
            3,
            4,
            2,
        )


class TestCall:
    """What else a span tells."""

    def test_the_server_tells_who_bills(self):
        told = {**TOLD, "gen_ai.provider.name": "openai", "server.address": "api.groq.com"}
        request = call("a", told).request
        assert (request.provider, request.server_address) == ("groq", "api.groq.com")

    def test_a_server_by_its_url(self):
        told = {**TOLD, "gen_ai.openai.api_base": "http://localhost:11434/v1"}
        request = call("a", told).request
        found = (request.provider, request.server_address, request.server_port)
        assert found == ("ollama", "localhost", 11434)

    @pytest.mark.parametrize("url", ["http://[", "no url", 5])
    def test_a_url_that_is_none(self, url: Any):
        assert call("a", {**TOLD, "gen_ai.openai.api_base": url}).request.provider == "openai"

    def test_a_refusal_is_not_billed_and_another_failure_is_unknown(self):
        told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
        refused = call("a", {**told, "http.response.status_code": 429}, failed=True)
        broken = call("a", {**told, "error.type": "openai.APIError"}, failed=True)
        assert (refused.error, Prices().cost(refused).status) == ("_OTHER", "not_billed")
        assert (broken.error, Prices().cost(broken).status) == ("openai.APIError", "unpriced")
        assert {refused.outcome, broken.outcome} == {"failed"}

    def test_a_price_that_the_provider_named(self):
        told = {
            **TOLD,
            "gen_ai.usage.cost.amount": 0.0123,
            "gen_ai.usage.cost.currency": "USD",
            "gen_ai.usage.cost.source": "provider",
        }
        cost = Prices().cost(call("a", told))
        assert (cost.match, cost.total_usd) == ("provider", Decimal("0.0123"))

    def test_a_record_made_after_the_call_says_how_long_it_took(self):
        it = call("logfire.openai", {**TOLD, "duration": 2.5}, started_at=ENDED)
        assert (it.runtime_seconds, it.ended_at - it.started_at) == (2.5, 2_500_000_000)

    @pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -2.5, 1e300, "2.5"])
    def test_a_time_that_is_none(self, seconds: Any):
        it = call("logfire.openai", {**TOLD, "duration": seconds})
        assert (it.runtime_seconds, it.ended_at - it.started_at) == (1, 10**9)

    @pytest.mark.parametrize(
        "asked", ["[" * 5_000, '{"service_tier": ["flex"]}', '{"service_tier": {"x": 1}}', "no"]
    )
    def test_parameters_that_are_odd(self, asked: str):
        """Too deep, or of another type: the call is counted all the same."""
        told = {**OPENINFERENCE, "llm.invocation_parameters": asked}
        found = call("openinference.instrumentation.openai", told)
        assert found.usage is not None
        assert found.usage.input_tokens == 1200

    def test_the_span_of_a_request_whose_usage_follows_on_a_record_is_no_call(self):
        told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
        assert found("logfire.openai", told) is None
        assert found("logfire.openai", told, failed=True) is not None

    def test_whose_call_it_is(self):
        """The attribution in force wins over what the span says."""
        told = {**TOLD, "gen_ai.agent.name": "theirs", "session.id": "s1", "user.id": "u1"}
        it = call("a", told, Attribution(agent="ours", tags={"team": "x"}))
        assert (it.agent, it.session, it.user) == ("ours", "s1", "u1")
        assert it.tags == {"team": "x"}


class TestNoCall:
    """Spans that carry no dollars of their own."""

    @pytest.mark.parametrize(
        ("operation", "role"),
        [
            ("invoke_agent", "agent"),
            ("invoke_workflow", "agent"),
            ("execute_tool", "tool"),
            ("fetch_response", None),
            ("retrieval", None),
            ("create_memory", None),
        ],
    )
    def test_operations_that_are_not_billed(self, operation: str, role: str | None):
        told = {**TOLD, "gen_ai.operation.name": operation}
        dialect = dialect_of("a", told)
        assert dialect is not None
        assert role_of(dialect, "x", told) == role
        assert found("a", told) is None

    @pytest.mark.parametrize("kind", ["CHAIN", "AGENT", "TOOL", "RETRIEVER", "GUARDRAIL", 5])
    def test_kinds_that_are_not_billed(self, kind: Any):
        told = {**OPENINFERENCE, "openinference.span.kind": kind}
        assert found("openinference.instrumentation.langchain", told) is None

    def test_an_agent_that_runs_elsewhere_has_its_sums(self):
        told = {
            **TOLD,
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "openai",
        }
        assert Prices().cost(call("a", told, remote=True)).total_usd == Decimal(PLAIN)

    def test_an_agent_that_runs_elsewhere_and_tells_nothing(self):
        told = {"gen_ai.operation.name": "invoke_agent"}
        assert found("a", told, remote=True) is None

    @pytest.mark.parametrize(
        "scope", ["opentelemetry.instrumentation.httpx", "logfire", "logfire.fastapi", "my.app", ""]
    )
    @pytest.mark.parametrize("told", [{}, {"http.method": "GET"}, {"session.id": "s"}])
    def test_a_span_that_is_none_of_genai(self, scope: str, told: dict[str, Any]):
        assert dialect_of(scope, told) is None
