"""Comparisons of calls whose dollars are worked out here by hand."""

from decimal import Decimal
from pathlib import Path

import pytest

from costspan.report.as_if.query import Compared
from tests.report.as_if.settled import NOON, call, compared
from tests.report.folders import line, write

DAY = 86_400 * 10**9
M = 1_000_000


def dollars(sums: Compared) -> tuple[object, ...]:
    return sums.was_usd, sums.as_if_usd, sums.difference_usd


class TestModels:
    def test_all_calls_as_one_model(self, tmp_path: Path):
        """1 M in at 2 and 1 M out at 10 against 1 and 5."""
        total = compared(
            tmp_path, [call(input=M, output=M), call("half", input=M, output=0)], "half"
        ).total
        assert dollars(total) == (13, 7, -6)
        assert total.change == pytest.approx(-6 / 13)
        assert (total.calls, total.converted_calls, total.unconverted_calls) == (2, 1, 0)
        assert total.cost_usd == 13

    def test_one_model_as_another_and_others_as_they_were(self, tmp_path: Path):
        calls = [call(input=M, output=0), call("gpt-5.2", input=M, output=0)]
        found = compared(tmp_path, calls, "plain=half", by=("model",))
        assert {row.keys[0]: dollars(row.sums) for row in found.rows} == {
            "plain": (2, 1, -1),
            "gpt-5.2": (Decimal("1.75"), Decimal("1.75"), 0),
        }
        assert found.total.converted_calls == 1
        assert found.unmatched == []

    def test_a_cache_has_prices_of_its_own(self, tmp_path: Path):
        """100 fresh, 600 read, 300 written: of half the price in all."""
        one = call(input=1000, output=0, read=600, written=300)
        total = compared(tmp_path, [one], "half").total
        was = 100 * 2 + 600 * Decimal("0.2") + 300 * Decimal("2.5")
        assert dollars(total)[:2] == (was / M, was / M / 2)

    def test_a_name_that_no_call_has(self, tmp_path: Path):
        found = compared(tmp_path, [call(input=M, output=0)], "plane=half", "plain=half")
        assert found.unmatched == ["plane"]

    def test_what_costs_nothing(self, tmp_path: Path):
        assert dollars(compared(tmp_path, [call(input=M, output=M)], "free").total) == (12, 0, -12)
        found = compared(tmp_path, [call("free", input=M, output=M)], "half").total
        assert dollars(found) == (0, 6, 6)
        assert found.change is None

    def test_a_model_of_ones_own_machine(self, tmp_path: Path):
        """A second at 3.6 USD an hour, against 6 USD for tokens."""
        found = compared(tmp_path, [call("by-second", input=M, output=M)], "half").total
        assert dollars(found)[:2] == (Decimal("0.001"), 6)

    def test_the_row_that_it_has_already(self, tmp_path: Path):
        """A dated name means the same row of the table: nothing is otherwise."""
        one = call("gpt-4o-2024-08-06", input=M, output=0)
        total = compared(tmp_path, [one], "gpt-4o").total
        assert total.converted_calls == 0
        assert dollars(total) == (2.5, 2.5, 0)

    def test_the_model_that_answered_is_what_was_paid(self, tmp_path: Path):
        """gpt-4o-2024-05-13 costs 5 USD, the gpt-4o of today 2.50."""
        one = call("gpt-4o", answered="gpt-4o-2024-05-13", input=M, output=0)
        assert dollars(compared(tmp_path, [one], "gpt-4o").total) == (5, 2.5, -2.5)


