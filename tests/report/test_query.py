"""Reports over lines that were written by hand: every figure, from the numbers in the lines."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.errors import ConfigurationError
from costspan.report.figures import Figures
from costspan.report.query import Question, Report, ask
from tests.report.folders import line, write

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def asked(folder: Path, *by: str, **more: object) -> Report:
    return ask(Question([folder], by, now=NOW, **more))


def keys(report: Report) -> list[tuple[str | None, ...]]:
    return [row.keys for row in report.rows]


class TestFigures:
    def test_sums_of_two_calls(self, tmp_path: Path):
        write(
            tmp_path,
            line(
                cost_usd="0.000000000001",
                cached_tokens=40,
                cache_write_tokens=7,
                reasoning_tokens=3,
                input_usd="0.1",
                cache_read_usd="0.2",
                cache_write_usd="0.3",
                output_usd="0.4",
                tools_usd="0.5",
            ),
            line(cost_usd="0.000000000002", error="openai.APIError", status="partial"),
        )

        total = asked(tmp_path).total

        assert (total.calls, total.errors, total.partial_calls) == (2, 1, 1)
        assert (total.unpriced_calls, total.estimated_calls) == (0, 0)
        assert (total.input_tokens, total.output_tokens, total.total_tokens) == (200, 20, 220)
        assert (total.cached_tokens, total.cache_write_tokens, total.reasoning_tokens) == (40, 7, 3)
        assert total.cost_usd == Decimal("0.000000000003")
        assert total.input_usd == Decimal("0.4")
        assert total.cache_read_usd == Decimal("0.2")
        assert total.cache_write_usd == Decimal("0.3")
        assert total.output_usd == Decimal("0.6")
        assert total.tools_usd == Decimal("0.5")
        assert total.runtime_seconds == 2

    def test_what_nobody_knows_is_no_zero(self, tmp_path: Path):
        nothing = dict.fromkeys(("input_tokens", "output_tokens", "total_tokens", "cost_usd"))
        write(tmp_path, line(**nothing, status="unpriced"))

        total = asked(tmp_path).total

        assert (total.calls, total.unpriced_calls) == (1, 1)
        assert total.input_tokens is total.output_tokens is total.total_tokens is None
        assert total.cost_usd is None
        assert total.cache_hit_rate is None
        assert total.tokens_per_second is None
        assert total.first_token is None

    def test_a_part_that_is_known_counts_in_the_total_of_tokens(self, tmp_path: Path):
        write(
            tmp_path,
            line(input_tokens=5, output_tokens=None, total_tokens=None),
            line(input_tokens=None, output_tokens=7, total_tokens=None),
            line(input_tokens=1, output_tokens=2, total_tokens=3),
        )
        assert asked(tmp_path).total.total_tokens == 15

    def test_percentiles_lie_between_the_calls(self, tmp_path: Path):
        """Of 0, 10, ... 100: the 95th percentile is 95, the 99th is 99."""
        write(tmp_path, *(line(latency_ms=ms, time_to_first_token_ms=ms / 10)
                          for ms in range(0, 101, 10)))  # fmt: skip
        total = asked(tmp_path).total
        assert total.latency == pytest.approx((50, 95, 99))
        assert total.first_token == pytest.approx((5, 9.5, 9.9))

    def test_the_cache_hit_rate_is_of_calls_that_report_both(self, tmp_path: Path):
        write(
            tmp_path,
            line(input_tokens=100, cached_tokens=30),
            line(input_tokens=100, cached_tokens=0),
            line(input_tokens=1000, cached_tokens=None),
            line(input_tokens=None, cached_tokens=500),
        )
        assert asked(tmp_path).total.cache_hit_rate == 0.15

    def test_speed_is_of_calls_that_put_tokens_out_themselves(self, tmp_path: Path):
        write(
            tmp_path,
            line(output_tokens=100, runtime_seconds=2.0),
            line(output_tokens=0, runtime_seconds=50.0),
            line(output_tokens=None, runtime_seconds=50.0),
            line(output_tokens=70, runtime_seconds=0.1, corrects="00f067aa0ba902b7"),
        )
        assert asked(tmp_path).total.tokens_per_second == 50

    def test_a_correction_takes_away(self, tmp_path: Path):
        write(
            tmp_path,
            line(cost_usd="0.5", status="estimated"),
            line(cost_usd="-0.2", input_tokens=-10, corrects="00f067aa0ba902b7"),
        )
        total = asked(tmp_path).total
        assert (total.calls, total.estimated_calls, total.input_tokens) == (2, 1, 90)
        assert total.cost_usd == Decimal("0.3")

    @pytest.mark.parametrize(
        "amount", ["999.999999999999", "1000.000000000001", "9123456.123456789012", "-4096.1"]
    )
    def test_a_dear_call_keeps_every_digit(self, tmp_path: Path, amount: str):
        """A double holds 15 or 16 digits; the name within a tag and a string is no dollars."""
        tags = {"cost_usd": 5, "note": ',"cost_usd":6'}
        mine = line(agent="a", cost_usd=amount, tags=tags, response_preview=',"cost_usd":7')
        write(tmp_path, mine, line(agent="b", cost_usd="0.000000000001"))

        report = asked(tmp_path, "agent", "tag:cost_usd")

        found = {row.keys: row.figures.cost_usd for row in report.rows}
        assert found == {("a", "5"): Decimal(amount), ("b", None): Decimal("0.000000000001")}
        assert report.total.cost_usd == Decimal(amount) + Decimal("0.000000000001")
        assert report.total.calls == 2

    def test_figures_of_nothing(self, tmp_path: Path):
        report = asked(tmp_path, "agent")
        assert (report.rows, report.total, report.files) == ([], Figures(), 0)


class TestBy:
    FIELDS = {  # noqa: RUF012 - a table
        "agent": ("agent", "reviewer"),
        "session": ("session_id", "ticket-17"),
        "endpoint": ("endpoint", "/review"),
        "user": ("user_id", "u1"),
        "model": ("model", "gpt-4o"),
        "provider": ("provider", "azure.ai.openai"),
        "trace": ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        "call": ("span_id", "00f067aa0ba902b7"),
    }

    @pytest.mark.parametrize("word", FIELDS)
    def test_each_word(self, tmp_path: Path, word: str):
        field, value = self.FIELDS[word]
        write(tmp_path, line(**{field: value}, cost_usd="2"), line())
        report = asked(tmp_path, word)
        assert keys(report)[0] == (value,)
        assert report.rows[0].figures.cost_usd == 2

    def test_days_and_hours_are_utc(self, tmp_path: Path):
        write(tmp_path, line(timestamp="2026-11-21T23:59:59.999999Z"))
        assert keys(asked(tmp_path, "day", "hour")) == [("2026-11-21", "2026-11-21T23")]

    def test_a_tag_of_any_name_and_type(self, tmp_path: Path):
        odd = "a \"b\".'c'"
        write(tmp_path, line(tags={odd: "x"}), line(tags={odd: 5}), line(tags={}), line(tags=None))
        found = {row.keys[0]: row.figures.calls for row in asked(tmp_path, f"tag:{odd}").rows}
        assert found == {"x": 1, "5": 1, None: 2}

    def test_several_at_once_the_dearest_first(self, tmp_path: Path):
        write(
            tmp_path,
            line(agent="a", model="m", cost_usd="1"),
            line(agent="a", model="n", cost_usd="3"),
            line(agent="b", model="m", cost_usd="2"),
            line(agent="a", model="m", cost_usd="1.5"),
        )
        report = asked(tmp_path, "agent", "model")
        assert keys(report) == [("a", "n"), ("a", "m"), ("b", "m")]
        assert [row.figures.calls for row in report.rows] == [1, 2, 1]
        assert report.total.cost_usd == Decimal("7.5")

    @pytest.mark.parametrize(
        ("word", "hint"),
        [
            ("session_id", "write session"),
            ("user_id", "write user"),
            ("trace_id", "write trace"),
            ("tag:", "use one of agent, session"),
            ("colour", "use one of agent, session"),
        ],
    )
    def test_a_wrong_word_is_told_the_right_one(self, tmp_path: Path, word: str, hint: str):
        with pytest.raises(ConfigurationError, match=f"no report by {word!r}: {hint}"):
            asked(tmp_path, word)


class TestTimes:
    @pytest.fixture
    def week(self, tmp_path: Path) -> Path:
        """A call at noon of each day from the 15th to the 22nd, of as many dollars as its day."""
        for day in range(15, 23):
            at = f"2026-11-{day}"
            one = line(timestamp=f"{at}T12:00:00.000000Z", cost_usd=str(day), agent=f"a{day % 2}")
            write(tmp_path, one, name=f"llm_trace_{at}.jsonl")
        return tmp_path

    @pytest.mark.parametrize(
        ("since", "until", "cost"),
        [
            ("yesterday", None, 21 + 22),
            ("today", None, 22),
            ("2d", None, 20 + 21 + 22),
            ("48h", "24h", 20),
            ("2026-11-16", "2026-11-18", 16 + 17),
            ("2026-11-16T12:00", "2026-11-16T12:01", 16),
            ("2026-11-16T13:00+01:00", "2026-11-16T14:00+01:00", 16),
            (None, "2026-11-16", 15),
            ("2027-01-01", "2027-01-02", None),
        ],
    )
    def test_windows(self, week: Path, since: str | None, until: str | None, cost: int | None):
        assert asked(week, since=since, until=until).total.cost_usd == cost

    def test_the_period_before_is_as_long(self, week: Path):
        report = asked(week, "agent", since="2026-11-19", until="2026-11-21", compare=True)
        assert report.compared_since.isoformat() == "2026-11-17T00:00:00"
        assert (report.total.cost_usd, report.before.cost_usd) == (19 + 20, 17 + 18)
        found = {row.keys[0]: (row.figures.cost_usd, row.before.cost_usd) for row in report.rows}
        assert found == {"a1": (19, 17), "a0": (20, 18)}

    def test_a_row_that_was_only_before(self, week: Path):
        report = asked(week, "model", "agent", since="2026-11-22", until="2026-11-23", compare=True)
        old = next(row for row in report.rows if row.keys[1] == "a1")
        assert (old.figures, old.before.cost_usd) == (Figures(), 21)

    def test_files_of_other_days_are_not_read(self, week: Path):
        assert asked(week, since="2026-11-22T00:00", until="2026-11-22T13:00").files == 3

    @pytest.mark.parametrize(
        ("question", "text"),
        [
            ({"since": "soon"}, "--since 'soon' is no moment: write 7d"),
            ({"until": "2026-13-01"}, "--until '2026-13-01' is no moment"),
            ({"since": "999999w"}, "--since '999999w' is no moment"),
            ({"since": "today", "until": "yesterday"}, "--since today is not before --until"),
            ({"since": "2030-01-01"}, "--since 2030-01-01 is not before --until now"),
            ({"compare": True}, "--compare needs --since"),
            ({"since": "0001-01-02", "compare": True}, "has no time before it"),
            ({"since": "2d", "compare": True, "by": ("day",)}, "not for rows by day or hour"),
        ],
    )
    def test_wrong_moments(self, tmp_path: Path, question: dict, text: str):
        with pytest.raises(ConfigurationError, match=text):
            ask(Question([tmp_path], now=NOW, **question))


def test_approximate_percentiles_are_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("costspan.report.query._MOST_EXACT_BYTES", 0)
    write(tmp_path, *(line(latency_ms=ms) for ms in range(1, 1001)))
    report = asked(tmp_path)
    assert report.percentiles == "approximate"
    assert report.total.latency == pytest.approx((500, 950, 990), rel=0.01)
