"""What a correct span and price are for each recorded OpenAI/Anthropic response.

Worked out by hand from the recorded bodies and the price rows of genai-prices 0.2.3 (its
``data.py`` read as a dated table on 2026-11-22), without running costspan or ``calc_price``.

- Rates are USD per million tokens ("Mtok"). No row used here has a start date after 2026-11-22.
- ``None`` = the body does not report the key (or there is nothing to expect); ``0`` = reports 0.
- Token fields are the body's top-level usage; Anthropic input = input + cache read + cache write.
- ``finish_reasons`` is None where the body gives none (every Responses API body but one).
- ``service_tier`` is None also where a queued response says "auto", which is no tier yet.
- ``settles``: a retrieval that pays for a response made in the background.
- ``web_searches`` is None where neither ``tool_usage`` nor a ``web_search_call`` is in the body.
- ``usd`` of a "partial" price is the sum of the rated quantities only (unrated ones count as 0).
- ``base_url`` is what the SDK client gets, so that base_url + resource path = recorded path;
  for AZURE it is ``azure_endpoint`` of ``AzureOpenAI``, for AZURE_V1 the base_url of ``OpenAI``.
"""

from __future__ import annotations

from dataclasses import dataclass

OPENAI = "https://api.openai.com/v1"
ANTHROPIC = "https://api.anthropic.com"
AZURE = "https://example.openai.azure.com"
AZURE_V1 = "https://example.openai.azure.com/openai/v1"
OPENROUTER = "https://openrouter.ai/api/v1"
GROQ = "https://api.groq.com/openai/v1"
TOGETHER = "https://api.together.xyz/v1"
DEEPSEEK = "https://api.deepseek.com"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The expected span and price of one recording."""

    span: bool = True
    operation: str | None = None
    provider: str | None = None
    base_url: str | None = None
    stream: bool = False
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] | None = None
    status: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    web_searches: int | None = None
    service_tier: str | None = None
    settles: bool = False
    error: str | None = None
    cost_status: str | None = None
    missing: tuple[str, ...] = ()
    usd: str | None = None
    working: str | None = None
    source: str | None = None


def _row(row: str, note: str = "") -> str:
    """Name the price row (provider/id in genai-prices 0.2.3) and the date it was read."""
    return f"genai-prices 0.2.3 row {row}, read 2026-11-22" + (f"; {note}" if note else "")


# fmt: off
EXPECTED: dict[str, Expected] = {
    "openai/audio-transcriptions--1bba1.json": Expected(
        span=False, base_url=OPENAI, status=200,
        working="audio/transcriptions is not instrumented; the body names no model",
    ),
    "openai/chat-completions-audio-in-audio-tokens-gpt-4o-audio-preview-a6793.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-4o-audio-preview", response_model="gpt-4o-audio-preview-2025-06-03",
        response_id="chatcmpl-D5caSDR31gOd1Qpyucf0b5VvVy9zY", finish_reasons=("stop",),
        service_tier="default",
        input_tokens=21, output_tokens=1, cache_read_tokens=0, reasoning_tokens=0,
        input_audio_tokens=2, output_audio_tokens=0,
        cost_status="partial", missing=("input_audio_tokens",), usd="0.0000575",
        working=(
            "text only: (21-2)*2.5 + 1*10 per Mtok; the 2 input audio tokens have no rate in the "
            "row"
        ),
        source=_row("openai/gpt-4o-audio-preview",
            "2.5 in, 10 out; LiteLLM's table had audio at 100 in, 200 out (later 40/80, not "
            "checked), absent here"),
    ),
    (
        "openai/chat-completions-azure-reasoning-effort-reasoning-tokens-gpt-5-nano-"
        "3f0f0.json"
    ): Expected(
        operation="chat", provider="azure.ai.openai", base_url=AZURE, status=200,
        request_model="gpt-5-nano", response_model="gpt-5-nano-2025-08-07",
        response_id="chatcmpl-C6EJeKZdEaC0VeeKH3lWwJBjCTcpd", finish_reasons=("stop",),
        input_tokens=11, output_tokens=203, cache_read_tokens=0, reasoning_tokens=192,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.00008175",
        working="11*0.05 + 203*0.4 per Mtok (no service_tier in the body: base row)",
        source=_row("openai/gpt-5-nano",
            "no azure row, azure falls back to openai; 0.05 in, 0.4 out"),
    ),
    (
        "openai/chat-completions-cache-write-finish-length-reasoning-tokens-gpt-5.6-sol-"
        "7cd0a.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-5.6-sol", response_model="gpt-5.6-sol",
        response_id="chatcmpl-E0AeOu004E5onbvs8LtrVv7w8NYn2", finish_reasons=("length",),
        service_tier="default",
        input_tokens=1220, output_tokens=100, cache_read_tokens=0, cache_write_tokens=1217,
        reasoning_tokens=100, input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.008097",
        working="(1220-1217)*4 + 1217*5 + 100*20 per Mtok",
        source=_row("openai/gpt-5.6-sol",
            "4 in, 5 cache write, 0.4 cache read, 20 out since 2026-08-21 (before: "
            "5/6.25/0.5/30); tier over 272000 not reached"),
    ),
    "openai/chat-completions-error400-o1-mini-d1bc5.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=400,
        error="openai.BadRequestError", request_model="o1-mini",
        cost_status="not_billed", usd="0",
        working="HTTP 400: not billed",
    ),
    "openai/chat-completions-error401-gpt-4-8c8ee.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=401,
        error="openai.AuthenticationError", request_model="gpt-4",
        cost_status="not_billed", usd="0",
        working="HTTP 401: not billed",
    ),
    "openai/chat-completions-error404-gpt-3.5-turbo-0613-bf0d2.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=404,
        error="openai.NotFoundError", request_model="gpt-3.5-turbo-0613",
        cost_status="not_billed", usd="0",
        working="HTTP 404: not billed",
    ),
    (
        "openai/chat-completions-image-in-reasoning-tokens-tool-result-in-gpt-5-mini-"
        "f98b3.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-5-mini", response_model="gpt-5-mini-2025-08-07",
        response_id="chatcmpl-D7QTHj77ZRYRXNAOcOCrmKKhtzYbv", finish_reasons=("stop",),
        service_tier="default",
        input_tokens=334, output_tokens=429, cache_read_tokens=0, reasoning_tokens=256,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.0009415",
        working="334*0.25 + 429*2 per Mtok",
        source=_row("openai/gpt-5-mini", "0.25 in, 2 out"),
    ),
    "openai/chat-completions-parallel-tools-tool-call-gpt-4.1-nano-0805a.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-4.1-nano", response_model="gpt-4.1-nano-2025-04-14",
        response_id="chatcmpl-BWksGmkBZRsvsGK2EVzzmjTI7wn6P", finish_reasons=("tool_calls",),
        service_tier="default",
        input_tokens=67, output_tokens=47, cache_read_tokens=0, reasoning_tokens=0,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.0000255",
        working="67*0.1 + 47*0.4 per Mtok",
        source=_row("openai/gpt-4.1-nano", "0.1 in, 0.4 out"),
    ),
    "openai/chat-completions-reasoning-text-reasoning-tokens-o3-mini-948c9.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200, request_model="o3-mini",
        response_model="o3-mini-2025-01-31", response_id="chatcmpl-BKtestREASONING",
        finish_reasons=("stop",),
        input_tokens=12, output_tokens=30, cache_read_tokens=0, reasoning_tokens=15,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.0001452",
        working="12*1.1 + 30*4.4 per Mtok",
        source=_row("openai/o3-mini", "1.1 in, 4.4 out"),
    ),
    "openai/chat-completions-stream-azure-stream-usage-gpt-5.2-2025-12-11-41221.json": Expected(
        operation="chat", provider="azure.ai.openai", base_url=AZURE, stream=True, status=200,
        request_model="gpt-5.2_2025-12-11", response_model="gpt-5.2-2025-12-11",
        response_id="chatcmpl-DmfZu2BjJmBGSSHpj9hWtFQYBUxYn", finish_reasons=("stop",),
        service_tier="default",
        input_tokens=12, output_tokens=24, cache_read_tokens=0, reasoning_tokens=0,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.000357",
        working="12*1.75 + 24*14 per Mtok",
        source=_row("openai/gpt-5.2",
            "no azure row, azure falls back to openai; 1.75 in, 14 out; the deployment name is in"
            " no row"),
    ),
    (
        "openai/chat-completions-stream-cached-finish-length-stream-usage-gpt-4o-"
        "e265e.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-4o", response_model="gpt-4o-2024-08-06",
        response_id="chatcmpl-BpJBM4XqgLRpLxmTeun39ESCNhQwb", finish_reasons=("length",),
        service_tier="default",
        input_tokens=1420, output_tokens=100, cache_read_tokens=1280, reasoning_tokens=0,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.00295",
        working="(1420-1280)*2.5 + 1280*1.25 + 100*10 per Mtok",
        source=_row("openai/gpt-4o", "2.5 in, 1.25 cache read, 10 out"),
    ),
    (
        "openai/chat-completions-stream-developer-role-stream-usage-tool-call-gpt-4o-mini-"
        "0da9a.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-4o-mini", response_model="gpt-4o-mini-2024-07-18",
        response_id="chatcmpl-ChZGtWl2za1l5jTaEl4KhNkV3RdM0", finish_reasons=("tool_calls",),
        service_tier="default",
        input_tokens=58, output_tokens=17, cache_read_tokens=0, reasoning_tokens=0,
        input_audio_tokens=0, output_audio_tokens=0,
        cost_status="priced", usd="0.0000189",
        working="58*0.15 + 17*0.6 per Mtok",
        source=_row("openai/gpt-4o-mini", "0.15 in, 0.6 out"),
    ),
    "openai/chat-completions-stream-stream-no-usage-gpt-4.1-d9ce1.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-4.1", response_model="gpt-4.1-2025-04-14",
        response_id="chatcmpl-D8EA5nZ0hOZP7LH1T8J9NNIiYa8n1", finish_reasons=("stop",),
        service_tier="default",
        cost_status="unpriced", missing=("usage",),
        working="stream without stream_options.include_usage: no usage was reported",
        source=_row("openai/gpt-4.1", "2 in, 8 out, not applied"),
    ),
    (
        "openai/chat-completions-stream-stream-usage-tool-result-in-usage-in-choice-chunk-"
        "muse-spark-1.1-bff40.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="muse-spark-1.1", response_model="muse-spark-1.1",
        response_id="gen-1753242300-DdArgsNullVariantD01", finish_reasons=("stop",),
        input_tokens=107, output_tokens=15, cache_read_tokens=0, reasoning_tokens=0,
        cost_status="priced", usd="0.0001017",
        working=(
            "reported by the provider (usage.cost); no openai row has the model; meta's row would"
            " give 107*1.25 + 15*4.25 per Mtok = 0.0001975"
        ),
        source=_row("meta/muse-spark-1.1",
            "only for comparison, 1.25 in, 4.25 out; the source cassette's host is "
            "api.openai.com, its body OpenRouter-shaped"),
    ),
    "openai/compat-deepseek-responses-error400-deepseek-v4-flash-7affe.json": Expected(
        operation="chat", provider="deepseek", base_url=DEEPSEEK, status=400,
        error="openai.BadRequestError", request_model="deepseek-v4-flash",
        cost_status="not_billed", usd="0",
        working="HTTP 400: not billed",
    ),
    "openai/compat-groq-chat-completions-error404-non-existent-1d262.json": Expected(
        operation="chat", provider="groq", base_url=GROQ, status=404, error="openai.NotFoundError",
        request_model="non-existent",
        cost_status="not_billed", usd="0",
        working="HTTP 404: not billed",
    ),
    (
        "openai/compat-groq-chat-completions-stream-error-in-stream-reasoning-text-stream-no-"
        "usage-gpt-oss-120b-b6c42.json"
    ): Expected(
        operation="chat", provider="groq", base_url=GROQ, stream=True, status=200,
        error="openai.APIError", request_model="openai/gpt-oss-120b",
        response_model="openai/gpt-oss-120b",
        response_id="chatcmpl-fd87720a-9b48-4161-bcd7-6127bd0d3696",
        cost_status="unpriced", missing=("usage",),
        working=(
            "error event in the stream; neither usage nor x_groq.usage was ever sent (x_groq has "
            "only id, seed)"
        ),
        source=_row("groq/openai/gpt-oss-120b", "0.15 in, 0.6 out, not applied"),
    ),
    (
        "openai/compat-openrouter-chat-completions-annotations-file-in-reasoning-text-"
        "reasoning-tokens-gpt-5.1-codex-mini-fac3f.json"
    ): Expected(
        operation="chat", provider="openrouter", base_url=OPENROUTER, status=200,
        request_model="openai/gpt-5.1-codex-mini", response_model="openai/gpt-5.1-codex-mini",
        response_id="gen-1765242614-YgDR3Zs41nEz8rEq4RPu", finish_reasons=("stop",),
        input_tokens=31, output_tokens=80, cache_read_tokens=0, reasoning_tokens=64,
        input_audio_tokens=0,
        cost_status="priced", usd="0.00216775",
        working=(
            "reported by the provider; the table gives 31*0.25 + 80*2 per Mtok = 0.00016775, the "
            "other 0.002 presumably is the PDF parsing fee"
        ),
        source=_row("openrouter/openai/gpt-5.1-codex-mini",
            "0.25 in, 0.03 cache read since 2026-10-19 (before 0.025), 2 out"),
    ),
    (
        "openai/compat-openrouter-chat-completions-stream-error-in-stream-finish-length-"
        "reasoning-text-reasoning-tokens-minima-9a0e6.json"
    ): Expected(
        operation="chat", provider="openrouter", base_url=OPENROUTER, stream=True, status=200,
        error="openai.APIError", request_model="minimax/minimax-m2:free",
        response_model="minimax/minimax-m2:free", response_id="gen-1762179802-UN8pkJI4AGZvryk0kFnb",
        finish_reasons=("length",),
        cost_status="unpriced", missing=("usage",),
        working=(
            "usage and cost 0 stand in the very chunk whose error makes the SDK raise, so that "
            "nobody is ever handed them; the model is in no openrouter row"
        ),
        source=_row("openrouter (none)", "no row matches minimax/minimax-m2:free"),
    ),
    (
        "openai/compat-openrouter-responses-cache-write-encrypted-reasoning-gpt-5.6-sol-"
        "f3d65.json"
    ): Expected(
        operation="chat", provider="openrouter", base_url=OPENROUTER, status=200,
        request_model="openai/gpt-5.6-sol", response_model="openai/gpt-5.6-sol",
        response_id="gen-1784286312-3R0SU4Mb8ucOpEJ79d2o", service_tier="default",
        input_tokens=4020, output_tokens=5, cache_read_tokens=0, cache_write_tokens=4012,
        reasoning_tokens=0,
        cost_status="priced", usd="0.025265",
        working=(
            "reported by the provider; the table gives (4020-4012)*4 + 4012*5 + 5*20 per Mtok = "
            "0.020192 (at the 2026-07 list 5/6.25/30 it is 0.025265)"
        ),
        source=_row("openrouter/openai/gpt-5.6-sol",
            "4 in, 5 cache write, 20 out since 2026-10-19 (before: 2/2.5/10)"),
    ),
    "openai/compat-together-completions-Mixtral-8x7B-Instruct-v0.1-f2419.json": Expected(
        operation="text_completion", provider="together", base_url=TOGETHER, status=200,
        request_model="mistralai/Mixtral-8x7B-Instruct-v0.1",
        response_model="mistralai/Mixtral-8x7B-Instruct-v0.1", response_id="88fa66988e400e83-MXP",
        finish_reasons=("length",),
        input_tokens=10, output_tokens=512,
        cost_status="priced", usd="0.0004698",
        working="10*0.9 + 512*0.9 per Mtok",
        source=_row("together/mistralai/Mixtral-8x7B-Instruct-v0.1",
            "0.9 in, 0.9 out; Together's own list was 0.6 as far as known (not checked)"),
    ),
    "openai/completions-azure-gpt-35-turbo-73134.json": Expected(
        operation="text_completion", provider="azure.ai.openai", base_url=AZURE, status=200,
        request_model="gpt-35-turbo", response_model="gpt-35-turbo",
        response_id="cmpl-80yXLPWze5qul39qHFOlO1j7VViFv", finish_reasons=("length",),
        input_tokens=16, output_tokens=20,
        cost_status="priced", usd="0.000038",
        working="16*0.5 + 20*1.5 per Mtok",
        source=_row("openai/gpt-3.5-turbo",
            "no azure row, azure falls back to openai, whose row also matches gpt-35-turbo; 0.5 "
            "in, 1.5 out; the 2023 versions listed at 1.5/2"),
    ),
    "openai/completions-error401-babbage-002-21301.json": Expected(
        operation="text_completion", provider="openai", base_url=OPENAI, status=401,
        error="openai.AuthenticationError", request_model="babbage-002",
        cost_status="not_billed", usd="0",
        working="HTTP 401: not billed",
    ),
    "openai/completions-gpt-3.5-turbo-instruct-44b08.json": Expected(
        operation="text_completion", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-3.5-turbo-instruct", response_model="gpt-3.5-turbo-instruct",
        response_id="cmpl-AGdFjdKe5D9GGsJJVHxv03N80fFqs", finish_reasons=("stop",),
        input_tokens=13, output_tokens=11,
        cost_status="priced", usd="0.0000415",
        working="13*1.5 + 11*2 per Mtok",
        source=_row("openai/gpt-3.5-turbo-instruct", "1.5 in, 2 out"),
    ),
    "openai/completions-stream-stream-no-usage-davinci-002-2d122.json": Expected(
        operation="text_completion", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="davinci-002", response_model="davinci-002",
        response_id="cmpl-8wq44uFYuGm6kNe44ntRwluggKZFY", finish_reasons=("length",),
        cost_status="unpriced", missing=("usage",),
        working="stream without stream_options.include_usage: no usage was reported",
        source=_row("openai/davinci-002", "2 in, 2 out, not applied"),
    ),
    "openai/embeddings-azure-error401-embedding-299c7.json": Expected(
        operation="embeddings", provider="azure.ai.openai", base_url=AZURE, status=401,
        error="openai.AuthenticationError", request_model="embedding",
        cost_status="not_billed", usd="0",
        working="HTTP 401: not billed",
    ),
    "openai/embeddings-base64-multi-input-text-embedding-3-small-59e6a.json": Expected(
        operation="embeddings", provider="openai", base_url=OPENAI, status=200,
        request_model="text-embedding-3-small", response_model="text-embedding-3-small",
        input_tokens=20,
        cost_status="priced", usd="0.0000004",
        working="20*0.02 per Mtok",
        source=_row("openai/text-embedding-3-small", "0.02 in"),
    ),
    "openai/embeddings-error404-non-existent-embedding-model-16cd1.json": Expected(
        operation="embeddings", provider="openai", base_url=OPENAI, status=404,
        error="openai.NotFoundError", request_model="non-existent-embedding-model",
        cost_status="not_billed", usd="0",
        working="HTTP 404: not billed",
    ),
    "openai/embeddings-text-embedding-ada-002-bde47.json": Expected(
        operation="embeddings", provider="openai", base_url=OPENAI, status=200,
        request_model="text-embedding-ada-002", response_model="text-embedding-ada-002-v2",
        input_tokens=2,
        cost_status="priced", usd="0.0000002",
        working="2*0.1 per Mtok",
        source=_row("openai/text-embedding-ada-002", "0.1 in"),
    ),
    "openai/images-generations-dall-e-2-55203.json": Expected(
        span=False, base_url=OPENAI, status=200,
        working="images/generations is not instrumented",
    ),
    "openai/images-generations-error400-dall-e-2-13ad0.json": Expected(
        span=False, base_url=OPENAI, status=400, error="openai.BadRequestError",
        working="images/generations is not instrumented",
    ),
    "openai/moderations-text-moderation-latest-a192c.json": Expected(
        operation="moderation", provider="openai", base_url=OPENAI, status=200,
        request_model="text-moderation-latest", response_model="text-moderation-007",
        response_id="modr-BrWsQkdjseeQQN9fASO9EDi8rWhT7",
        cost_status="not_billed", usd="0",
        working="moderation is free and reports no usage",
    ),
    (
        "openai/responses-azure-encrypted-reasoning-reasoning-reasoning-tokens-gpt-5.5-"
        "3255f.json"
    ): Expected(
        operation="chat", provider="azure.ai.openai", base_url=AZURE_V1, status=200,
        request_model="gpt-5.5", response_model="gpt-5.5",
        response_id="resp_0bb4c92b9ee53ce5006a6771221ca08195be1955289fa07890",
        service_tier="default",
        input_tokens=18, output_tokens=16, cache_read_tokens=0, reasoning_tokens=9,
        cost_status="priced", usd="0.00057",
        working="18*5 + 16*30 per Mtok",
        source=_row("openai/gpt-5.5", "no azure row, azure falls back to openai; 5 in, 30 out"),
    ),
    (
        "openai/responses-background-encrypted-reasoning-status-queued-tier-auto-gpt-5.6-sol-"
        "c2dcc.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-5.6-sol", response_model="gpt-5.6-sol",
        response_id="resp_047f9036fb333784006a5fe9db456c819095d041b89bf6629e",
        cost_status="unpriced", missing=("usage",),
        working=(
            "background response still queued: usage null, searches not counted yet; only a later "
            "GET would show them"
        ),
        source=_row("openai/gpt-5.6-sol", "not applied"),
    ),
    (
        "openai/responses-cache-write-citations-encrypted-reasoning-reasoning-tokens-gpt-5.6-"
        "cf1b8.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200, request_model="gpt-5.6",
        response_model="gpt-5.6-sol",
        response_id="resp_0c7df91b4856b264006a633778f2c88196b80a94b8bdeeb7a3",
        service_tier="default",
        input_tokens=8576, output_tokens=52, cache_read_tokens=0, cache_write_tokens=4418,
        reasoning_tokens=32, web_searches=1,
        cost_status="priced", usd="0.049762",
        working="(8576-4418)*4 + 4418*5 + 52*20 per Mtok = 0.039762, + 1 web search*10/1000",
        source=_row("openai/gpt-5.6-sol",
            "4 in, 5 cache write, 0.4 cache read, 20 out since 2026-08-21 (before: "
            "5/6.25/0.5/30); tier over 272000 not reached; web search 10 per 1000"),
    ),
    (
        "openai/responses-cached-code-interpreter-call-encrypted-reasoning-reasoning-gpt-5-"
        "97a88.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200, request_model="gpt-5",
        response_model="gpt-5-2025-08-07",
        response_id="resp_68cdba511c7081a389e67b16621029c609b7445677780c8f", service_tier="default",
        input_tokens=1493, output_tokens=125, cache_read_tokens=1280, reasoning_tokens=64,
        cost_status="partial", missing=("code_executions",), usd="0.00167625",
        working=(
            "(1493-1280)*1.25 + 1280*0.125 + 125*10 per Mtok; the code_interpreter container is "
            "billed apart and not reported"
        ),
        source=_row("openai/gpt-5",
            "1.25 in, 0.125 cache read, 10 out; OpenAI lists about 0.03 per 1 GB container "
            "session, not in the row"),
    ),
    "openai/responses-compact-compaction-previous-response-id-gpt-4.1-421c5.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200, request_model="gpt-4.1",
        response_id="resp_0d4b654a05c1a7a70169deb7a56ee88197b04efb1730b42b1d",
        input_tokens=117, output_tokens=193, cache_read_tokens=0, reasoning_tokens=0,
        cost_status="priced", usd="0.001778",
        working=(
            "117*2 + 193*8 per Mtok (the body has no model: request model; no service_tier: base "
            "row)"
        ),
        source=_row("openai/gpt-4.1", "2 in, 8 out"),
    ),
    (
        "openai/responses-encrypted-reasoning-function-call-parallel-tools-reasoning-gpt-5.5-"
        "6d584.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200, request_model="gpt-5.5",
        response_model="gpt-5.5-2026-04-23",
        response_id="resp_0429c1fcf5cbfa350169fabfef66108197a84f433a66eb14cc",
        service_tier="default",
        input_tokens=532, output_tokens=119, cache_read_tokens=0, reasoning_tokens=17,
        cost_status="priced", usd="0.00623",
        working="532*5 + 119*30 per Mtok",
        source=_row("openai/gpt-5.5", "5 in, 30 out"),
    ),
    (
        "openai/responses-encrypted-reasoning-function-call-reasoning-reasoning-tokens-gpt-"
        "5.6-sol-22bcc.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-5.6-sol", response_model="gpt-5.6-sol",
        response_id="resp_0489b1f645a1aa85006a516483b0c8819686cd13994fc43588",
        service_tier="default",
        input_tokens=613, output_tokens=61, cache_read_tokens=0, cache_write_tokens=0,
        reasoning_tokens=35, web_searches=0,
        cost_status="priced", usd="0.003672",
        working="613*4 + 61*20 per Mtok; tool search itself is free",
        source=_row("openai/gpt-5.6-sol",
            "4 in, 5 cache write, 0.4 cache read, 20 out since 2026-08-21 (before: "
            "5/6.25/0.5/30); tier over 272000 not reached"),
    ),
    "openai/responses-encrypted-reasoning-json-schema-gpt-5.4-mini-d23fc.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-5.4-mini", response_model="gpt-5.4-mini-2026-03-17",
        response_id="resp_0d53bcfe78ba69b1006a0bc8c93420819eb52646162e379902",
        service_tier="default",
        input_tokens=72, output_tokens=14, cache_read_tokens=0, reasoning_tokens=0,
        cost_status="priced", usd="0.000117",
        working="72*0.75 + 14*4.5 per Mtok",
        source=_row("openai/gpt-5.4-mini", "0.75 in, 4.5 out"),
    ),
    (
        "openai/responses-encrypted-reasoning-mcp-call-mcp-list-tools-reasoning-o4-mini-"
        "efa23.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200, request_model="o4-mini",
        response_model="o4-mini-2025-04-16",
        response_id="resp_0558010cf1416a490068faa0f945bc81a0b6a6dfb7391030d5",
        service_tier="default",
        input_tokens=1065, output_tokens=760, cache_read_tokens=0, reasoning_tokens=576,
        cost_status="priced", usd="0.0045155",
        working="1065*1.1 + 760*4.4 per Mtok; (failed) MCP calls have no fee of their own",
        source=_row("openai/o4-mini", "1.1 in, 4.4 out"),
    ),
    "openai/responses-error400-this-model-does-not-exist-ffb43.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=400,
        error="openai.BadRequestError", request_model="this-model-does-not-exist",
        cost_status="not_billed", usd="0",
        working="HTTP 400: not billed",
    ),
    (
        "openai/responses-file-in-image-in-reasoning-reasoning-tokens-o4-mini-2025-04-16-"
        "01335.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, status=200,
        response_model="o4-mini-2025-04-16",
        response_id="resp_0d6748b78bb768ea016925bdc9cb888196aa33b8d5b41e12d6",
        service_tier="default",
        input_tokens=11041, output_tokens=1522, cache_read_tokens=0, reasoning_tokens=640,
        cost_status="priced", usd="0.0188419",
        working="11041*1.1 + 1522*4.4 per Mtok (stored prompt: the request names no model)",
        source=_row("openai/o4-mini", "1.1 in, 4.4 out"),
    ),
    "openai/responses-input-tokens-gpt-4.1-mini-ea72b.json": Expected(
        operation="count_tokens", provider="openai", base_url=OPENAI, status=200,
        request_model="gpt-4.1-mini",
        input_tokens=18,
        cost_status="not_billed", usd="0",
        working="counting tokens is free (18 = the count asked for, nothing was generated)",
    ),
    "openai/responses-retrieve-status-queued-tier-auto-gpt-4o-2024-08-06-d03f1.json": Expected(
        operation="fetch_response", provider="openai", base_url=OPENAI, status=200,
        response_model="gpt-4o-2024-08-06",
        response_id="resp_0e1eedd011e1e4c200699cc47a9ec481998df8ee139d308590",
        cost_status="not_billed", usd="0",
        working="fetching a stored response is free; still queued, usage null",
    ),
    "openai/responses-retrieve-stream-gpt-4o-2024-08-06-f06db.json": Expected(
        operation="fetch_response", provider="openai", base_url=OPENAI, stream=True, status=200,
        response_model="gpt-4o-2024-08-06",
        response_id="resp_0850765c843cca5300699cc47d93c0819089a181f5feeff8eb",
        service_tier="default",
        input_tokens=15, output_tokens=9, cache_read_tokens=0, reasoning_tokens=0,
        settles=True,
        cost_status="priced", usd="0.0001275",
        working=(
            "the first look at a finished background response pays for it (the span has no usage, "
            "the record has): 15*2.5 + 9*10 per Mtok"
        ),
        source=_row("openai/gpt-4o", "2.5 in, 10 out"),
    ),
    (
        "openai/responses-stream-citations-encrypted-reasoning-reasoning-tokens-web-search-"
        "call-gpt-5.2-8f979.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-5.2", response_model="gpt-5.2-2025-12-11",
        response_id="resp_0a4bc5e23769d65c00696d5e657050819db65effaff8424729",
        service_tier="default",
        input_tokens=12243, output_tokens=140, cache_read_tokens=0, reasoning_tokens=100,
        web_searches=2,
        cost_status="priced", usd="0.04338525",
        working=(
            "12243*1.75 + 140*14 per Mtok = 0.02338525, + 2 web searches*10/1000 (no tool_usage "
            "in the body: 2 completed calls with action search)"
        ),
        source=_row("openai/gpt-5.2", "1.75 in, 14 out, web search 10 per 1000"),
    ),
    (
        "openai/responses-stream-encrypted-reasoning-function-call-reasoning-tokens-tool-"
        "search-call-gpt-5.4-634c1.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-5.4", response_model="gpt-5.4-2026-03-05",
        response_id="resp_060f468708eb0ff90069f3e2f104d881938387382c02f5868c",
        service_tier="default",
        input_tokens=600, output_tokens=47, cache_read_tokens=0, reasoning_tokens=21,
        cost_status="priced", usd="0.002205",
        working="600*2.5 + 47*15 per Mtok",
        source=_row("openai/gpt-5.4", "2.5 in, 15 out; tier over 272000 not reached"),
    ),
    (
        "openai/responses-stream-encrypted-reasoning-mcp-call-mcp-list-tools-reasoning-o4-"
        "mini-3067a.json"
    ): Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="o4-mini", response_model="o4-mini-2025-04-16",
        response_id="resp_00b9cc7a23d047270068faa0e25934819f9c3bfdec80065bc4",
        service_tier="default",
        input_tokens=1401, output_tokens=480, cache_read_tokens=0, reasoning_tokens=256,
        cost_status="priced", usd="0.0036531",
        working="1401*1.1 + 480*4.4 per Mtok; MCP calls have no fee of their own",
        source=_row("openai/o4-mini", "1.1 in, 4.4 out"),
    ),
    "openai/responses-stream-encrypted-reasoning-tool-result-in-gpt-5.5-72add.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-5.5", response_model="gpt-5.5-2026-04-23",
        response_id="resp_0dacb603de1c9e6b0169fab1c2314081a3b1df3cc5c09e0c60",
        service_tier="default",
        input_tokens=94, output_tokens=18, cache_read_tokens=0, reasoning_tokens=0,
        cost_status="priced", usd="0.00101",
        working="94*5 + 18*30 per Mtok",
        source=_row("openai/gpt-5.5", "5 in, 30 out"),
    ),
    "openai/responses-stream-gpt-4.1-nano-19a13.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-4.1-nano", response_model="gpt-4.1-nano-2025-04-14",
        response_id="resp_087a1bffb8180cc4006912065042e08196a1a6445d62480120",
        service_tier="default",
        input_tokens=14, output_tokens=9, cache_read_tokens=0, reasoning_tokens=0,
        cost_status="priced", usd="0.000005",
        working="14*0.1 + 9*0.4 per Mtok",
        source=_row("openai/gpt-4.1-nano", "0.1 in, 0.4 out"),
    ),
    "openai/responses-stream-response.incomplete-status-incomplete-gpt-4o-3ad76.json": Expected(
        operation="chat", provider="openai", base_url=OPENAI, stream=True, status=200,
        request_model="gpt-4o", response_model="gpt-4o-2024-08-06",
        response_id="resp_6866d2dec420819c92534dcf75e475120847a84b87aad89c",
        finish_reasons=("max_output_tokens",), service_tier="default",
        input_tokens=0, output_tokens=0, cache_read_tokens=0, reasoning_tokens=0,
        cost_status="priced", usd="0",
        working=(
            "0*2.5 + 0*10 per Mtok: response.incomplete reports a usage of zeros although 16 "
            "tokens were written"
        ),
        source=_row("openai/gpt-4o", "2.5 in, 10 out"),
    ),
    "anthropic/count-tokens-claude-sonnet-4-5-2581c.json": Expected(
        operation="count_tokens", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-5",
        input_tokens=16,
        cost_status="not_billed", usd="0",
        working="counting tokens is free (16 = the count asked for, nothing was generated)",
    ),
    "anthropic/count-tokens-error404-claude-does-not-exist-1aa38.json": Expected(
        operation="count_tokens", provider="anthropic", base_url=ANTHROPIC, status=404,
        error="anthropic.NotFoundError", request_model="claude-does-not-exist",
        cost_status="not_billed", usd="0",
        working="HTTP 404: not billed",
    ),
    (
        "anthropic/messages-advisor-tool-result-geo-iterations-multi-iterations-claude-"
        "sonnet-5-d0b03.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-5", response_model="claude-sonnet-5",
        response_id="msg_011CdD8kCHePDwkWhKt6aCDv", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=2390, output_tokens=121, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, reasoning_tokens=28, web_searches=0,
        cost_status="priced", usd="0.01913",
        working=(
            "2390*2 + 121*10 (= message iterations 1128+1262 in, 110+11 out) + advisor_message on"
            " claude-opus-4-8, not in the top-level usage: 2518*5 + 22*25 per Mtok"
        ),
        source=_row("anthropic/claude-sonnet-5",
            "sonnet-5: 2 in, 10 out; advisor row anthropic/claude-opus-4-8: 5 in, 25 out; "
            "Anthropic's docs bill advisor iterations at the advisor's rates"),
    ),
    (
        "anthropic/messages-bash-code-execution-tool-result-cache-create-cache-read-geo-"
        "claude-sonnet-5-4dac4.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-5", response_model="claude-sonnet-5",
        response_id="msg_015dB7jr8sypnDy4D8ae6mfa", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=15097, output_tokens=290, cache_read_tokens=14714, cache_write_tokens=379,
        cache_write_1h_tokens=0, reasoning_tokens=19, web_searches=0,
        cost_status="partial", missing=("code_executions",), usd="0.0067983",
        working=(
            "4*2 + 379*2.5 + 14714*0.2 + 290*10 per Mtok (input 15097 = 4+379+14714); code "
            "execution container time is billed apart and not reported"
        ),
        source=_row("anthropic/claude-sonnet-5",
            "2 in, 2.5 write 5m, 0.2 read, 10 out; code execution 0.05 per hour after 1550 free "
            "hours a month (Anthropic docs), not in the row"),
    ),
    "anthropic/messages-beta-json-schema-claude-sonnet-4-5-20250929-cb6e8.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-5-20250929", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_01RRuttC1Mzd1RUPyP68mcB5", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=222, output_tokens=39, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.001251",
        working="222*3 + 39*15 per Mtok",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached"),
    ),
    (
        "anthropic/messages-cache-1h-cache-create-stop-max-tokens-claude-sonnet-4-20250514-"
        "9079a.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-20250514", response_model="claude-sonnet-4-20250514",
        response_id="msg_01E2NzSzVjyyMLU5k3fo6d8t", finish_reasons=("max_tokens",),
        service_tier="standard",
        input_tokens=2073, output_tokens=100, cache_read_tokens=0, cache_write_tokens=2056,
        cache_write_1h_tokens=2056,
        cost_status="priced", usd="0.013887",
        working="17*3 + 2056*6 (1-hour writes) + 100*15 per Mtok (input 2073 = 17+2056)",
        source=_row("anthropic/claude-sonnet-4-0", "3 in, 6 write 1h (3.75 5m), 15 out"),
    ),
    "anthropic/messages-claude-3-5-haiku-latest-6edb8.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-3-5-haiku-latest", response_model="claude-3-5-haiku-20241022",
        response_id="msg_01Ctc62hUPvikvYASXZqTo9q", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=29, output_tokens=46, cache_read_tokens=0, cache_write_tokens=0,
        cost_status="priced", usd="0.0002072",
        working="29*0.8 + 46*4 per Mtok",
        source=_row("anthropic/claude-3-5-haiku-latest", "0.8 in, 4 out"),
    ),
    (
        "anthropic/messages-code-execution-tool-result-geo-server-tool-use-web-fetch-"
        "requests-claude-sonnet-4-6-c41c2.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-6", response_model="claude-sonnet-4-6",
        response_id="msg_019caNBkgZf5onJTT2BrqCAt", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=26447, output_tokens=528, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=0,
        cost_status="priced", usd="0.087261",
        working=(
            "26447*3 + 528*15 per Mtok; web fetch is free, and so is code execution in a request "
            "that has web_fetch_20260209/web_search_20260209"
        ),
        source=_row("anthropic/claude-sonnet-4-6",
            "3 in, 15 out, flat since 2026-03-13; free code execution: Anthropic's code execution"
            " docs, Usage and pricing"),
    ),
    "anthropic/messages-document-in-tool-result-in-claude-sonnet-4-5-9a5a6.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-5", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_01FE1J2DXnVYT2rA21TxKT7v", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=651, output_tokens=47, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.002658",
        working="651*3 + 47*15 per Mtok",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached"),
    ),
    "anthropic/messages-error400-claude-3-opus-20240229-54924.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=400,
        error="anthropic.BadRequestError", request_model="claude-3-opus-20240229",
        cost_status="not_billed", usd="0",
        working="HTTP 400: not billed",
    ),
    "anthropic/messages-error401-claude-3-opus-20240229-1d1a0.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=401,
        error="anthropic.AuthenticationError", request_model="claude-3-opus-20240229",
        cost_status="not_billed", usd="0",
        working="HTTP 401: not billed",
    ),
    "anthropic/messages-error404-claude-sonet-4-5-a1be2.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=404,
        error="anthropic.NotFoundError", request_model="claude-sonet-4-5",
        cost_status="not_billed", usd="0",
        working="HTTP 404: not billed",
    ),
    (
        "anthropic/messages-geo-output-tokens-details-server-tool-use-tool-search-tool-"
        "result-claude-opus-4-8-129e9.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-opus-4-8", response_model="claude-opus-4-8",
        response_id="msg_011CdZKxWq4CXMnBjSPeCMUj", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=1972, output_tokens=182, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, reasoning_tokens=0, web_searches=0,
        cost_status="priced", usd="0.01441",
        working="1972*5 + 182*25 per Mtok; tool search itself is free",
        source=_row("anthropic/claude-opus-4-8",
            "5 in, 25 out (speed fast: 10/50, removed 2026-11-30; not used here)"),
    ),
    "anthropic/messages-image-in-claude-3-5-sonnet-20240620-97646.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-3-5-sonnet-20240620", response_model="claude-3-5-sonnet-20240620",
        response_id="msg_01DijAsAzrH5wFcik1mPQjPn", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=78, output_tokens=263, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.004179",
        working="78*3 + 263*15 per Mtok",
        source=_row("anthropic/claude-3-5-sonnet", "3 in, 15 out"),
    ),
    (
        "anthropic/messages-json-schema-parallel-tools-tool-use-claude-sonnet-4-5-"
        "50aab.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-5", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_01JfgjuexRyuXAyNZ75nd7f8", finish_reasons=("tool_use",),
        service_tier="standard",
        input_tokens=797, output_tokens=91, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.003756",
        working="797*3 + 91*15 per Mtok",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached"),
    ),
    "anthropic/messages-mcp-tool-use-thinking-claude-sonnet-4-0-99d44.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-0", response_model="claude-sonnet-4-20250514",
        response_id="msg_01MYDjkvBDRaKsY6PDwQz3n6", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=2674, output_tokens=373, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=0,
        cost_status="priced", usd="0.013617",
        working="2674*3 + 373*15 per Mtok; MCP calls have no fee of their own",
        source=_row("anthropic/claude-sonnet-4-0", "3 in, 15 out"),
    ),
    (
        "anthropic/messages-server-tool-use-thinking-web-search-requests-web-search-result-"
        "location-claude-sonnet-4-0-1afda.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-0", response_model="claude-sonnet-4-20250514",
        response_id="msg_0119wM5YxCLg3hwUWrxEQ9Y8", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=8984, output_tokens=520, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=1,
        cost_status="priced", usd="0.044752",
        working="8984*3 + 520*15 per Mtok = 0.034752, + 1 web search*10/1000",
        source=_row("anthropic/claude-sonnet-4-0", "3 in, 15 out, web search 10 per 1000"),
    ),
    "anthropic/messages-stop-stop-sequence-claude-sonnet-4-5-469bd.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, status=200,
        request_model="claude-sonnet-4-5", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_01376yZQxHcw9pER2Ab2SvQb", finish_reasons=("stop_sequence",),
        service_tier="standard",
        input_tokens=32, output_tokens=5, cache_read_tokens=0, cache_write_tokens=0,
        cost_status="priced", usd="0.000171",
        working="32*3 + 5*15 per Mtok",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached"),
    ),
    (
        "anthropic/messages-stream-advisor-tool-result-delta-has-input-tokens-geo-iterations-"
        "claude-sonnet-5-31e35.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-5", response_model="claude-sonnet-5",
        response_id="msg_011CdD8kd2BCHcbXAHcYxvaf", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=2411, output_tokens=145, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, reasoning_tokens=47, web_searches=0,
        cost_status="priced", usd="0.019437",
        working=(
            "2411*2 + 145*10 (message_delta; = message iterations 1128+1283 in, 135+10 out) + "
            "advisor_message on claude-opus-4-8: 2543*5 + 18*25 per Mtok"
        ),
        source=_row("anthropic/claude-sonnet-5",
            "sonnet-5: 2 in, 10 out; advisor row anthropic/claude-opus-4-8: 5 in, 25 out; "
            "Anthropic's docs bill advisor iterations at the advisor's rates"),
    ),
    (
        "anthropic/messages-stream-bash-code-execution-tool-result-delta-has-input-tokens-"
        "geo-server-tool-use-claude-sonnet-4-6-fd85e.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-6", response_model="claude-sonnet-4-6",
        response_id="msg_01Js8aWE7YbmiaUPneGiCskE", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=4714, output_tokens=304, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=0,
        cost_status="partial", missing=("code_executions",), usd="0.018702",
        working=(
            "4714*3 + 304*15 per Mtok (message_delta); code execution container time is billed "
            "apart and not reported"
        ),
        source=_row("anthropic/claude-sonnet-4-6",
            "3 in, 15 out, flat since 2026-03-13; code execution 0.05 per hour after 1550 free "
            "hours a month (Anthropic docs), not in the row"),
    ),
    (
        "anthropic/messages-stream-beta-cache-read-stop-max-tokens-claude-sonnet-4-20250514-"
        "a24f5.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-20250514", response_model="claude-sonnet-4-20250514",
        response_id="msg_01RprQMTVaxMt5KCveLCRfwJ", finish_reasons=("max_tokens",),
        service_tier="standard",
        input_tokens=1042, output_tokens=100, cache_read_tokens=1031, cache_write_tokens=0,
        cost_status="priced", usd="0.0018423",
        working=(
            "11*3 + 1031*0.3 + 100*15 per Mtok (input of message_start, output of message_delta)"
        ),
        source=_row("anthropic/claude-sonnet-4-0", "3 in, 0.3 read, 15 out"),
    ),
    (
        "anthropic/messages-stream-beta-delta-has-input-tokens-geo-server-tool-use-claude-"
        "sonnet-4-6-ffcc3.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-6", response_model="claude-sonnet-4-6",
        response_id="msg_0162isBHX3JcLbJ4NFHthYxA", finish_reasons=("tool_use",),
        service_tier="standard",
        input_tokens=1595, output_tokens=143, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=0,
        cost_status="priced", usd="0.00693",
        working="1595*3 + 143*15 per Mtok (message_delta); tool search itself is free",
        source=_row("anthropic/claude-sonnet-4-6", "3 in, 15 out, flat since 2026-03-13"),
    ),
    (
        "anthropic/messages-stream-citations-delta-delta-has-input-tokens-server-tool-use-"
        "web-search-requests-claude-sonnet-4-5-2-d4f95.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-5", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_01WKN8L6d2uNmLVGUJapTdvN", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=11665, output_tokens=186, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=1,
        cost_status="priced", usd="0.047785",
        working="11665*3 + 186*15 per Mtok = 0.037785 (message_delta), + 1 web search*10/1000",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached; web search 10 per 1000"),
    ),
    "anthropic/messages-stream-claude-3-5-haiku-20241022-98799.json": Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-3-5-haiku-20241022", response_model="claude-3-5-haiku-20241022",
        response_id="msg_01MCkQZZtEKF3nVbFaExwATe", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=17, output_tokens=108, cache_read_tokens=0, cache_write_tokens=0,
        cost_status="priced", usd="0.0004456",
        working="17*0.8 + 108*4 per Mtok (input of message_start, output of message_delta)",
        source=_row("anthropic/claude-3-5-haiku-latest", "0.8 in, 4 out"),
    ),
    (
        "anthropic/messages-stream-delta-has-input-tokens-image-in-claude-sonnet-4-5-"
        "20250929-f32c7.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-5", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_015uV9WrrY9nhNRUqWuTcEtm", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=83, output_tokens=9, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.000384",
        working="83*3 + 9*15 per Mtok",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached"),
    ),
    (
        "anthropic/messages-stream-delta-has-input-tokens-redacted-thinking-claude-sonnet-4-"
        "5-20250929-653bd.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-5-20250929", response_model="claude-sonnet-4-5-20250929",
        response_id="msg_018XZkwvj9asBiffg3fXt88s", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=92, output_tokens=189, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.003111",
        working="92*3 + 189*15 per Mtok",
        source=_row("anthropic/claude-sonnet-4-5",
            "3 in, 15 out; tier over 200000 (retired) not reached"),
    ),
    (
        "anthropic/messages-stream-delta-has-input-tokens-server-tool-use-thinking-web-fetch-"
        "requests-claude-sonnet-4-20250514-ec8e0.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-sonnet-4-0", response_model="claude-sonnet-4-20250514",
        response_id="msg_015eAVGKhBrs95jUkYb2BaDt", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=7244, output_tokens=153, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0, web_searches=0,
        cost_status="priced", usd="0.024027",
        working="7244*3 + 153*15 per Mtok (message_delta); web fetch is free",
        source=_row("anthropic/claude-sonnet-4-0", "3 in, 15 out"),
    ),
    (
        "anthropic/messages-stream-delta-has-input-tokens-stop-stop-sequence-claude-haiku-4-"
        "5-20251001-d5901.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-haiku-4-5-20251001", response_model="claude-haiku-4-5-20251001",
        response_id="msg_01KozUDYHvRtgs3NLgG7jzN9", finish_reasons=("stop_sequence",),
        service_tier="standard",
        input_tokens=16, output_tokens=28, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.000156",
        working="16*1 + 28*5 per Mtok",
        source=_row("anthropic/claude-haiku-4-5", "1 in, 5 out"),
    ),
    (
        "anthropic/messages-stream-delta-has-input-tokens-tool-result-in-claude-haiku-4-5-"
        "20251001-68002.json"
    ): Expected(
        operation="chat", provider="anthropic", base_url=ANTHROPIC, stream=True, status=200,
        request_model="claude-haiku-4-5-20251001", response_model="claude-haiku-4-5-20251001",
        response_id="msg_01YCYWvfbPCQ6d3brBEd45iz", finish_reasons=("end_turn",),
        service_tier="standard",
        input_tokens=617, output_tokens=41, cache_read_tokens=0, cache_write_tokens=0,
        cache_write_1h_tokens=0,
        cost_status="priced", usd="0.000822",
        working="617*1 + 41*5 per Mtok",
        source=_row("anthropic/claude-haiku-4-5", "1 in, 5 out"),
    ),
}
# fmt: on