class TestSizesAndTimes:
    def test_long_prompts_have_rates_of_their_own(self, tmp_path: Path):
        """gemini-2.5-pro: 1.25 USD up to 200,000 tokens, 2.50 above."""
        calls = [call(input=n, output=0) for n in (200_000, 200_001)]
        total = compared(tmp_path, calls, "gemini-2.5-pro").total
        assert total.as_if_usd == Decimal("0.25") + Decimal("0.5000025")

    def test_a_long_prompt_is_explained_by_its_own_rates(self, tmp_path: Path):
        calls = [call("gemini-2.5-pro", "gcp.gemini", input=n, output=0) for n in (10, 300_000)]
        total = compared(tmp_path, calls, "half").total
        assert dollars(total)[:2] == (Decimal("0.7500125"), Decimal("0.30001"))

    def test_prices_are_those_of_the_calls_time(self, tmp_path: Path):
        """deepseek-chat had half its price from 16:30 to 00:30, in 2025 from February on."""
        night = 1_741_132_800 * 10**9  # 2025-03-05T00:00Z
        calls = [call(input=M, output=0, at=night + minutes * 60 * 10**9) for minutes in (29, 31)]
        found = compared(tmp_path, calls, "deepseek-chat")
        assert found.total.converted_calls == 2
        assert found.total.as_if_usd == Decimal("0.135") + Decimal("0.27")

    def test_counts_beyond_measure(self, tmp_path: Path):
        """Whatever stands in a line of somebody else's."""
        most, least = 2**63 - 1, -(2**63)
        odd = [
            line(model="plain", input_tokens=most, output_tokens=most, cached_tokens=most),
            line(model="plain", input_tokens=least, cached_tokens=most, cache_write_tokens=most),
        ]
        write(tmp_path / "odd", *odd)
        found = compared(tmp_path, [call(input=M, output=0)], "half", more=[tmp_path / "odd"])
        assert (found.total.calls, found.total.converted_calls) == (3, 1)
        assert found.total.as_if_usd == 1

    def test_dollars_beyond_measure(self, tmp_path: Path):
        most = 2**63 - 1
        free = line(model="free", input_tokens=1, output_tokens=most, cost_usd="0", tools_usd="0")
        write(tmp_path / "odd", free)
        found = compared(tmp_path, [], "gpt-5.5-pro", more=[tmp_path / "odd"])
        assert [one.reason for one in found.refused] == ["price"]

    def test_a_day_too_far_off(self, tmp_path: Path):
        for year in ("0001", "9999", "99999"):
            odd = line(timestamp=f"{year}-12-31T10:00:00Z", model="plain", cost_usd="0.0003")
            write(tmp_path / year, odd)
        places = [tmp_path / year for year in ("0001", "9999", "99999")]
        found = compared(tmp_path, [call(input=M, output=0)], "half", more=places)
        assert (found.total.calls, found.total.converted_calls) == (3, 3)
        assert found.passed_over.lines == 1  # a year of five digits


class TestBatchAndCache:
    def test_a_batch(self, tmp_path: Path):
        """gpt-4o: 2.50 and 10, half of it in a batch."""
        calls = [
            call("gpt-4o", input=M, output=M),
            call("gpt-4o", input=M, output=M, service_tier="batch"),
        ]
        total = compared(tmp_path, calls, "batch").total
        assert dollars(total)[:2] == (Decimal("18.75"), Decimal("12.5"))
        assert total.converted_calls == 1

    def test_a_batch_that_nobody_offers(self, tmp_path: Path):
        found = compared(tmp_path, [call("gpt-4.5-preview", input=M, output=M)], "batch")
        assert [(one.reason, one.calls) for one in found.refused] == [("service_tier", 1)]
        assert (found.total.was_usd, found.total.as_if_usd) == (None, None)
        assert found.total.unconverted_usd == found.total.cost_usd == 225

    def test_no_cache(self, tmp_path: Path):
        """claude-sonnet-4-5: all 1,000 at 3 USD. The call that used none stays as it was."""
        calls = [
            call(
                "claude-sonnet-4-5",
                "anthropic",
                input=1000,
                output=0,
                read=600,
                written=300,
                hour=9,
            ),
            call(input=M, output=0),
        ]
        total = compared(tmp_path, calls, "no-cache").total
        assert total.as_if_usd == Decimal("0.003") + 2
        assert total.converted_calls == 1

    def test_no_cache_on_another_model(self, tmp_path: Path):
        one = call(input=1000, output=0, read=600, written=300)
        assert compared(tmp_path, [one], "half", "no-cache").total.as_if_usd == Decimal("0.001")

    @pytest.mark.parametrize("word", ["batch", "no-cache"])
    def test_time_has_one_price(self, tmp_path: Path, word: str):
        one = call("by-second", input=1000, output=0, read=600)
        total = compared(tmp_path, [one], word).total
        assert dollars(total) == (Decimal("0.001"), Decimal("0.001"), 0)


