"""Each rule of waste, over calls that fit it and calls that nearly do."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import Rate
from costspan.report.selection import asked
from costspan.report.waste.query import Waste, Wasted, ask
from costspan.report.waste.rules import CLASSES
from tests.report.folders import line, write

PRICES = Prices(
    overrides={
        "cached": Rate(input=10, output=0, cache_read=1, cache_write="12.5"),
        "no-discount": Rate(input=10, output=0),
        "free": Rate.free(),
    }
)
"""US dollars for a million tokens: 1,000 of them are a cent, 0.1 of a cent from the cache."""


def at(minutes: float, day: int = 21) -> str:
    seconds = round(minutes * 60)
    return f"2026-11-{day}T10:{seconds // 60:02}:{seconds % 60:02}.000000Z"


def wasted(folder: Path, *lines: str, **more: Any) -> Waste:
    write(folder, *lines)
    by = more.pop("by", ())
    return ask(asked([folder], by, **more), PRICES)


def found(folder: Path, *lines: str, **more: Any) -> dict[str, tuple[int, Decimal]]:
    """Calls and dollars of each class that has any."""
    total = wasted(folder, *lines, **more).total
    classes = {name: total.of(name) for name in CLASSES if total.of(name)[0]}
    assert total.waste_calls == sum(calls for calls, _ in classes.values())
    assert (total.waste_usd or 0) == sum(usd for _, usd in classes.values())
    assert (total.waste_usd or 0) <= (total.cost_usd or 0)
    return classes


class TestFailed:
    @pytest.mark.parametrize(
        "fields",
        [{"error": "openai.APITimeoutError", "outcome": "failed"}, {"outcome": "failed"},
         {"error": "pydantic.ValidationError"}, {"error": "e", "outcome": "abandoned"}],
    )  # fmt: skip
    def test_dollars_of_what_failed(self, tmp_path: Path, fields: dict):
        assert found(tmp_path, line(**fields), line()) == {"failed": (1, Decimal("0.5"))}

    @pytest.mark.parametrize(
        "fields",
        [{"cost_usd": "0", "status": "not_billed"}, {"cost_usd": None, "status": "unpriced"},
         {"cost_usd": "-0.5"}],
    )  # fmt: skip
    def test_what_was_not_paid_is_not_wasted(self, tmp_path: Path, fields: dict):
        assert found(tmp_path, line(outcome="failed", **fields), line(cost_usd="2")) == {}


class TestAbandoned:
    def test_dollars_of_what_was_broken_off(self, tmp_path: Path):
        assert found(tmp_path, line(outcome="abandoned")) == {"abandoned": (1, Decimal("0.5"))}

    @pytest.mark.parametrize("outcome", ["abandoned", "failed"])
    def test_not_where_the_answer_was_fetched_later(self, tmp_path: Path, outcome: str):
        one = line(outcome=outcome, span_id="00f067aa0ba902b7")
        later = line(corrects="00f067aa0ba902b7", cost_usd="-0.1", span_id="10f067aa0ba902b7")
        assert found(tmp_path, one, later) == {}


class TestRepeated:
    SAME = {"session_id": "s", "agent": "a", "cached_tokens": 0}  # noqa: RUF012 - a table

    def test_the_second_and_the_third(self, tmp_path: Path):
        lines = [line(timestamp=at(minutes), **self.SAME) for minutes in (0, 9, 18)]
        assert found(tmp_path, *lines) == {"repeated": (2, Decimal("1.0"))}

    @pytest.mark.parametrize(
        ("end", "took", "is_repeated"),
        [(15, 300, True), (15, 299, False), (5, 300, True), (5, 301, False)],
    )
    def test_within_ten_minutes_of_an_answer(
        self, tmp_path: Path, end: float, took: int, is_repeated: bool
    ):
        """It begins ten minutes after the other's end, or a second later; with it, or before."""
        again = line(timestamp=at(end), runtime_seconds=took, **self.SAME)
        assert bool(found(tmp_path, line(timestamp=at(0), **self.SAME), again)) == is_repeated

    @pytest.mark.parametrize(
        "other",
        [
            {"session_id": "t"},
            {"agent": "b"},
            {"endpoint": "/other"},
            {"user_id": "u"},
            {"provider": "azure.ai.openai"},
            {"request_model": "gpt-4o"},
            {"operation": "embeddings"},
            {"input_tokens": 101},
        ],
    )
    def test_another_question(self, tmp_path: Path, other: dict):
        lines = [line(timestamp=at(0), **self.SAME), line(timestamp=at(5), **self.SAME | other)]
        assert found(tmp_path, *lines) == {}

    def test_in_a_trace_where_there_is_no_session(self, tmp_path: Path):
        lines = [line(timestamp=at(n), trace_id=trace) for n, trace in enumerate("aab")]
        assert found(tmp_path, *lines) == {"repeated": (1, Decimal("0.5"))}

    def test_of_nobody_nothing_is_known(self, tmp_path: Path):
        assert found(tmp_path, line(timestamp=at(0)), line(timestamp=at(5))) == {}

    def test_traces_do_not_matter_in_a_session(self, tmp_path: Path):
        lines = [line(timestamp=at(n), trace_id=str(n), **self.SAME) for n in (1, 2)]
        assert found(tmp_path, *lines) == {"repeated": (1, Decimal("0.5"))}

    @pytest.mark.parametrize(
        "first",
        [{"outcome": "failed", "cost_usd": "0"}, {"outcome": "abandoned", "cost_usd": "0"},
         {"finish_reasons": ["length"], "cost_usd": "0"}],
    )  # fmt: skip
    def test_trying_again_is_no_repetition(self, tmp_path: Path, first: dict):
        lines = [line(timestamp=at(0), **self.SAME | first), line(timestamp=at(1), **self.SAME)]
        assert found(tmp_path, *lines) == {}

    def test_an_answer_that_was_free_is_one(self, tmp_path: Path):
        first = {**self.SAME, "cost_usd": "0", "status": "not_billed"}
        lines = [line(timestamp=at(0), **first), line(timestamp=at(1), **self.SAME)]
        assert found(tmp_path, *lines) == {"repeated": (1, Decimal("0.5"))}


