"""What is not known is named and never counted as nothing."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import Prices, Rate
from costspan.call import Cost
from costspan.cost.pricing.billed import KEYS, NEEDS_OWN_RATE
from tests.cost.calls import AT, finished
from tests.cost.pricing import library


def cost(model: str = "gpt-4o-mini", provider: str = "openai", **facts) -> Cost:
    """The cost by the bundled table."""
    return Prices().cost(finished(model, provider, **facts))


def test_the_docs_list_each_count_that_no_row_has_a_rate_for():
    rated = {key for _, _, info in library.rows() for key in library.rated(info, AT, {})}
    page = (Path(__file__).parents[3] / "docs" / "prices.md").read_text(encoding="utf-8")
    section = page.split("## Not in the table")[1].split("These make")[0]
    listed = {
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    never = {field for field in NEEDS_OWN_RATE if KEYS.get(field) not in rated}
    assert listed == {*never, "output_images", "service_tier", "inference_geo", "speed"}


class TestPartial:
    """Something is billed that has no rate: what has one is priced, the rest is named."""

    def test_audio_without_a_rate(self):
        """19 tokens of text x 2.50 + 1 x 10; the row of genai-prices 0.2.3 has none for audio."""
        found = cost("gpt-4o-audio-preview", input_tokens=21, input_audio_tokens=2, output_tokens=1)
        assert (found.status, found.missing) == ("partial", ("input_audio_tokens",))
        assert found.total_usd == Decimal("0.0000575")

    def test_a_tool_without_a_rate(self):
        """10 x 1.25 + 10 x 10, and a code run that has no rate."""
        found = cost("gpt-5", input_tokens=10, output_tokens=10, code_executions=1)
        assert (found.status, found.missing) == ("partial", ("code_executions",))
        assert found.total_usd == Decimal("0.0001125")

    def test_cache_writes_for_twelve_hours(self):
        """4 x (1000 - 300) + 20 x 10: the 300 are neither input nor plain cache writes."""
        found = cost(
            "gpt-5.6-sol",
            input_tokens=1000,
            cache_write_tokens=300,
            cache_write_12h_tokens=300,
            output_tokens=10,
        )
        assert (found.status, found.missing) == ("partial", ("cache_write_12h_tokens",))
        assert found.total_usd == Decimal("0.003")

    @pytest.mark.parametrize(
        ("fact", "name"),
        [
            ({"service_tier": "scale"}, "service_tier"),
            ({"speed": "fast"}, "speed"),
            ({"inference_geo": "us"}, "inference_geo"),
        ],
    )
    def test_a_fact_that_changes_the_price_and_is_in_no_row(self, fact: dict, name: str):
        found = cost("gpt-4o-mini", input_tokens=1000, output_tokens=200, **fact)
        assert (found.status, found.missing) == ("partial", (name,))
        assert found.total_usd == Decimal("0.00027")

    def test_a_count_that_was_not_reported(self):
        found = cost(input_tokens=1000)
        assert (found.status, found.missing) == ("partial", ("output_tokens",))
        assert found.total_usd == Decimal("0.00015")

    def test_all_that_is_lacking_is_named(self):
        found = cost(output_tokens=200, code_executions=1, service_tier="scale")
        assert found.status == "partial"
        assert set(found.missing) == {"input_tokens", "code_executions", "service_tier"}
        assert found.total_usd == Decimal("0.00012")


class TestNeverAWrongZero:
    """Where no figure is known there is none."""

    @pytest.mark.parametrize(
        "counts",
        [
            {"input_tokens": 10, "cache_read_tokens": 11},
            {"input_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 6},
            {"input_tokens": 10, "cache_write_tokens": 5, "cache_write_1h_tokens": 6},
            {"input_tokens": 10, "cache_read_tokens": 11, "web_searches": 0, "output_tokens": 0},
        ],
    )
    def test_counts_that_contradict_each_other(self, counts: dict):
        found = cost("claude-opus-4-5", "anthropic", **counts)
        assert "consistent_usage" in found.missing
        assert (found.status, found.total_usd) == ("unpriced", None)

    def test_a_contradiction_on_the_way_in_invents_nothing(self):
        found = cost("gpt-4o-mini", input_tokens=10, cache_read_tokens=11, output_tokens=200)
        assert "consistent_usage" in found.missing
        assert found.status in ("unpriced", "partial")
        assert found.total_usd in (None, Decimal("0.00012"))  # 200 x 0.60

    def test_an_answer_without_usage(self):
        found = cost()
        assert (found.status, found.missing, found.total_usd) == ("unpriced", ("usage",), None)

    def test_a_usage_without_a_count(self):
        found = cost(input_tokens=None)
        assert (found.status, found.total_usd) == ("unpriced", None)

    def test_output_of_a_row_that_prices_none(self):
        """1000 x 0.02; what an embedding model would take for output is in no table."""
        found = cost("text-embedding-3-small", input_tokens=1000, output_tokens=5)
        assert (found.status, found.missing) == ("partial", ("output_tokens",))
        assert found.total_usd == Decimal("0.00002")

    def test_input_of_a_row_that_prices_none(self):
        """Whisper is billed by the hour of audio, which no count says."""
        found = cost("whisper-1", input_tokens=1000, output_tokens=0)
        assert (found.status, found.total_usd) == ("unpriced", None)
        assert "input_tokens" in found.missing

    def test_output_of_a_rate_of_ones_own_that_has_none(self):
        prices = Prices(overrides={"mine": Rate(input=2)})
        found = prices.cost(finished("mine", input_tokens=1000, output_tokens=50))
        assert (found.status, found.missing) == ("partial", ("output_tokens",))
        assert found.total_usd == Decimal("0.002")

    def test_counts_beyond_all_reason_stay_exact(self):
        """2^63 - 1 tokens x 0.15 USD for a million."""
        found = cost(input_tokens=2**63 - 1, output_tokens=0)
        assert found.total_usd == Decimal("1383505805528.21637105")
