"""The models that most people ask for, and the ids that nobody's provider has.

US dollars per million tokens, each read on 2026-11-22. OpenAI:
https://developers.openai.com/api/docs/pricing. Anthropic:
https://platform.claude.com/docs/en/about-claude/pricing. Gemini 2.5:
https://ai.google.dev/gemini-api/docs/pricing. Gemini 1.5 Pro and 2.0 Flash, which are shut down:
the rows of genai-prices 0.2.3.
"""

import logging
from decimal import Decimal

import pytest

from costspan import Prices
from tests.cost.calls import finished

MILLION = 10**6
MODELS = {
    "gpt-4o": ("openai", "2.5", "1.25", "10"),
    "gpt-4o-2024-08-06": ("openai", "2.5", "1.25", "10"),
    "gpt-4o-mini": ("openai", "0.15", "0.075", "0.6"),
    "gpt-4-turbo": ("openai", "10", None, "30"),
    "gpt-4.1": ("openai", "2", "0.5", "8"),
    "claude-sonnet-4": ("anthropic", "3", "0.3", "15"),
    "claude-sonnet-4-20250514": ("anthropic", "3", "0.3", "15"),
    "claude-opus-4-5": ("anthropic", "5", "0.5", "25"),
    "claude-opus-4-5-20251101": ("anthropic", "5", "0.5", "25"),
    "claude-sonnet-4-5": ("anthropic", "3", "0.3", "15"),
    "claude-sonnet-4-5-20250929": ("anthropic", "3", "0.3", "15"),
    "claude-haiku-4-5": ("anthropic", "1", "0.1", "5"),
    "gemini-1.5-pro": ("gcp.gemini", "1.25", None, "5"),
    "gemini-2.0-flash": ("gcp.gemini", "0.1", "0.025", "0.4"),
    "gemini-2.5-pro": ("gcp.gemini", "1.25", "0.125", "10"),
}
"""Who bills it; the rates of fresh input, of cached input where there is one, and of output."""

# Below the prompts that cost more.
TOKENS = 100_000


@pytest.mark.parametrize("model", MODELS)
def test_what_each_million_tokens_cost(model: str):
    provider, fresh, cached, output = MODELS[model]
    prices, share = Prices(), Decimal(MILLION) / TOKENS
    for counts, rate in (
        ({"input_tokens": TOKENS, "output_tokens": 0}, fresh),
        ({"input_tokens": 0, "output_tokens": TOKENS}, output),
        ({"input_tokens": TOKENS, "cache_read_tokens": TOKENS, "output_tokens": 0}, cached),
    ):
        if rate is not None:
            cost = prices.cost(finished(model, provider, **counts))
            assert (cost.status, cost.missing) == ("priced", ())
            assert cost.total_usd * share == Decimal(rate)


@pytest.mark.parametrize("model", ["gpt-4-turbo", "gemini-1.5-pro"])
def test_cached_input_without_a_rate_is_named(model: str):
    counts = {"input_tokens": TOKENS, "cache_read_tokens": 1000, "output_tokens": 0}
    cost = Prices().cost(finished(model, MODELS[model][0], **counts))
    assert (cost.status, cost.missing) == ("partial", ("cache_read_tokens",))


@pytest.mark.parametrize(
    ("model", "start", "fresh", "output"),
    [("gemini-1.5-pro", 128_000, "2.5", "10"), ("gemini-2.5-pro", 200_000, "2.5", "15")],
)
def test_long_prompts_of_gemini_cost_more(model: str, start: int, fresh: str, output: str):
    """The whole call, from one token above on."""
    prices = Prices()
    counts = {"input_tokens": start + 1, "output_tokens": MILLION}
    cost = prices.cost(finished(model, "gcp.gemini", **counts))
    assert cost.output_usd == Decimal(output)
    assert cost.input_usd == (start + 1) * Decimal(fresh) / MILLION


@pytest.mark.parametrize(
    ("model", "provider", "match"),
    [
        ("gpt-4o", "openai", "exact"),
        ("GPT-4o", "openai", "exact"),
        ("gpt-4o-2024-11-20", "openai", "exact"),
        ("gpt-5.2-20251211", "openai", "approximate"),  # a date written without its dashes
        ("ft:gpt-4o-2024-08-06:us::abc", "openai", "approximate"),
        ("claude-opus-4-5-20251101", "anthropic", "approximate"),
        ("claude-opus-4-5-turbo", "anthropic", "approximate"),
        ("gemini-2.5-pro-preview-06-05", "gcp.gemini", "approximate"),
        ("gpt-4o", "azure.ai.openai", "exact"),
    ],
)
def test_a_row_that_a_rule_chose_says_so(model: str, provider: str, match: str):
    cost = Prices().cost(finished(model, provider, input_tokens=1, output_tokens=1))
    assert (cost.status, cost.match) == ("priced", match)


@pytest.mark.parametrize(
    ("model", "provider", "nearest"),
    [
        ("claude-haiku-3", "anthropic", "claude-3-haiku"),
        ("claude-haiku-3-5", "anthropic", "claude-3-5-haiku-latest"),
        ("claude-sonet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("opus-4.5", "anthropic", "claude-opus-4-5"),
        ("gpt-4o-foo", "openai", "gpt-4o"),
        ("gpt-4o-mni", "openai", "gpt-4o-mini"),
        ("gpt-4.1-huge", "openai", "gpt-4.1"),
        ("gpt4o", "openai", "gpt-4o"),
    ],
)
def test_an_id_that_nobody_has_is_unpriced_and_the_nearest_is_offered(
    model: str, provider: str, nearest: str, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, logger="costspan"):
        cost = Prices().cost(finished(model, provider, input_tokens=1, output_tokens=1))
    assert (cost.status, cost.missing, cost.total_usd) == ("unpriced", ("price",), None)
    assert f"Did you mean {nearest!r}?" in caplog.text


def test_nothing_is_offered_where_nothing_is_near(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, logger="costspan"):
        Prices().cost(finished("xyzzy", "openai", input_tokens=1, output_tokens=1))
    assert "costspan has no price for model 'xyzzy'" in caplog.text
    assert "Did you mean" not in caplog.text
