"""How a report is shown: rows, columns, numbers, and the forms for scripts."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.report import render, terminal
from costspan.report.layout import Column, chosen, columns, dollars, fitting
from costspan.report.query import Question, Report, ask
from tests.report.folders import line, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three agents in two days, the first half as dear, one call without a price."""
    return write(
        tmp_path,
        line(agent="a", cost_usd="1", timestamp="2026-11-20T10:00:00.000000Z"),
        line(agent="a|b", cost_usd="3", cached_tokens=25, time_to_first_token_ms=250),
        line(agent="c", cost_usd="2", error="openai.APIError"),
        line(agent=None, cost_usd=None, status="unpriced"),
    )


def asked(folder: Path, *by: str, **more: object) -> Report:
    return ask(Question([folder], by, **more))


class TestRows:
    def test_all_of_them(self, folder: Path):
        shown = chosen(asked(folder, "agent"), None)
        assert [row.keys[0] for row in shown.rows] == ["a|b", "c", "a", None]
        assert shown.other is None

    def test_the_rest_is_together_in_one(self, folder: Path):
        shown = chosen(asked(folder, "agent"), 2)
        assert [row.keys[0] for row in shown.rows] == ["a|b", "c"]
        assert (shown.other.keys, shown.others) == (("(other)",), 2)
        assert (shown.other.figures.calls, shown.other.figures.cost_usd) == (2, 1)
        assert shown.other.figures.latency is None

    @pytest.mark.parametrize("top", [1, 2, 3, 4, 5])
    def test_the_database_puts_the_rest_together_alike(self, folder: Path, top: int):
        write(folder, "torn", line(agent="d", cost_usd="1"), name="llm_trace_2026-11-22.jsonl")
        for by in (("agent",), ("day", "agent"), ("tag:team", "agent")):
            whole, limited = asked(folder, *by), asked(folder, *by, top=top)
            assert chosen(limited, top) == chosen(whole, top)
            assert (limited.total, limited.passed_over) == (whole.total, whole.passed_over)

    def test_time_goes_on(self, folder: Path):
        shown = chosen(asked(folder, "day", "agent"), None)
        assert [row.keys for row in shown.rows] == [
            ("2026-11-20", "a"),
            ("2026-11-21", None),
            ("2026-11-21", "a|b"),
            ("2026-11-21", "c"),
        ]


def test_a_plain_table(folder: Path):
    report = asked(folder, "agent")
    rows = render.as_text(report, chosen(report, 2)).splitlines()
    assert [row[:79] for row in rows] == [
        "agent    calls  errors  input  output  cached  cost USD  unpriced  p50 s  p95 s",
        "a|b          1       0    100      10     25%    3.0000         0   1.00   1.00",
        "c            1       1    100      10       -    2.0000         0   1.00   1.00",
        "(other)      2       0    200      20       -    1.0000         1      -      -",
        "total        4       1    400      40     25%    6.0000         1   1.00   1.00",
    ]
    assert [row.split()[-3:] for row in rows] == [
        ["TTFT", "p99", "tok/s"],
        ["0.25", "0.25", "10"],
        ["-", "-", "10"],
        ["-", "-", "10"],
        ["0.25", "0.25", "10"],
    ]


def test_what_was_asked_stands_above(folder: Path):
    report = asked(folder, "agent", since="2026-11-21", until="2026-11-22", where="cost_usd > 2")
    first = render.as_text(report, chosen(report, None)).splitlines()[0]
    assert first == "2026-11-21T00:00:00Z to 2026-11-22T00:00:00Z, where cost_usd > 2"


def test_markdown(folder: Path):
    report = asked(folder, "agent", where="cost_usd = 3")
    lines = render.as_markdown(report, chosen(report, None)).splitlines()
    assert lines[:2] == ["where cost_usd = 3", ""]
    assert lines[2].startswith("| agent | calls | errors |")
    assert lines[3].startswith("|-------|------:|-------:|")
    assert lines[4].startswith("| a\\|b  |     1 |      0 |")
    assert {line.count("|") - line.count("\\|") for line in lines[2:]} == {lines[2].count("|")}


