"""Where a price comes from: facts, and that they are those by which calls are priced."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import CostTracker, Prices, Rate
from costspan.call import Usage
from costspan.cost.pricing.explain import Explanation, Question, explain
from costspan.cost.pricing.provenance import Variant
from tests.cost.calls import AT, finished
from tests.cost.pricing.small_table import written


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return written(tmp_path)


def ask(prices: Prices, model: str, at: datetime = AT, **facts) -> Explanation:
    return explain(prices, Question(model=model, at=at, **facts))


def usd(found: Explanation) -> dict[str, tuple[Decimal, ...]]:
    return {rated.count: rated.usd for rated in found.rates}


class TestRow:
    def test_an_id_that_the_row_names(self, table: Path):
        found = ask(Prices(table=table), "Plain-1")
        assert (found.source, found.row, found.match) == ("table", "plain-1", "exact")
        assert (found.provider, found.seller, found.lender) == ("openai", "openai", None)
        assert found.rule == "the row names this id"
        assert found.prices_as_of.startswith(str(table))

    @pytest.mark.parametrize(
        ("provider", "model", "rule"),
        [
            ("openai", "plain-1-5", 'it fits the pattern "^plain-1-\\d+$"'),
            ("aardvark", "plainer", 'it begins with "plain"'),
            ("aardvark", "this-night-9", 'it contains "night" and ends with "9"'),
        ],
    )
    def test_a_rule_that_fits(self, table: Path, provider: str, model: str, rule: str):
        found = ask(Prices(table=table), model, provider=provider)
        assert (found.match, found.rule) == ("approximate", rule)

    def test_a_date_that_the_row_writes_otherwise(self):
        """The table has gpt-5.2-2025-12-11; LiteLLM writes the date without dashes."""
        found = ask(Prices(), "gpt-5.2-20251211")
        assert (found.row, found.match) == ("gpt-5.2", "approximate")
        assert found.rule == "its date is written otherwise in the row"

    def test_a_seller_that_borrows_the_row_of_another(self, table: Path):
        found = ask(Prices(table=table), "long-1", provider="azure.ai.openai")
        assert (found.provider, found.seller, found.lender) == (
            "azure.ai.openai",
            "azure",
            "openai",
        )


class TestTime:
    @pytest.mark.parametrize(
        ("day", "since", "next_start", "input_usd"),
        [
            (datetime(2026, 3, 12, 23, 59, tzinfo=UTC), None, date(2026, 3, 13), 2),
            (datetime(2026, 3, 13, tzinfo=UTC), date(2026, 3, 13), date(2026, 10, 14), 1.5),
            (AT, date(2026, 3, 13), date(2027, 1, 1), 1.5),
            (datetime(2027, 1, 1, tzinfo=UTC), date(2027, 1, 1), None, 1),
        ],
    )
    def test_the_day_decides(self, table: Path, day, since, next_start, input_usd):
        found = ask(Prices(table=table), "plain-1", at=day)
        assert (found.since, found.next_start) == (since, next_start)
        assert usd(found)["input_tokens"] == (Decimal(str(input_usd)),)

    @pytest.mark.parametrize(
        ("hour", "hours", "input_usd"), [(12, None, 4), (17, "16:30 to 23:00 UTC", 2)]
    )
    def test_the_hour_decides(self, table: Path, hour: int, hours: str | None, input_usd: int):
        at = datetime(2026, 11, 22, hour, tzinfo=UTC)
        found = ask(Prices(table=table), "night-9", at=at)
        assert (found.since, found.hours) == (None, hours)
        assert usd(found)["input_tokens"] == (input_usd,)


class TestRates:
    def test_input_comes_first_and_fees_last(self, table: Path):
        found = ask(Prices(table=table), "plain-1")
        assert [(rated.count, rated.per) for rated in found.rates] == [
            ("input_tokens", 1_000_000),
            ("cache_read_tokens", 1_000_000),
            ("output_tokens", 1_000_000),
            ("web_searches", 1_000),
        ]
        assert usd(found)["web_searches"] == (10,)

    @pytest.mark.parametrize(("tokens", "band"), [(None, 0), (200_000, 0), (200_001, 1)])
    def test_the_size_of_the_prompt_decides(self, table: Path, tokens: int | None, band: int):
        usage = None if tokens is None else Usage(input_tokens=tokens, output_tokens=0)
        found = ask(Prices(table=table), "long-1", usage=usage)
        assert (found.starts, found.band) == ((200_000,), band)
        assert usd(found) == {"input_tokens": (1, 2), "output_tokens": (10, 15)}

    def test_a_count_without_a_rate_is_named(self, table: Path):
        found = ask(Prices(table=table), "plain-1")
        assert {"cache_write_tokens", "output_audio_tokens"} <= set(found.unrated)
        assert not {"cache_read_tokens", "web_searches", "reasoning_tokens"} & set(found.unrated)

    def test_what_is_named_makes_a_call_partial(self, table: Path):
        prices = Prices(table=table)
        for name in ask(prices, "plain-1").unrated:
            counts = {"input_tokens": 1, "output_tokens": 1, name: 1}
            if name.startswith("cache_write_"):
                counts["cache_write_tokens"] = 1
            cost = prices.cost(finished("plain-1", **counts))
            assert (cost.status, name in cost.missing) == ("partial", True)


class TestChoices:
    def test_each_is_told_with_its_day(self, table: Path):
        found = ask(Prices(table=table), "plain-1", at=datetime(2026, 10, 13, tzinfo=UTC))
        assert found.variants == (
            Variant("tier", "batch", date(2026, 10, 14), in_force=False),
            Variant("speed", "fast", None, in_force=True),
        )

    def test_the_one_that_is_asked_for_is_taken(self, table: Path):
        found = ask(Prices(table=table), "plain-1", tier="batch")
        assert usd(found)["input_tokens"] == (Decimal("0.75"),)
        assert found.lacks == ()

    def test_one_that_the_row_does_not_have(self, table: Path):
        found = ask(Prices(table=table), "plain-1", tier="flex", geo="us")
        assert found.lacks == ("service_tier", "inference_geo")
        assert usd(found)["input_tokens"] == (Decimal("1.5"),)


class TestProvider:
    def test_the_makers_come_first(self, table: Path):
        found = ask(Prices(table=table), "plain-1")
        assert (found.provider, found.also_sold_by) == ("openai", ("aardvark",))

    def test_another_where_no_maker_has_it(self, table: Path):
        assert ask(Prices(table=table), "only-here").provider == "aardvark"

    @pytest.mark.parametrize("name", ["google", "gcp.gemini"])
    def test_the_table_and_the_conventions_may_name_it(self, name: str):
        found = ask(Prices(), "gemini-2.5-pro", provider=name)
        assert (found.provider, found.seller) == ("gcp.gemini", "google")

    @pytest.mark.parametrize(
        ("host", "port", "provider"),
        [
            ("api.groq.com", None, "groq"),
            ("localhost", 11434, "ollama"),
            ("gpu-box", 8000, "openai"),
        ],
    )
    def test_a_host_tells_it_as_it_does_of_a_call(self, table: Path, host, port, provider: str):
        found = ask(Prices(table=table), "plain-1", host=host, port=port)
        assert found.provider == provider


class TestOwnRate:
    def test_the_key_that_won_is_named(self, table: Path):
        rates = {"GPU-box:8000/*": Rate(input=1, output=2), "*": Rate.free()}
        found = ask(Prices(overrides=rates, table=table), "m", host="gpu-box", port=8000)
        assert (found.source, found.key, found.match) == ("override", "GPU-box:8000/*", "override")
        assert usd(found)["output_tokens"] == (2,)

    @pytest.mark.parametrize(
        ("rate", "per_hour"), [(Rate.free(), 0), (Rate(gpu_usd_per_hour="1.20"), Decimal("1.20"))]
    )
    def test_a_price_of_a_whole_call(self, rate: Rate, per_hour: Decimal):
        found = ask(Prices(overrides={"m": rate}), "m")
        assert (found.flat_usd_per_hour, found.rates, found.unrated) == (per_hour, (), ())

    def test_the_rate_of_what_nobody_knows(self):
        found = ask(Prices(unknown=Rate(input=1, output=2)), "never-heard-of")
        assert (found.source, found.match) == ("assumed", "assumed")


class TestUnknown:
    def test_the_nearest_ids_are_offered(self):
        found = ask(Prices(), "claude-haiku-3-5", provider="anthropic")
        assert (found.source, found.cost) == ("none", None)
        assert found.nearest[0] == "claude-3-5-haiku-latest"

    def test_those_of_the_makers_where_nobody_sells_it(self):
        assert "gpt-4o-mini" in ask(Prices(), "gtp-4o-mini").nearest

    def test_who_sells_it_is_said(self, table: Path):
        found = ask(Prices(table=table), "only-here", provider="openai")
        assert (found.source, found.also_sold_by) == ("none", ("aardvark",))

    def test_a_misspelt_provider_is_told(self, table: Path):
        assert ask(Prices(table=table), "plain-1", provider="opnai").meant_provider == "openai"
        assert ask(Prices(table=table), "nothing", provider="ollama").meant_provider is None


class TestCost:
    def test_it_is_what_a_tracker_charges(self):
        """gpt-5.2 at 1.75, 0.175 and 14 USD (developers.openai.com/api/docs/pricing, 2026-11):
        176 x 1.75 + 1,024 x 0.175 + 80 x 14 millionths of a dollar."""
        counts = {"input_tokens": 1200, "cache_read_tokens": 1024, "output_tokens": 80}
        found = ask(Prices(), "gpt-5.2", usage=Usage(**counts))
        charged = CostTracker().settle(finished("gpt-5.2", **counts))
        assert found.cost == charged
        assert found.cost.total_usd == Decimal("0.0016072")

    def test_no_counts_no_cost(self):
        assert ask(Prices(), "gpt-5.2").cost is None

    def test_a_price_by_time_needs_the_time(self):
        """2.5 seconds of 1.20 USD an hour; without them there is no figure, and no zero."""
        prices = Prices(overrides={"m": Rate(gpu_usd_per_hour=1.20)})
        usage = Usage(input_tokens=1, output_tokens=1)
        assert ask(prices, "m", usage=usage).cost is None
        assert ask(prices, "m", seconds=2.5).cost.total_usd == Decimal("0.000833333333")