class TestCutShort:
    @pytest.mark.parametrize(
        "reasons",
        [["length"], ["max_tokens"], ["MAX_TOKENS"], ["max_output_tokens"], ["stop", "length"]],
    )
    def test_dollars_of_what_ended_at_its_limit(self, tmp_path: Path, reasons: list[str]):
        assert found(tmp_path, line(finish_reasons=reasons)) == {"cut_short": (1, Decimal("0.5"))}

    @pytest.mark.parametrize("reasons", [["stop"], ["end_turn"], [], None, ["tool_use"]])
    def test_other_ends(self, tmp_path: Path, reasons: list[str] | None):
        assert found(tmp_path, line(finish_reasons=reasons)) == {}


class TestCacheMissed:
    @staticmethod
    def call(tokens: int, minutes: float, **fields: Any) -> str:
        """A call of a conversation; of 1,000 tokens a cent, or what is given."""
        facts = {
            "timestamp": at(minutes),
            "model": "cached",
            "request_model": "cached",
            "session_id": "s",
            "input_tokens": tokens,
            "output_tokens": 1,
            "cached_tokens": 0,
            "cost_usd": str(Decimal(tokens) / 100_000),
        }
        return line(**facts | fields)

    def test_what_came_before_could_have_been_read(self, tmp_path: Path):
        """5,000 tokens at 10 USD a million that would have been 1 USD a million."""
        lines = [self.call(5000, 0), self.call(8000, 4)]
        assert found(tmp_path, *lines) == {"cache_missed": (1, Decimal("0.045"))}

    @pytest.mark.parametrize(
        ("second", "why"),
        [
            ({"cached_tokens": 4096, "cost_usd": "0.043136"}, "it read something"),
            ({"cached_tokens": None}, "nobody says what it read"),
            ({"session_id": "t"}, "another session"),
            ({"agent": "b"}, "another agent"),
            ({"minutes": 5.1}, "the cache is gone"),
            ({"runtime_seconds": 241}, "the other was not over"),
            ({"tokens": 4999}, "it is shorter"),
            ({"cost_usd": "0.07"}, "its dollars are not those of its tokens"),
            ({"status": "partial"}, "a part of it has no price"),
        ],
    )
    def test_not_where(self, tmp_path: Path, second: dict, why: str):
        second = {"tokens": 8000, "minutes": 4, **second}
        assert found(tmp_path, self.call(5000, 0), self.call(**second)) == {}, why

    @pytest.mark.parametrize(("tokens", "is_missed"), [(4096, True), (4095, False)])
    def test_what_no_provider_would_cache(self, tmp_path: Path, tokens: int, is_missed: bool):
        lines = [self.call(tokens, 0), self.call(8000, 1)]
        assert bool(found(tmp_path, *lines)) == is_missed

    @pytest.mark.parametrize("model", ["no-discount", "free", "nobody knows"])
    def test_a_model_without_a_price_for_it(self, tmp_path: Path, model: str):
        lines = [self.call(n, n / 5000, model=model, request_model=model) for n in (5000, 8000)]
        assert found(tmp_path, *lines) == {}

    def test_what_was_written_could_have_been_read(self, tmp_path: Path):
        """Written at 12.5 USD a million: 3,000 of the 5,000, and 2,000 at 10; all to read at 1."""
        second = self.call(8000, 4, cache_write_tokens=3000, cost_usd="0.0875")
        assert found(tmp_path, self.call(5000, 0), second) == {
            "cache_missed": (1, Decimal("0.0345") + Decimal("0.018"))
        }

    def test_what_was_written_for_an_hour_first(self, tmp_path: Path):
        """claude-sonnet-4-5: 3 USD a million, 0.3 to read, 3.75 to write, 6 for an hour."""
        claude = {"model": "claude-sonnet-4-5", "request_model": None, "provider": "anthropic"}
        first = self.call(5000, 0, **claude, cost_usd="0.015015")
        second = self.call(8000, 4, **claude, cache_write_tokens=6000, cache_write_1h_tokens=1000,
                           cost_usd="0.030765")  # fmt: skip
        expected = (1000 * Decimal("5.7") + 4000 * Decimal("3.45")) / 1_000_000
        assert found(tmp_path, first, second) == {"cache_missed": (1, expected)}

    def test_each_of_a_conversation_by_the_one_before(self, tmp_path: Path):
        lines = [self.call(n, minutes) for n, minutes in ((5000, 0), (6000, 1), (9000, 2))]
        assert found(tmp_path, *lines) == {"cache_missed": (2, Decimal("0.045") + Decimal("0.054"))}


