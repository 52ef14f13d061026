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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "is empty: download the export once more"),
        (b" \n", "is empty: download the export once more"),
        (b"hello\n", "is of no shape that is known here: name one of OpenAI costs"),
        (b'{"a": 1}', "is of no shape that is known here"),
        (b'{"object":"page","data":[', "is no whole JSON (Input data was truncated): download"),
        (b"[" * 100_000, "is no whole JSON (maximum recursion depth exceeded"),
        ('{"object":"page"}'.encode("utf-16"), "is no text in UTF-8 (byte 1): save the export"),
        (b"start_time,amount_value\n\xe9,1\n", "is no text in UTF-8 (byte 25): save the export"),
        (b"start_time,amount_value\n1795219200,x\n", ":2: 'x' is no amount; download the export"),
        (b"start_time,amount_value\nsoon,1\n", ":2: 'soon' is no day; download the export"),
        (b"usage_date_utc,cost_usd\n2026-11-21,NaN\n", ":2: 'NaN' is no amount"),
        (b"usage_date_utc,cost_usd\n2026-11-21\n", ":2: the line breaks off; download"),
        (
            b"start_time,amount_value\n1795219200," + b"1" * 200_000,
            ": field larger than field limit",
        ),
    ],
)
def test_what_is_no_export_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
):
    file = folder / "costs.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert run(folder) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.count(str(file)) == 1
    assert said in err


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (cost(1) | {"amount": None}, "a value is of another kind than the provider documents"),
        (cost(1) | {"amount": {"value": 1e300}}, "is no amount"),
        (cost(1) | {"amount": {}}, "there is no 'value'"),
        (cost("NaN"), "'NaN' is no amount"),
        (3, "a value is of another kind than the provider documents"),
    ],
)
def test_a_result_that_is_none(
    folder: Path, capsys: pytest.CaptureFixture[str], result: object, said: str
):
    write_json(folder / "costs.json", openai_costs([result]))
    assert run(folder) == 2
    assert f"costs.json: {said}" in capsys.readouterr().err.replace("'1E+300' ", "")


@pytest.mark.parametrize("start", [1e300, "soon", None, [1]])
def test_a_day_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str], start: object):
    page = openai_costs([])
    page["data"][0]["start_time"] = start
    write_json(folder / "costs.json", page)
    assert run(folder) == 2
    assert "is no day; download the export once more" in capsys.readouterr().err


def test_a_folder_is_no_export(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--against", str(folder)) == 2
    assert capsys.readouterr().err == (
        f"{folder} is a folder: name one file, the provider's export\n"
    )


class TestUnpriced:
    """Calls without a price are no 0."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        at = "2026-11-20T12:00:00.000000Z"
        write(tmp_path, line(timestamp=at, model="gpt-5", cost_usd=None, status="unpriced"))
        write_json(tmp_path / "costs.json", openai_costs([cost(1, "gpt-5, input")]))
        return tmp_path

    def test_in_a_table(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        assert run(folder) == 0
        assert capsys.readouterr().out.splitlines()[2:4] == [
            "2026-11-20  gpt-5  unpriced  1.000000   +1.000000  100.00  unpriced",
            "total              unpriced  1.000000   +1.000000  100.00",
        ]

    def test_as_json(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        run(folder, "--json")
        found = json.loads(capsys.readouterr().out)
        assert (found["ours"], found["rows"][0]["ours"]) == (None, None)

    @pytest.mark.parametrize("amount", [1, 0])
    def test_they_are_over_any_percentage(
        self, folder: Path, capsys: pytest.CaptureFixture[str], amount: int
    ):
        write_json(folder / "costs.json", openai_costs([cost(amount, "gpt-5, input")]))
        assert run(folder, "--fail-over-percent", "1000") == 1
        said = "the sums cannot be compared: no call of ours has a price"
        assert said in capsys.readouterr().err

    def test_one_that_is_priced_makes_a_sum(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        at = "2026-11-20T12:00:00.000000Z"
        write(folder, line(timestamp=at, model="o3"), name="llm_trace_2026-11-20.jsonl")
        run(folder, "--json")
        assert json.loads(capsys.readouterr().out)["ours"] == 0.5
