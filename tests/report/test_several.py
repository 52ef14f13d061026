"""Several breakdowns in one pass: each answers as if it had been asked alone."""

from pathlib import Path
from typing import NoReturn

import duckdb
import pytest
from msgspec import structs

from costspan.errors import ConfigurationError
from costspan.report import query
from costspan.report.figures import Figures
from costspan.report.query import Breakdown, Question, Report, Row, ask, ask_each
from tests.report.folders import GAP, line, write

BREAKDOWNS = [
    Breakdown(("agent",)),
    Breakdown(("model", "agent"), 2),
    Breakdown(("agent", "model")),
    Breakdown(()),
    Breakdown(("day",)),
    Breakdown(("tag:team",), 1),
    Breakdown(("model",), 1),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        *(
            line(
                agent=f"a{n % 3}" if n % 4 else None,
                model=f"m{n % 5}",
                tags={"team": f"t{n % 2}"},
                cost_usd=f"0.{n:012}",
                latency_ms=100.0 * n,
                error="E" if n == 7 else None,
                timestamp=f"2026-11-{10 + n % 4}T10:00:00.000000Z",
            )
            for n in range(1, 41)
        ),
        "torn",
        GAP,
        name="llm_trace_2026-11-12.jsonl",
    )


@pytest.mark.parametrize("more", [{}, {"where": "cost_usd > 0.00000000001", "since": "2026-11-11"}])
def test_each_is_what_it_would_be_alone(folder: Path, more: dict):
    question = Question([folder], **more)

    found = ask_each(question, BREAKDOWNS)

    for report, one in zip(found, BREAKDOWNS, strict=True):
        assert report == ask(structs.replace(question, by=one.by, top=one.top)), one
    assert len(found[0].rows) >= 3
    assert len(found[1].rows) == 2
    assert found[1].others > 0


def test_the_time_before_is_compared_for_each(folder: Path):
    question = Question([folder], since="2026-11-12", until="2026-11-14", compare=True)
    pair = [Breakdown(("agent",)), Breakdown(("model",))]

    for report, one in zip(ask_each(question, pair), pair, strict=True):
        assert report == ask(structs.replace(question, by=one.by))
        assert report.before.calls == 20


def test_a_dear_call_is_read_exactly_for_each(tmp_path: Path):
    write(
        tmp_path, line(agent="a", cost_usd="123456.123456789012"), line(cost_usd="0.000000000001")
    )

    for report in ask_each(Question([tmp_path]), BREAKDOWNS[:3]):
        assert str(report.total.cost_usd) == "123456.123456789013"


def test_a_wrong_word_of_any_is_named(folder: Path):
    with pytest.raises(ConfigurationError, match="'session_id': write session"):
        ask_each(Question([folder]), [Breakdown(("agent",)), Breakdown(("session_id",))])


def _short_of_memory(*arguments: object) -> NoReturn:
    raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"where": "cost_usd > 0.00000000001", "since": "2026-11-11"},
        {"where": "cost_usd > 1"},
        {"since": "2026-11-12", "until": "2026-11-14", "compare": True},
    ],
)
def test_what_does_not_fit_into_memory_is_summed_up_from_a_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: dict
):
    asked = [one for one in BREAKDOWNS if not ("compare" in more and one.by == ("day",))]
    whole = ask_each(Question([folder], **more), asked)

    monkeypatch.setattr(query, "while_read", _short_of_memory)

    for found, report in zip(ask_each(Question([folder], **more), asked), whole, strict=True):
        assert (report.percentiles, found.percentiles) == ("exact", "approximate")
        assert found.total.latency == _near(report.total.latency)
        assert _without_times(found) == _without_times(report)
        for row, same in zip(found.rows, report.rows, strict=True):
            assert row.keys == same.keys
            assert row.figures.latency == _near(same.figures.latency)


def _near(times: tuple[float, ...] | None) -> object:
    return times and pytest.approx(times, rel=0.01)


def _without_times(report: Report) -> Report:
    def bare(figures: Figures | None) -> Figures | None:
        return figures and structs.replace(figures, latency=None, first_token=None)

    return structs.replace(
        report,
        rows=[Row(row.keys, bare(row.figures), bare(row.before)) for row in report.rows],
        total=bare(report.total),
        before=bare(report.before),
        percentiles="",
    )


def test_a_dear_call_is_exact_in_a_table_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(query, "while_read", _short_of_memory)
    write(
        tmp_path, line(agent="a", cost_usd="123456.123456789012"), line(cost_usd="0.000000000001")
    )

    assert str(ask(Question([tmp_path])).total.cost_usd) == "123456.123456789013"


def test_memory_that_is_not_enough_for_a_table_either_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(query, "while_read", _short_of_memory)
    monkeypatch.setattr(query, "from_table", _short_of_memory)

    with pytest.raises(ConfigurationError, match="DuckDB cannot answer: Out of Memory"):
        ask_each(Question([folder]), BREAKDOWNS[:2])
