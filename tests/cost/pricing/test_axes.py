"""Each thing that a provider bills by, in literals worked out by hand from a published rate.

Rates are US dollars per million tokens unless said otherwise, read on 2026-11-22 in the rows of
genai-prices 0.2.3, which name these pages: OpenAI https://developers.openai.com/api/docs/pricing,
Anthropic https://platform.claude.com/docs/en/about-claude/pricing, Gemini
https://ai.google.dev/gemini-api/docs/pricing, Mistral https://docs.mistral.ai/inference/pricing,
xAI https://docs.x.ai/developers/pricing, Groq https://console.groq.com/docs/models, Perplexity
https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar/overview.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from costspan import Prices
from costspan.call import Cost, Usage
from tests.cost.calls import AT, finished

GEMINI, OPENAI, ANTHROPIC = "gcp.gemini", "openai", "anthropic"


def cost(model: str, provider: str, **facts) -> Cost:
    """The cost by the bundled table."""
    return Prices().cost(finished(model, provider, **facts))


PRICED = {
    # audio 113 x 1.00, text 190 x 0.30, output 203 x 2.50
    "audio in": (
        *("gemini-2.5-flash", GEMINI),
        {"input_tokens": 303, "input_audio_tokens": 113, "output_tokens": 203},
        "0.0006775",
    ),
    # cached: audio 100 x 0.10, text 200 x 0.03; fresh: audio 400 x 1, text 300 x 0.30
    "audio from the cache": (
        *("gemini-2.5-flash", GEMINI),
        {
            "input_tokens": 1000,
            "input_audio_tokens": 500,
            "cache_read_tokens": 300,
            "cache_audio_read_tokens": 100,
            "output_tokens": 0,
        },
        "0.000506",
    ),
    # Google prints no other rate for audio here: 1000 x 1.25 + 10 x 10
    "audio at the plain rate": (
        *("gemini-2.5-pro", GEMINI),
        {"input_tokens": 1000, "input_audio_tokens": 600, "output_tokens": 10},
        "0.00135",
    ),
    # text 100 x 4, audio 200 x 32, image 50 x 5; spoken 300 x 64, written 40 x 16
    "a realtime turn": (
        *("gpt-realtime", OPENAI),
        {
            "input_tokens": 350,
            "input_audio_tokens": 200,
            "input_image_tokens": 50,
            "output_tokens": 340,
            "output_audio_tokens": 300,
        },
        "0.02689",
    ),
    # text 100 x 0.20, images 300 x 0.45, audio 20 x 6.50, video 400 x 12
    "an embedding of four kinds": (
        *("gemini-embedding-2", GEMINI),
        {
            "input_tokens": 820,
            "input_image_tokens": 300,
            "input_audio_tokens": 20,
            "input_video_tokens": 400,
        },
        "0.005085",
    ),
    # 1000 x 1.50 in; 200 x 9 written, 5000 x 17.50 filmed
    "video out": (
        *("gemini-omni-1.1-flash", GEMINI),
        {"input_tokens": 1000, "output_tokens": 5200, "output_video_tokens": 5000},
        "0.0908",
    ),
    # text 100 x 5, images 200 x 8; drawn 1000 x 32, written 10 x 10
    "an image by its tokens": (
        *("gpt-image-1.5", OPENAI),
        {
            "input_tokens": 300,
            "input_image_tokens": 200,
            "output_tokens": 1010,
            "output_image_tokens": 1000,
        },
        "0.0342",
    ),
    # what this one puts out are images: 100 x 5 + 4160 x 40
    "an image of a model that only draws": (
        *("gpt-image-1", OPENAI),
        {
            "input_tokens": 100,
            "output_tokens": 4160,
            "output_image_tokens": 4160,
            "output_images": 1,
        },
        "0.1669",
    ),
    # the same of Azure, which bills what OpenAI does
    "an image of a model that only draws, elsewhere": (
        *("gpt-image-1", "azure.ai.openai"),
        {"input_tokens": 100, "output_tokens": 4160, "output_image_tokens": 4160},
        "0.1669",
    ),
    # 20 x 0.60 of text, 500 x 12 of audio
    "speech by its tokens": (
        *("gpt-4o-mini-tts", OPENAI),
        {"input_tokens": 20, "output_tokens": 500, "output_audio_tokens": 500},
        "0.006012",
    ),
    # 4,000 characters at 15 USD a million
    "speech by the character": ("tts-1", OPENAI, {"input_characters": 4000}, "0.06"),
    "speech by the character, hd": ("tts-1-hd", OPENAI, {"input_characters": 4000}, "0.12"),
    # 0.36 USD an hour: 90 s
    "transcription by the second": ("whisper-1", OPENAI, {"audio_seconds": 90}, "0.009"),
    "transcription, seconds heard": ("whisper-1", OPENAI, {"input_audio_seconds": 90}, "0.009"),
    # 12.34 s at 0.36 USD an hour
    "transcription, part of a second": ("whisper-1", OPENAI, {"audio_seconds": 12.34}, "0.001234"),
    # 0.111 USD an hour, and ten seconds at least: 10 x 0.111 / 3600
    "transcription at Groq, short": (
        *("whisper-large-v3", "groq"),
        {"audio_seconds": 2.5},
        "0.000308333333",
    ),
    # text 40 x 2.50, audio 960 x 6, output 200 x 10
    "transcription by its tokens": (
        *("gpt-4o-transcribe", OPENAI),
        {"input_tokens": 1000, "input_audio_tokens": 960, "output_tokens": 200},
        "0.00786",
    ),
    # 50 x 0.10, 20 x 0.40 and 18 s at 0.24 USD an hour
    "a chat that hears": (
        *("voxtral-small-latest", "mistral_ai"),
        {"input_tokens": 50, "output_tokens": 20, "input_audio_seconds": 18},
        "0.001213",
    ),
    "a chat that could hear": (
        *("voxtral-small-latest", "mistral_ai"),
        {"input_tokens": 50, "output_tokens": 20},
        "0.000013",
    ),
    # 60 s at 4.80 USD an hour, three texts at 4 USD a thousand
    "a voice session": (
        *("grok-voice-latest", "x_ai"),
        {"audio_seconds": 60, "input_text_messages": 3},
        "0.092",
    ),
    # of 10 pages 4 annotated: 6 x 4 + 4 x 5 USD a thousand
    "pages": (
        *("mistral-ocr-latest", "mistral_ai"),
        {"input_document_pages": 10, "input_annotated_document_pages": 4},
        "0.044",
    ),
    # half of it
    "pages, batch": (
        *("mistral-ocr-latest", "mistral_ai"),
        {
            "input_document_pages": 10,
            "input_annotated_document_pages": 4,
            "service_tier": "batch",
        },
        "0.022",
    ),
    # 33 x 2, 7163 x 8, citations 20016 x 2, reasoning 73997 x 3, 18 searches at 5 USD a thousand
    "citations and research": (
        *("sonar-deep-research", "perplexity"),
        {
            "input_tokens": 33,
            "output_tokens": 7163 + 20016 + 73997,
            "citation_tokens": 20016,
            "reasoning_tokens": 73997,
            "web_searches": 18,
        },
        "0.409393",
    ),
    # 8 fresh x 4, 4012 written x 5, 5 x 20, two searches at 10 USD a thousand
    "cache writes of 30 minutes, and searches": (
        *("gpt-5.6-sol", OPENAI),
        {
            "input_tokens": 4020,
            "cache_write_tokens": 4012,
            "cache_write_30m_tokens": 4012,
            "output_tokens": 5,
            "web_searches": 2,
        },
        "0.040192",
    ),
}
"""What is billed, and the cost of an example."""

PRODUCTS = {
    # half of 400 x 5 + 300 x 0.50 + 200 x 6.25 + 100 x 10 + 50 x 25, and a search at its full price
    "batch x cache x search": (
        *("claude-opus-4-5", ANTHROPIC),
        {
            "input_tokens": 1000,
            "cache_read_tokens": 300,
            "cache_write_tokens": 300,
            "cache_write_1h_tokens": 100,
            "output_tokens": 50,
            "web_searches": 1,
            "service_tier": "batch",
        },
        "0.012825",
    ),
    # above 100,000 tokens five times, in a batch half: 60001 x 0.25 + 40000 x 0.025 + 10 x 1.25
    "batch x cache x long prompt": (
        *("claude-haiku-5-5", ANTHROPIC),
        {
            "input_tokens": 100_001,
            "cache_read_tokens": 40_000,
            "output_tokens": 10,
            "service_tier": "batch",
        },
        "0.01601275",
    ),
    # one token less: 60000 x 0.05 + 40000 x 0.005 + 10 x 0.25
    "batch x cache x not so long": (
        *("claude-haiku-5-5", ANTHROPIC),
        {
            "input_tokens": 100_000,
            "cache_read_tokens": 40_000,
            "output_tokens": 10,
            "service_tier": "batch",
        },
        "0.0032025",
    ),
    # twice: 400 x 10 + 600 x 1 + 50 x 50
    "fast x cache": (
        *("claude-opus-5", ANTHROPIC),
        {"input_tokens": 1000, "cache_read_tokens": 600, "output_tokens": 50, "speed": "fast"},
        "0.0071",
    ),
    # 400 x 4.25 + 600 x 2.125 + 50 x 17
    "priority x cache": (
        *("gpt-4o", OPENAI),
        {
            "input_tokens": 1000,
            "cache_read_tokens": 600,
            "output_tokens": 50,
            "service_tier": "priority",
        },
        "0.003825",
    ),
    # the batch table has no cached rate, and so the plain one: 400 x 1.25 + 600 x 1.25 + 50 x 5
    "batch x cache without a rate of its own": (
        *("gpt-4o", OPENAI),
        {
            "input_tokens": 1000,
            "cache_read_tokens": 600,
            "output_tokens": 50,
            "service_tier": "batch",
        },
        "0.0015",
    ),
    # above 272,000 tokens: written 72001 x 5, fresh 200000 x 4, output 10 x 15
    "flex x cache write x long prompt": (
        *("gpt-6-sol", OPENAI),
        {
            "input_tokens": 272_001,
            "cache_write_tokens": 72_001,
            "output_tokens": 10,
            "service_tier": "flex",
        },
        "0.5800775",
    ),
    # fast is another word for priority: 1000 x 20 + 100 x 100
    "fast tier": (
        *("gpt-6-astra", OPENAI),
        {"input_tokens": 1000, "output_tokens": 100, "service_tier": "fast"},
        "0.03",
    ),
    # Groq's flex costs what its plain tier does (https://console.groq.com/docs/flex-processing):
    # 1000 x 0.59 + 1000 x 0.79
    "Groq's flex": (
        *("llama-3.3-70b-versatile", "groq"),
        {"input_tokens": 1000, "output_tokens": 1000, "service_tier": "flex"},
        "0.00138",
    ),
    "Groq's plain tier": (
        *("llama-3.3-70b-versatile", "groq"),
        {"input_tokens": 1000, "output_tokens": 1000, "service_tier": "on_demand"},
        "0.00138",
    ),
    # half of 1000 x 0.15 + 100 x 0.60; cached input is no cheaper there: 400 x 0.075
    "Groq's batch x cache": (
        *("openai/gpt-oss-120b", "groq"),
        {
            "input_tokens": 1000,
            "cache_read_tokens": 400,
            "output_tokens": 100,
            "service_tier": "batch",
        },
        "0.000105",
    ),
    # images half, text half, of 300 x 1.50 + 1290 x 30
    "batch x images": (
        *("gemini-nano-banana-2.1", GEMINI),
        {
            "input_tokens": 300,
            "output_tokens": 1290,
            "output_image_tokens": 1290,
            "service_tier": "batch",
        },
        "0.019575",
    ),
}
"""Several of them at once."""


@pytest.mark.parametrize(("model", "provider", "facts", "usd"), PRICED.values(), ids=PRICED)
def test_an_axis(model: str, provider: str, facts: dict, usd: str):
    found = cost(model, provider, **facts)
    assert (found.status, found.missing, found.total_usd) == ("priced", (), Decimal(usd))


@pytest.mark.parametrize(("model", "provider", "facts", "usd"), PRODUCTS.values(), ids=PRODUCTS)
def test_a_product_of_axes(model: str, provider: str, facts: dict, usd: str):
    found = cost(model, provider, **facts)
    assert (found.status, found.missing, found.total_usd) == ("priced", (), Decimal(usd))


LACKING = {
    "the scale tier": ("gpt-5", OPENAI, {"service_tier": "scale"}, "service_tier"),
    "the ultrafast tier": ("gpt-5", OPENAI, {"service_tier": "ultrafast"}, "service_tier"),
    "Anthropic's priority tier": (
        *("claude-opus-5", ANTHROPIC),
        {"service_tier": "priority"},
        "service_tier",
    ),
    "Groq's performance tier": (
        *("llama-3.3-70b-versatile", "groq"),
        {"service_tier": "performance"},
        "service_tier",
    ),
    "a tier before its rates are known": (
        *("gpt-5", OPENAI),
        {"service_tier": "batch", "at": AT - timedelta(days=60)},
        "service_tier",
    ),
    "a tier of a model of another's": (
        *("gpt-5", "azure.ai.openai"),
        {"service_tier": "flex"},
        "service_tier",
    ),
    "Gemini's flex tier": ("gemini-2.5-flash", GEMINI, {"service_tier": "flex"}, "service_tier"),
    "a region": ("claude-opus-5", ANTHROPIC, {"inference_geo": "us"}, "inference_geo"),
    "a speed": ("claude-opus-4-5", ANTHROPIC, {"speed": "fast"}, "speed"),
    "code runs": ("claude-opus-5", ANTHROPIC, {"code_executions": 1}, "code_executions"),
    "searches of social media": ("gpt-5", OPENAI, {"social_searches": 1}, "social_searches"),
    "reranked searches": ("gpt-5", OPENAI, {"rerank_searches": 1}, "rerank_searches"),
    "a file search": ("claude-opus-5", ANTHROPIC, {"storage_searches": 1}, "storage_searches"),
}
"""What no row has rates for: the rest is priced, and this is named."""


@pytest.mark.parametrize(("model", "provider", "facts", "name"), LACKING.values(), ids=LACKING)
def test_an_axis_that_the_table_does_not_carry(model: str, provider: str, facts: dict, name: str):
    counts = {"input_tokens": 1000, "output_tokens": 1000}
    found = cost(model, provider, **counts, **facts)
    assert (found.status, found.missing) == ("partial", (name,))
    at = facts.get("at", AT)
    assert found.total_usd == cost(model, provider, at=at, **counts).total_usd


def test_two_facts_at_once_need_rates_for_both():
    """A fast batch: no row has rates for it, though some have for either."""
    facts = {"service_tier": "batch", "speed": "fast", "input_tokens": 10, "output_tokens": 10}
    found = cost("claude-opus-5", ANTHROPIC, **facts)
    assert (found.status, found.missing) == ("partial", ("service_tier", "speed"))


@pytest.mark.parametrize(
    ("model", "provider", "facts", "missing"),
    [
        ("whisper-1", OPENAI, {"output_tokens": 0}, ("audio_seconds",)),
        ("tts-1", OPENAI, {"audio_seconds": 4}, ("input_characters",)),
        ("mistral-ocr-latest", "mistral_ai", {"output_tokens": 0}, ("input_document_pages",)),
        ("gpt-live-1", OPENAI, {"input_audio_seconds": 60}, ("audio_seconds",)),
        ("text-embedding-3-small", OPENAI, {"output_images": 1}, ("input_tokens", "output_images")),
        (
            "mistral-ocr-latest",
            "mistral_ai",
            {"input_document_pages": 1, "input_annotated_document_pages": 2},
            ("consistent_usage",),
        ),
    ],
)
def test_what_is_billed_otherwise_than_by_tokens_must_be_told(
    model: str, provider: str, facts: dict, missing: tuple
):
    found = cost(model, provider, **facts)
    assert (found.status, found.missing, found.total_usd) == ("unpriced", missing, None)


def test_the_tokens_of_a_session_do_not_stand_for_its_time():
    """100 x 1.80 + 10 x 9, and the connected minutes are billed too: 4.80 USD an hour."""
    counts = {"input_tokens": 100, "output_tokens": 10}
    found = cost("eleven_realtime_v1_max", "elevenlabs", **counts)
    assert (found.status, found.missing) == ("partial", ("audio_seconds",))
    assert found.total_usd == Decimal("0.00027")
    whole = cost("eleven_realtime_v1_max", "elevenlabs", audio_seconds=30, **counts)
    assert (whole.status, whole.total_usd) == ("priced", Decimal("0.04027"))
    assert whole.tools_usd == Decimal("0.04")


def test_another_measure_of_what_is_billed_by_tokens_costs_nothing():
    """12 seconds, one image and 40 characters, told beside the tokens: 1000 x 0.15 + 200 x 0.60."""
    told = {"audio_seconds": 12.5, "output_images": 1, "input_characters": 40}
    found = cost("gpt-4o-mini", OPENAI, input_tokens=1000, output_tokens=200, **told)
    assert (found.status, found.total_usd) == ("priced", Decimal("0.00027"))


def test_a_free_model_of_openrouter_costs_nothing():
    found = cost("openai/gpt-oss-20b:free", "openrouter", input_tokens=10, output_tokens=10)
    assert (found.status, found.total_usd, found.match) == ("priced", 0, "exact")


def test_a_row_without_a_rate_is_not_free():
    """Gemma 3 has an empty row, which does not say why."""
    found = cost("gemma-3-27b-it", GEMINI, input_tokens=10, output_tokens=10)
    assert (found.status, found.total_usd) == ("unpriced", None)


@pytest.mark.parametrize(
    ("model", "provider", "usd"),
    [
        # one search: 0.0025 as the plain web search, 0.001 as the fast one
        ("perplexity/sonar", "perplexity", "0.00525"),
        # 1000 x 0.70 + 1000 x 2.10; routed through the EU it would be a tenth more
        ("mistralai/mistral-large-4-0", "openrouter", "0.0028"),
    ],
)
def test_a_fact_that_no_answer_tells_is_taken_to_be_the_plain_one(
    model: str, provider: str, usd: str
):
    counts = {"input_tokens": 1000, "output_tokens": 1000}
    if provider == "perplexity":
        counts["web_searches"] = 1
    assert cost(model, provider, **counts).total_usd == Decimal(usd)


def test_a_compaction_in_fast_mode_is_fast_and_an_advisor_is_not():
    """Opus 5 fast: (1000 + 200) x 10 + (200 + 20) x 50; Haiku 4.5: 100 x 1 + 10 x 5."""
    others = (
        (None, Usage(input_tokens=200, output_tokens=20)),
        ("claude-haiku-4-5", Usage(input_tokens=100, output_tokens=10)),
    )
    found = cost(
        "claude-opus-5",
        ANTHROPIC,
        also_billed=others,
        speed="fast",
        input_tokens=1000,
        output_tokens=200,
    )
    assert (found.status, found.total_usd) == ("priced", Decimal("0.02315"))
