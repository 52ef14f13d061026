"""What is read of the counts of OpenAI's servers and of those that speak like them."""

from decimal import Decimal
from typing import Any

import pytest

from costspan.call import Usage
from costspan.providers.openai_usage import drawings, read_usage, reported_cost


def test_every_detail_of_a_chat():
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 300,
        "total_tokens": 1300,
        "prompt_tokens_details": {
            "cached_tokens": 400,
            "cache_write_tokens": 200,
            "cache_write_tokens_details": {"ttl_30m_tokens": 150, "ttl_12h_tokens": 50},
            "text_tokens": 700,
            "audio_tokens": 100,
            "image_tokens": 150,
            "video_tokens": 50,
        },
        "completion_tokens_details": {
            "reasoning_tokens": 90,
            "text_tokens": 110,
            "audio_tokens": 60,
            "image_tokens": 40,
        },
    }
    assert read_usage(usage) == Usage(
        input_tokens=1000,
        output_tokens=300,
        total_tokens=1300,
        cache_read_tokens=400,
        cache_write_tokens=200,
        cache_write_30m_tokens=150,
        cache_write_12h_tokens=50,
        input_text_tokens=700,
        input_audio_tokens=100,
        input_image_tokens=150,
        input_video_tokens=50,
        reasoning_tokens=90,
        output_text_tokens=110,
        output_audio_tokens=60,
        output_image_tokens=40,
    )


class TestTranscription:
    """`audio.transcriptions.create`: openai 3.54, `Transcription.usage`."""

    def test_by_tokens(self):
        usage = {
            "type": "tokens",
            "total_tokens": 24,
            "input_tokens": 14,
            "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
            "output_tokens": 10,
        }
        assert read_usage(usage) == Usage(
            input_tokens=14,
            output_tokens=10,
            total_tokens=24,
            input_text_tokens=4,
            input_audio_tokens=10,
        )

    @pytest.mark.parametrize("seconds", [9, 9.25, 0])
    def test_by_the_second(self, seconds: float):
        usage = {"type": "duration", "seconds": seconds}
        assert read_usage(usage) == Usage(input_audio_seconds=seconds)

    @pytest.mark.parametrize("seconds", [-1, "9", None, True, float("nan"), float("inf")])
    def test_what_is_no_time(self, seconds: Any):
        assert read_usage({"type": "duration", "seconds": seconds}) is None


def test_reasoning_that_xai_counts_beside_the_completion():
    """Its total is the sum of the three, as https://docs.x.ai shows for chats."""
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
    }
    found = read_usage(usage)
    assert found is not None
    assert (found.output_tokens, found.reasoning_tokens) == (103, 94)


def test_reasoning_inside_the_completion_stays_there():
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": 103,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
    }
    found = read_usage(usage)
    assert found is not None
    assert (found.output_tokens, found.reasoning_tokens) == (103, 94)


def test_what_perplexitys_research_counts_beside_the_completion():
    usage = {
        "prompt_tokens": 33,
        "completion_tokens": 7163,
        "total_tokens": 7196,
        "citation_tokens": 20016,
        "num_search_queries": 18,
        "reasoning_tokens": 73997,
    }
    assert read_usage(usage) == Usage(
        input_tokens=33,
        output_tokens=101176,
        total_tokens=7196,
        citation_tokens=20016,
        reasoning_tokens=73997,
        web_searches=18,
    )


def test_audio_that_mistral_heard():
    found = read_usage({"prompt_tokens": 5, "completion_tokens": 1, "prompt_audio_seconds": 18})
    assert found == Usage(input_tokens=5, output_tokens=1, input_audio_seconds=18)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"cost": 0.0123}, "0.0123"),  # OpenRouter
        ({"cost": "0.0123"}, "0.0123"),
        ({"cost": {"total_cost": 0.006, "request_cost": 0.005}}, "0.006"),  # Perplexity
        # https://docs.x.ai/developers/cost-tracking: 37,756,000 ticks are 0.0037756 USD
        ({"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
        ({"cost": 0}, "0"),
        # OpenRouter tells the upstream's bill in any case; it is one more with a key of one's own
        ({"cost": 0.02, "cost_details": {"upstream_inference_cost": 0.02}}, "0.02"),
        (
            {
                "cost": 0.001,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.02},
            },
            "0.021",
        ),
    ],
)
def test_the_providers_own_figure(usage: dict, usd: str):
    assert reported_cost(usage) == Decimal(usd)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"cost": None},
        {"cost": True},
        {"cost": -1},
        {"cost": "much"},
        {"cost": float("nan")},
        {"cost": {}},
        {"cost": [1]},
        {"cost": {"total_cost": "much"}},
        {"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": None}},
        {"cost_in_usd_ticks": -1},
        {"cost_in_usd_ticks": 1.5},
    ],
    ids=repr,
)
def test_what_is_no_figure(usage: Any):
    assert reported_cost(usage) is None


USED: Any = {
    "input_tokens": 350,
    "input_tokens_details": {"image_tokens": 300, "text_tokens": 50},
    "output_tokens": 1010,
    "output_tokens_details": {"image_tokens": 1000, "text_tokens": 10},
    "total_tokens": 1360,
}


class TestDrawings:
    """The image tool of the Responses API: openai 3.54, `ToolUsageImageGen`."""

    def test_at_the_model_that_the_tool_names(self):
        body = {
            "tools": [{"type": "image_generation", "model": "gpt-image-1.5"}],
            "tool_usage": {"image_gen": USED},
        }
        ((model, usage),) = drawings(body)
        assert model == "gpt-image-1.5"
        assert usage == Usage(
            input_tokens=350,
            output_tokens=1010,
            total_tokens=1360,
            input_text_tokens=50,
            input_image_tokens=300,
            output_text_tokens=10,
            output_image_tokens=1000,
        )

    def test_with_a_cache(self):
        cached = {"cached_image_tokens": 100, "cached_text_tokens": 20}
        used = {**USED, "cached_tokens": 120, "cached_tokens_details": cached}
        ((_, usage),) = drawings({"tool_usage": {"image_gen": used}})
        assert (usage.cache_read_tokens, usage.cache_image_read_tokens) == (120, 100)

    def test_without_details_it_drew(self):
        used = {name: USED[name] for name in ("input_tokens", "output_tokens", "total_tokens")}
        ((model, usage),) = drawings({"tool_usage": {"image_gen": used}})
        assert (model, usage.output_image_tokens) == ("image_generation", 1010)

    def test_nothing_drawn_is_nothing_billed(self):
        none = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        assert drawings({"tool_usage": {"image_gen": none}}) == ()
        assert drawings({}) == ()
