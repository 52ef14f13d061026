"""CSV: what a reader gets back, and what a spreadsheet does not run."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.cli import main
from costspan.report.tables import as_csv
from tests.report.folders import line, write


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", " a", "ünï ☃", ""])
def test_a_text_comes_back_whole(text: str):
    assert read(as_csv(["agent", "calls"], [{"agent": text, "calls": 1}])) == [
        {"agent": text, "calls": "1"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://a.example")',
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\N{FULLWIDTH EQUALS SIGN}1",
    ],
)
def test_a_text_is_no_formula(text: str):
    (row,) = read(as_csv(["agent"], [{"agent": text}]))
    assert row["agent"] == "'" + text


def test_numbers_stay_numbers():
    row = {"cost_usd": Decimal("-0.000000000001"), "calls": -3, "rate": -0.5, "before": None}
    assert as_csv(list(row), [row]).splitlines()[1] == "-0.000000000001,-3,-0.5,"


@pytest.mark.parametrize("command", ["report", "waste", "as-if"])
def test_every_command_that_writes_csv(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
):
    write(tmp_path, line(agent="=1+1", outcome="abandoned", cost_usd="-0.5"))
    more = ["report", "--as-if", "no-cache"] if command == "as-if" else [command]
    assert main([*more, str(tmp_path), "--by", "agent", "--csv"]) == 0
    (row,) = read(capsys.readouterr().out)
    assert row["agent"] == "'=1+1"
    assert "-0.5" in row.values()