class TestWhatIsNotConverted:
    @pytest.mark.parametrize(
        ("facts", "reason"),
        [
            ({"model": "nobody knows", "input": M, "output": M}, "unpriced"),
            ({"input": M}, "partial"),
            ({"model": "gpt-4o", "input": M, "output": 0, "speed": "fast"}, "partial"),
            (
                {"model": "gpt-realtime", "input": M, "output": 0, "input_audio": 9},
                "own_price",
            ),
            ({"reported_cost_usd": Decimal("0.5"), "input": M, "output": 0}, "own_price"),
            ({"input": M, "output": 0, "service_tier": "turbo"}, "service_tier"),
            ({"input": 1, "output": 9, "read": 5}, "partial"),
            ({"reported_cost_usd": Decimal("0.5")}, "input_tokens, output_tokens"),
        ],
    )
    def test_reasons(self, tmp_path: Path, facts: dict, reason: str):
        target = "gpt-5-mini" if "service_tier" in facts else "half"
        found = compared(tmp_path, [call(**facts), call(input=M, output=0)], target)
        assert [(one.reason, one.calls) for one in found.refused] == [(reason, 1)]
        assert found.total.was_usd == 2
        assert (found.total.calls, found.total.converted_calls) == (2, 1)
        assert (found.total.unconverted_usd or 0) + 2 == found.total.cost_usd

    def test_a_price_that_the_other_model_lacks(self, tmp_path: Path):
        """text-embedding-3-small has no price for output."""
        found = compared(tmp_path, [call(input=M, output=5)], "text-embedding-3-small")
        assert found.refused[0].reason == "output_tokens"

    def test_rates_that_have_changed_since(self, tmp_path: Path):
        """The line's dollars are not those of its tokens, so that something in it is not told."""
        write(tmp_path / "more", line(model="plain", cost_usd="0.5"))
        found = compared(tmp_path, [], "half", more=[tmp_path / "more"])
        assert [one.reason for one in found.refused] == ["own_price"]

    def test_nothing(self, tmp_path: Path):
        assert compared(tmp_path, [], "half").total == Compared()

    def test_what_nothing_is_said_of_stays(self, tmp_path: Path):
        """Whatever is odd in it."""
        calls = [call("gpt-5.2", input=M), call("nobody knows", input=M, output=0)]
        total = compared(tmp_path, calls, "plain=half").total
        assert dollars(total) == (1.75, 1.75, 0)
        assert (total.calls, total.unconverted_calls) == (2, 0)

    def test_what_was_not_billed_costs_nothing_elsewhere(self, tmp_path: Path):
        total = compared(tmp_path, [call(input=M, output=0, billed=False)], "half").total
        assert dollars(total) == (0, 0, 0)


class TestCorrections:
    def test_a_difference_is_converted_as_one(self, tmp_path: Path):
        less = line(
            model="plain",
            input_tokens=-M,
            output_tokens=M,
            cost_usd="8",
            corrects="00f067aa0ba902b7",
        )
        write(tmp_path / "more", less)
        total = compared(
            tmp_path, [call(input=M, output=M)], "half", more=[tmp_path / "more"]
        ).total
        assert dollars(total)[:2] == (12 + 8, 6 + 4)

    def test_not_where_the_size_of_the_prompt_decides(self, tmp_path: Path):
        one = call(input=M, output=M, corrects=5)
        assert compared(tmp_path, [one], "gemini-2.5-pro").refused[0].reason == "correction"


class TestCallsByThemselves:
    def test_searches_have_a_fee(self, tmp_path: Path):
        """gpt-5-mini: 0.25 USD for a million tokens, 10 for a thousand searches."""
        one = call("gpt-5.2", input=M, output=0, web_searches=3)
        total = compared(tmp_path, [one, one], "gpt-5-mini").total
        assert dollars(total)[:2] == (2 * (Decimal("1.75") + Decimal("0.03")), 2 * Decimal("0.28"))

    def test_rates_finer_than_a_picodollar_are_rounded_by_the_call(self, tmp_path: Path):
        """Of "tiny" 15 tokens are one and a half picodollars, half to even 2; 5 are a half, 0."""
        calls = [call(input=n, output=0) for n in (15, 5, 5)]
        total = compared(tmp_path, calls, "tiny").total
        assert total.as_if_usd == Decimal("0.000000000002")
        assert total.converted_calls == 3


class TestRows:
    def test_the_dearest_first_and_others_as_one(self, tmp_path: Path):
        calls = [call(input=n * M, output=0, agent=f"a{n}") for n in range(1, 6)]
        found = compared(tmp_path, calls, "half", by=("agent",), top=2)
        assert [row.keys[0] for row in found.rows] == ["a5", "a4"]
        assert (found.others, dollars(found.other)[:2]) == (3, (12, 6))
        assert dollars(found.total)[:2] == (30, 15)

    def test_days_in_their_order(self, tmp_path: Path):
        calls = [call(input=M, output=0, at=NOON + n * DAY) for n in (2, 0, 1)]
        found = compared(tmp_path, calls, "half", by=("day",))
        assert [row.keys[0] for row in found.rows] == ["2026-11-20", "2026-11-21", "2026-11-22"]
