"""`costspan reconcile`: what it prints where, and the exit codes that a script goes by."""

import csv
import json
from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.folders import line, write
from tests.report.reconciling.exports import cost, openai_costs, write_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    at = "2026-11-20T12:00:00.000000Z"
    write(tmp_path, line(timestamp=at, model="gpt-5", cost_usd="0.97"), "torn")
    write_json(tmp_path / "costs.json", openai_costs([cost(1, "gpt-5, input")]))
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    try:
        return main(["reconcile", str(folder), "--against", str(folder / "costs.json"), *arguments])
    except SystemExit as stopped:
        return int(stopped.code or 0)


def test_a_table_and_what_it_leaves_out(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "OpenAI costs, 2026-11-20 to 2026-11-20 (UTC), in USD",
        "day         model      ours  provider  difference     %  likely causes",
        "2026-11-20  gpt-5  0.970000  1.000000   +0.030000  3.00",
        "total              0.970000  1.000000   +0.030000  3.00",
    ]
    assert err.splitlines()[0] == "passed over: 1 line"


@pytest.mark.parametrize(("most", "code"), [("3", 0), ("3%", 0), ("2.999", 1), ("0", 1)])
def test_fail_over_percent(folder: Path, capsys: pytest.CaptureFixture[str], most: str, code: int):
    assert run(folder, "--fail-over-percent", most) == code
    assert ("the sums differ: 3.000 %" in capsys.readouterr().err) == bool(code)


def test_a_provider_that_has_nothing_is_over_any_percentage(folder: Path):
    write_json(folder / "costs.json", openai_costs([]))
    assert run(folder, "--fail-over-percent", "1000") == 1
    assert run(folder) == 0


def test_json_and_csv_say_the_same(folder: Path, capsys: pytest.CaptureFixture[str]):
    run(folder, "--json")
    (of_json,) = json.loads(capsys.readouterr().out)["rows"]
    run(folder, "--csv")
    (of_csv,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert of_json["causes"] == []
    assert of_csv == {name: str(value) for name, value in of_json.items()} | {"causes": ""}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fail-over-percent", "much"), "is no percentage"),
        (("--json", "--csv"), "not allowed with"),
        (("--against", "nowhere"), "nowhere: there is no such file"),
    ],
)
def test_what_cannot_be_compared(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(folder, *arguments) == 2
    assert said in capsys.readouterr().err
