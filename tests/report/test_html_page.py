"""docs/report-page.md says what the page holds; the data are what the command prints elsewhere."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.errors import ConfigurationError
from costspan.report.page.document import data, document
from costspan.report.page.questions import Contents, contents
from costspan.report.query import Question
from tests.report.folders import line, write
from tests.test_docs import fenced, first_cells

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def found(folder: Path, **asked: object) -> Contents:
    return contents(Question([folder], now=NOW, **asked))


def test_the_command_that_takes_the_data_out(tmp_path: Path):
    write(tmp_path / "logs", line(agent="a</script> b"))
    (tmp_path / "report.html").write_text(document(found(tmp_path / "logs")), "utf-8")
    (command,) = (text for name, text in fenced("sh") if name.startswith("report-page"))

    program = command.replace("python", sys.executable, 1)
    done = subprocess.run(program, shell=True, cwd=tmp_path, capture_output=True, check=True)

    rows = json.loads(done.stdout)["reports"]["agent"]["rows"]
    assert [row["agent"] for row in rows] == ["a</script> b"]


def sections(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('<section id="')[1:]]


def test_the_keys_of_the_data(tmp_path: Path):
    write(tmp_path, line())

    assert first_cells("report-page.md", "key of the data") == list(
        json.loads(data(found(tmp_path)))
    )


@pytest.mark.parametrize(
    ("asked", "unit"),
    [
        ({}, "hour"),
        ({"since": "12h"}, "hour"),
        ({"since": "2d"}, "hour"),
        ({"since": "3d"}, "hour"),
        ({"since": "2026-11-01", "until": "2026-11-02"}, "hour"),
    ],
)
def test_one_day_is_told_by_the_hour(tmp_path: Path, asked: dict, unit: str):
    write(tmp_path, line())

    assert found(tmp_path, **asked).time.by == (unit,)


def test_more_days_are_told_by_the_day(tmp_path: Path):
    for day in (19, 20, 21):
        write(tmp_path, line(), name=f"llm_trace_2026-11-{day}.jsonl")

    assert found(tmp_path).time.by == ("day",)
    assert found(tmp_path, since="2d").time.by == ("hour",)


def test_a_file_whose_name_says_no_day_is_told_by_the_day(tmp_path: Path):
    write(tmp_path, line(), name="calls.jsonl")

    assert found(tmp_path / "calls.jsonl").time.by == ("day",)


def test_of_many_days_percentiles_are_of_the_latest(tmp_path: Path):
    for month in range(1, 12):
        for day in range(1, 13):
            moment = f"2026-{month:02}-{day:02}T10:00:00.000000Z"
            write(tmp_path, line(timestamp=moment), name=f"llm_trace_{moment[:10]}.jsonl")

    page = document(found(tmp_path))

    assert "Latency by day, the latest 120<" in page
    assert "Spend by week<" in page


def test_what_is_asked_beside_the_rest(tmp_path: Path):
    write(tmp_path, line(tags={"team": "a"}, cost_usd="1"), line(tags={"team": "b"}))

    page = document(found(tmp_path, by=("tag:team", "agent"), top=1))

    assert "By tag team and agent" in page
    assert "1 other" in page


def test_asked_by_what_the_chart_is_by(tmp_path: Path):
    write(tmp_path, *(line(model=f"m{n}") for n in range(3)))

    asked = found(tmp_path, by=("hour", "model"), top=2)

    assert len(asked.stacked.rows) == 3
    assert [(len(report.rows), report.others) for report in asked.breakdowns[3:]] == [(2, 1)]
    assert [report.others for report in asked.breakdowns[:3]] == [1, 0, 0]


def test_no_calls_no_sections_but_the_budgets(tmp_path: Path):
    assert sections(document(found(tmp_path))) == ["budgets"]
    write(tmp_path, line())
    assert len(sections(document(found(tmp_path)))) == 7


def test_a_comparison_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="--compare is not for --html"):
        found(tmp_path, since="7d", compare=True)


def test_totals_never_pass_through_a_double(tmp_path: Path):
    write(tmp_path, line(cost_usd="9223372.036854775807", input_usd=None))

    text = data(found(tmp_path))
    read = json.loads(text, parse_float=Decimal)

    assert read["reports"]["hour"]["total"]["cost_usd"] == Decimal("9223372.036854775807")
    assert read["dearest_calls"][0]["cost_usd"] == Decimal("9223372.036854775807")
    assert 'data-value="9223372.036854775807"' in document(found(tmp_path))
