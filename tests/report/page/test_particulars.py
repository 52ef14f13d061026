"""Single calls, failures and savings, from lines that were written by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.report.page.particulars import Failure, Particulars, particulars
from costspan.report.query import Question, ask
from tests.report.folders import line, write


def found(folder: Path, **asked: str) -> Particulars:
    question = Question([folder], now=datetime(2026, 11, 22, tzinfo=UTC), **asked)
    return particulars(question, ask(question), 2)


def test_the_dearest_calls_the_later_first_of_two_alike(tmp_path: Path):
    lines = [
        line(span_id=name, cost_usd=cost, timestamp=f"2026-11-2{day}T10:00:00.000000Z")
        for name, cost, day in (("a", "1", 0), ("b", "2", 0), ("c", "1", 1), ("d", None, 1))
    ]
    write(tmp_path, *lines)

    calls = found(tmp_path).calls

    assert [call.span_id for call in calls] == ["b", "c"]
    assert calls[0].cost_usd == Decimal(2)
    assert (calls[0].input_tokens, calls[0].latency_ms, calls[0].model) == (
        100,
        1000.0,
        "gpt-4o-mini",
    )


def test_a_dear_call_keeps_its_digits(tmp_path: Path):
    write(tmp_path, line(cost_usd="123456.123456789012"))

    assert str(found(tmp_path).calls[0].cost_usd) == "123456.123456789012"


def test_failures_the_most_frequent_first(tmp_path: Path):
    write(
        tmp_path,
        line(error="A", timestamp="2026-11-20T10:00:00.000000Z", cost_usd="0.25"),
        *(line(error="B", error_code="quota", cost_usd=None) for _ in range(2)),
        line(),
        line(error="A", cost_usd="0.5"),
        line(error="A", error_code="other"),
    )

    first, second, third = found(tmp_path).failures

    moments = datetime(2026, 11, 20, 10), datetime(2026, 11, 21, 10)  # noqa: DTZ001 (as DuckDB gives them)
    assert first == Failure("A", None, 2, Decimal("0.75"), *moments)
    assert (second.error, second.error_code, second.calls, second.cost_usd) == (
        "B",
        "quota",
        2,
        None,
    )
    assert (third.error_code, third.calls) == ("other", 1)


class TestSavings:
    def test_reads_and_writes_at_the_price_of_the_rest(self, tmp_path: Path):
        """600 fresh tokens cost 0.6, so 400 cached ones would have cost 0.4 and cost 0.15."""
        cached = {"input_tokens": 1000, "cached_tokens": 300, "cache_write_tokens": 100}
        dollars = {"input_usd": "0.6", "cache_read_usd": "0.03", "cache_write_usd": "0.12"}
        write(tmp_path, line(**cached, **dollars), line(model="other"))

        single = found(tmp_path)

        assert single.saving.saved_usd == pytest.approx(0.25)
        assert single.saving.tokens == 300
        assert single.savings["gpt-4o-mini"] == single.saving
        assert single.savings["other"].saved_usd is None

    @pytest.mark.parametrize(
        "unknown",
        [
            {"input_tokens": 300},  # all of it was cached: what fresh input costs is not known
            {"input_usd": None},
            {"cache_read_usd": None},
            {"cached_tokens": None},
        ],
    )
    def test_what_is_not_known_is_no_zero(self, tmp_path: Path, unknown: dict):
        known = {"input_tokens": 1000, "cached_tokens": 300, "input_usd": "0.7"}
        write(tmp_path, line(**(known | {"cache_read_usd": "0.03"} | unknown)))

        assert found(tmp_path).saving.saved_usd is None

    def test_a_cache_that_was_written_for_nothing_costs(self, tmp_path: Path):
        write(
            tmp_path,
            line(input_tokens=200, cached_tokens=0, cache_write_tokens=100, input_usd="0.1",
                 cache_read_usd="0", cache_write_usd="0.125"),
        )  # fmt: skip

        assert found(tmp_path).saving.saved_usd == pytest.approx(-0.025)


def test_only_what_was_asked_for(tmp_path: Path):
    write(
        tmp_path,
        line(span_id="old", timestamp="2026-11-20T10:00:00.000000Z"),
        line(span_id="ads", tags={"team": "ads"}, error="E"),
        line(span_id="search", tags={"team": "search"}, error="E"),
    )

    single = found(tmp_path, since="2026-11-21", where="tags.team = 'ads'")

    assert [call.span_id for call in single.calls] == ["ads"]
    assert [failure.calls for failure in single.failures] == [1]