def test_csv_holds_every_digit_and_nothing_for_what_is_not_known(folder: Path):
    write(folder, line(agent="a", cost_usd="0.000000000001"), name="llm_trace_2026-11-22.jsonl")
    report = asked(folder, "agent", since="2026-11-21", until="2026-11-23", compare=True)
    rows = list(csv.DictReader(io.StringIO(render.as_csv(report, chosen(report, None)))))
    found = {row["agent"]: (row["calls"], row["cost_usd"], row["before_cost_usd"]) for row in rows}
    assert found == {
        "a|b": ("1", "3", ""),
        "c": ("1", "2", ""),
        "a": ("1", "0.000000000001", "1"),
        "": ("1", "", ""),
    }


def test_csv_of_nothing_has_its_head(tmp_path: Path):
    report = asked(tmp_path, "agent")
    assert render.as_csv(report, chosen(report, None)).startswith("agent,calls,errors,")


def test_json(folder: Path):
    report = asked(folder, "agent", since="2026-11-20T12:00", until="2026-11-22", compare=True)
    found = json.loads(render.as_json(report, chosen(report, 1)), parse_float=Decimal)
    assert found["by"] == ["agent"]
    assert found["since"] == "2026-11-20T12:00:00.000000Z"
    assert found["compared_since"] == "2026-11-19T00:00:00.000000Z"
    assert (found["percentiles"], found["files"]) == ("exact", 1)
    assert (found["total"]["cost_usd"], found["before"]["cost_usd"]) == (5, 1)
    assert found["total"]["latency_p95_ms"] == 1000
    assert found["total"]["ttft_p50_ms"] == 250
    assert found["total"]["cache_hit_rate"] == Decimal("0.25")
    assert [row["agent"] for row in found["rows"]] == ["a|b"]
    assert found["rows"][0]["before"]["calls"] == 0
    assert (found["other"]["rows"], found["other"]["cost_usd"]) == (3, 2)
    assert found["passed_over"]["lines"] == 0


@pytest.mark.parametrize(
    ("amount", "digits", "shown"),
    [
        (None, 2, "-"),
        (Decimal(0), 4, "0.0000"),
        (Decimal("1234567.891"), 2, "1,234,567.89"),
        (Decimal("0.00004"), 4, "<0.0001"),
        (Decimal("0.00006"), 4, "0.0001"),
        (Decimal("-0.5"), 2, "-0.50"),
    ],
)
def test_dollars(amount: Decimal | None, digits: int, shown: str):
    assert dollars(amount, digits) == shown


def test_columns_give_way_in_their_order():
    columns = [Column("key", ["a" * 10]), Column("one", ["1"], 5), Column("two", ["2"], 2)]
    heads = [[column.head for column in fitting(columns, width)] for width in (20, 19, 15, 14, 1)]
    assert heads == [["key", "one", "two"], ["key", "two"], ["key", "two"], ["key"], ["key"]]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_a_terminal_of_any_width(
    folder: Path, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    report = asked(folder, "agent")
    terminal.show(columns(report, chosen(report, None), bars=True), [])
    printed = capsys.readouterr().out
    assert "\x1b[" in printed
    plain = "".join(part.partition("m")[2] if n else part
                    for n, part in enumerate(printed.split("\x1b[")))  # fmt: skip
    assert all(len(row) <= width for row in plain.splitlines())
    assert "6.0000" in plain
    assert ("██████████" in plain) == (width >= 80)


def test_an_escape_in_a_name_does_not_reach_the_terminal(tmp_path: Path):
    write(tmp_path, line(agent="\x1b[31mred\nline"))
    report = asked(tmp_path, "agent")
    text = render.as_text(report, chosen(report, None))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3