class TestTogether:
    def test_a_call_is_in_the_first_class_that_it_fits(self, tmp_path: Path):
        """All five rules hold for the last."""
        again = TestCacheMissed.call
        lines = [again(5000, 0), again(5000, 1, finish_reasons=["length"])]
        assert set(found(tmp_path, *lines)) == {"repeated"}
        lines = [again(5000, 0), again(6000, 1, finish_reasons=["length"])]
        assert set(found(tmp_path, *lines)) == {"cut_short"}
        lines = [again(5000, 0), again(5000, 1, outcome="abandoned", finish_reasons=["length"])]
        assert set(found(tmp_path, *lines)) == {"abandoned"}

    def test_by_words_those_with_the_most_waste_first(self, tmp_path: Path):
        waste = wasted(
            tmp_path,
            line(agent="a", cost_usd="3"),
            line(agent="b", cost_usd="1", outcome="failed"),
            line(agent="b", cost_usd="1"),
            line(agent="c", cost_usd="2", finish_reasons=["length"]),
            by=("agent",),
        )
        assert [(row.keys[0], row.sums.waste_usd, row.sums.share) for row in waste.rows] == [
            ("c", 2, 1.0),
            ("b", 1, 0.5),
            ("a", None, 0.0),
        ]
        assert (waste.total.cost_usd, waste.total.waste_usd) == (7, 3)

    def test_only_calls_of_the_question_are_compared(self, tmp_path: Path):
        lines = [line(timestamp=at(n), session_id="s") for n in (0, 5)]
        assert found(tmp_path, *lines) == {"repeated": (1, Decimal("0.5"))}
        assert found(tmp_path, *lines, since="2026-11-21T10:02", until="2026-11-22") == {}
        assert found(tmp_path, *lines, where="timestamp >= '2026-11-21 10:02:00'") == {}

    def test_nothing(self, tmp_path: Path):
        assert wasted(tmp_path).total == Wasted()

    def test_a_time_that_nobody_takes(self, tmp_path: Path):
        odd = {"session_id": "s", "runtime_seconds": 999_999_999_999}
        assert found(tmp_path, line(**odd), line(**odd, timestamp=at(3))) == {}

    def test_dear_calls_keep_every_digit(self, tmp_path: Path):
        amount = "123456.123456789012"
        one = line(cost_usd=amount, outcome="failed")
        assert found(tmp_path, one) == {"failed": (1, Decimal(amount))}
