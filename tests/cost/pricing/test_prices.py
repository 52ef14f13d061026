"""Prices in literals: worked out by hand from the providers' published rates.

Rates are US dollars per million tokens. Read on 2026-11-22: Anthropic's in
https://platform.claude.com/docs/en/about-claude/pricing, the priority tier's in
https://openai.com/api-priority-processing, all others in the rows of genai-prices 0.2.3.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from costspan import Prices
from costspan.call import NOT_BILLED, Usage
from tests.cost.calls import AT, finished

CASES = {
    # 1000 x 0.15 + 200 x 0.60
    "gpt-4o-mini": (
        "gpt-4o-mini",
        "openai",
        {"input_tokens": 1000, "output_tokens": 200},
        "0.00027",
    ),
    # cached input is half price: 400 x 2.50 + 600 x 1.25 + 100 x 10
    "gpt-4o, cached": (
        "gpt-4o",
        "openai",
        {"input_tokens": 1000, "cache_read_tokens": 600, "output_tokens": 100},
        "0.00275",
    ),
    # reasoning is inside the output: 50 x 1.25 + 500 x 10
    "gpt-5, reasoning": (
        "gpt-5",
        "openai",
        {"input_tokens": 50, "output_tokens": 500, "reasoning_tokens": 448},
        "0.0050625",
    ),
    # 1000 x 5 + 200 x 25
    "claude-opus-4-5": (
        "claude-opus-4-5",
        "anthropic",
        {"input_tokens": 1000, "output_tokens": 200},
        "0.01",
    ),
    # fresh 1000 x 5, read 3000 x 0.50, written for 5 minutes 2000 x 6.25, output 100 x 25
    "claude-opus-4-5, 5-minute writes": (
        "claude-opus-4-5",
        "anthropic",
        {
            "input_tokens": 6000,
            "cache_read_tokens": 3000,
            "cache_write_tokens": 2000,
            "output_tokens": 100,
        },
        "0.0215",
    ),
    # 500 fresh x 5, 300 written for 5 minutes x 6.25, 700 for an hour x 10, output 10 x 25
    "claude-opus-4-5, 1-hour writes": (
        "claude-opus-4-5",
        "anthropic",
        {
            "input_tokens": 1500,
            "cache_write_tokens": 1000,
            "cache_write_1h_tokens": 700,
            "output_tokens": 10,
        },
        "0.011625",
    ),
    # 1000 x 5 + 200 x 25, three searches at 10 USD a thousand
    "claude-opus-4-5, web searches": (
        "claude-opus-4-5",
        "anthropic",
        {"input_tokens": 1000, "output_tokens": 200, "web_searches": 3},
        "0.04",
    ),
    # file searches at 2.50 USD a thousand: 10 x 1.25 + 10 x 10, two searches
    "gpt-5, file searches": (
        "gpt-5",
        "openai",
        {"input_tokens": 10, "output_tokens": 10, "storage_searches": 2},
        "0.0051125",
    ),
    # half of the plain rates: 1000 x 0.625 + 200 x 5
    "gpt-5, flex": (
        "gpt-5",
        "openai",
        {"input_tokens": 1000, "output_tokens": 200, "service_tier": "flex"},
        "0.001625",
    ),
    # 400 x 2.50 + 600 x 0.25 + 200 x 20
    "gpt-5, priority": (
        "gpt-5",
        "openai",
        {
            "input_tokens": 1000,
            "cache_read_tokens": 600,
            "output_tokens": 200,
            "service_tier": "priority",
        },
        "0.00515",
    ),
    "gpt-5, default tier": (
        "gpt-5",
        "openai",
        {"input_tokens": 1000, "output_tokens": 200, "service_tier": "default"},
        "0.00325",
    ),
    # half of the plain rates: 1000 x 2.50 + 200 x 12.50
    "claude-opus-4-5, batch": (
        "claude-opus-4-5",
        "anthropic",
        {"input_tokens": 1000, "output_tokens": 200, "service_tier": "batch"},
        "0.005",
    ),
    # 200,000 tokens of prompt still have the plain rates: 200000 x 1.25 + 10 x 10
    "gemini-2.5-pro, at the threshold": (
        "gemini-2.5-pro",
        "gcp.gemini",
        {"input_tokens": 200_000, "output_tokens": 10},
        "0.2501",
    ),
    # one more, cache reads included, and all of it is dearer: 100001 x 2.50
    # + 100000 x 0.25 + 10 x 15
    "gemini-2.5-pro, long by its cache": (
        "gemini-2.5-pro",
        "gcp.gemini",
        {"input_tokens": 200_001, "cache_read_tokens": 100_000, "output_tokens": 10},
        "0.2751525",
    ),
    # text 900 x 0.30, audio 100 x 1.00, output 10 x 2.50
    "gemini-2.5-flash, audio": (
        "gemini-2.5-flash",
        "gcp.gemini",
        {"input_tokens": 1000, "input_audio_tokens": 100, "output_tokens": 10},
        "0.000395",
    ),
    # input alone: 1000 x 0.02
    "text-embedding-3-small": (
        "text-embedding-3-small",
        "openai",
        {"input_tokens": 1000},
        "0.00002",
    ),
    # Azure has no row of its own for it and bills what OpenAI does
    "azure": (
        "gpt-4o-mini",
        "azure.ai.openai",
        {"input_tokens": 1000, "output_tokens": 200},
        "0.00027",
    ),
}


@pytest.mark.parametrize(("model", "provider", "facts", "usd"), CASES.values(), ids=CASES)
def test_price(model: str, provider: str, facts: dict, usd: str):
    cost = Prices().cost(finished(model, provider, **facts))
    assert (cost.status, cost.missing, cost.total_usd) == ("priced", (), Decimal(usd))


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("azure.ai.openai", "gpt-4o-mini", "0.75"),
        ("azure.ai.inference", "gpt-4o-mini", "0.75"),
        ("aws.bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", "33"),
        ("gcp.vertex_ai", "claude-opus-4-5@20251101", "30"),
        ("gcp.vertex_ai", "gemini-2.5-flash", "2.8"),
        ("gcp.gemini", "gemini-2.5-flash", "2.8"),
        ("gcp.gen_ai", "gemini-2.5-flash", "2.8"),
        ("x_ai", "grok-3", "18"),
        ("mistral_ai", "mistral-large-latest", "8"),
        ("moonshot_ai", "kimi-k2-0905-preview", "3.1"),
        ("groq", "llama-3.3-70b-versatile", "1.38"),
        ("cohere", "command-r", "0.75"),
        ("perplexity", "sonar", "2.012"),  # with a fee of 12 USD for a thousand requests
    ],
)
def test_each_provider_under_the_conventions_name(provider: str, model: str, usd: str):
    """A million tokens in and a million out."""
    cost = Prices().cost(finished(model, provider, input_tokens=10**6, output_tokens=10**6))
    assert (cost.status, cost.total_usd) == ("priced", Decimal(usd))


def test_each_part_stands_for_itself():
    cost = Prices().cost(
        finished(
            "claude-opus-4-5",
            "anthropic",
            input_tokens=6000,
            cache_read_tokens=3000,
            cache_write_tokens=2000,
            output_tokens=100,
            web_searches=1,
        )
    )
    assert cost.input_usd == Decimal("0.005")
    assert cost.cache_read_usd == Decimal("0.0015")
    assert cost.cache_write_usd == Decimal("0.0125")
    assert cost.output_usd == Decimal("0.0025")
    assert cost.tools_usd == Decimal("0.01")
    assert cost.total_usd == Decimal("0.0315")


def test_the_fast_mode_has_its_own_rates():
    """The fast mode of Claude Opus 4.8 is twice the plain price: 1000 x 10 + 200 x 50."""
    facts = {"input_tokens": 1000, "output_tokens": 200}
    fast = Prices().cost(finished("claude-opus-4-8", "anthropic", speed="fast", **facts))
    plain = Prices().cost(finished("claude-opus-4-8", "anthropic", speed="standard", **facts))
    assert (fast.status, fast.total_usd) == ("priced", Decimal("0.02"))
    assert (plain.status, plain.total_usd) == ("priced", Decimal("0.01"))


def test_the_price_is_the_one_of_the_calls_own_day():
    """OpenAI cut the price of o3 on 2025-06-10, from 10 and 40 to 2 and 8."""
    prices, cut = Prices(), AT.replace(year=2025, month=6, day=10, hour=0)
    counts = {"input_tokens": 1000, "output_tokens": 1000}
    before = prices.cost(finished("o3", at=cut - timedelta(seconds=1), **counts))
    after = prices.cost(finished("o3", at=cut, **counts))
    again = prices.cost(finished("o3", at=cut - timedelta(seconds=1), **counts))
    assert (before.total_usd, after.total_usd) == (Decimal("0.05"), Decimal("0.01"))
    assert again == before  # though a later day's was asked for in between


def test_every_billed_iteration_is_added_at_its_own_models_rates():
    """A compaction (200 in, 20 out) and an advisor with its own model (100 in, 10 out) count too.

    Opus 4.5: 1000 x 5 + 200 x 25, then 200 x 5 + 20 x 25; Haiku 4.5: 100 x 1 + 10 x 5.
    """
    others = (
        (None, Usage(input_tokens=200, output_tokens=20)),
        ("claude-haiku-4-5", Usage(input_tokens=100, output_tokens=10)),
    )
    call = finished(
        "claude-opus-4-5", "anthropic", also_billed=others, input_tokens=1000, output_tokens=200
    )
    cost = Prices().cost(call)
    assert (cost.status, cost.total_usd) == ("priced", Decimal("0.01165"))


def test_an_iteration_of_an_unknown_model_is_named():
    others = (("never-heard-of", Usage(input_tokens=100, output_tokens=10)),)
    call = finished(
        "claude-opus-4-5", "anthropic", also_billed=others, input_tokens=1000, output_tokens=200
    )
    cost = Prices().cost(call)
    assert (cost.status, cost.missing) == ("partial", ("iterations",))
    assert cost.total_usd == Decimal("0.01")


def test_the_providers_own_figure_wins():
    call = finished(reported_cost_usd=Decimal("0.0001234567890125"), input_tokens=1000)
    cost = Prices().cost(call)
    assert (cost.status, cost.match) == ("priced", "provider")
    assert cost.total_usd == Decimal("0.000123456789")
    assert cost.input_usd is None


@pytest.mark.parametrize("facts", [{"billable": False}, {"billed": False}])
def test_what_is_not_billed_costs_nothing_and_says_so(facts: dict):
    assert Prices().cost(finished("never-heard-of", input_tokens=9, **facts)) is NOT_BILLED
