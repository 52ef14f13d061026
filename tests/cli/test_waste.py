"""`costspan waste`: what it prints where, and the exit codes that a script goes by."""

import csv
import io
import json
from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.folders import GAP, line, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        line(agent="a", cost_usd="3"),
        line(agent="a", cost_usd="0.25", outcome="failed"),
        line(agent="b|c", cost_usd="0.75", finish_reasons=["max_tokens"]),
        "torn",
        GAP,
    )


def run(*arguments: object) -> int:
    try:
        return main(["waste", *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def test_a_table_and_what_it_leaves_out(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder) == 0
    out, err = capsys.readouterr()
    assert out == (
        "of 4.0000 USD for 3 calls, at most\n"
        "waste         calls  waste USD  of cost  meaning\n"
        "failed            1     0.2500     6.2%  failed, and billed all the same\n"
        "abandoned         0          -     0.0%  broken off before their end\n"
        "repeated          0          -     0.0%  asked again within ten minutes\n"
        "cut short         1     0.7500    18.8%  ended at the limit of output\n"
        "cache missed      0          -     0.0%  paid in full for what a cache could have held\n"
        "total             2     1.0000    25.0%\n"
    )
    assert err.splitlines() == [
        "3 calls could not be written to the files when they were made",
        "passed over: 1 line",
        f"  {folder / 'llm_trace_2026-11-21.jsonl'}:4: torn",
    ]


def test_by_words(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--by", "agent", "--markdown") == 0
    rows = [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()]
    assert rows[2] == (
        "| agent | calls | cost USD | failed | abandoned | repeated | cut short | cache missed "
        "| waste USD | of cost |"
    )
    assert rows[4] == "| b\\|c | 1 | 0.7500 | - | - | - | 0.7500 | - | 0.7500 | 100.0% |"
    assert rows[5] == "| a | 2 | 3.2500 | 0.2500 | - | - | - | - | 0.2500 | 7.7% |"
    assert len(rows) == 7


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--by", "agent", "--top", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["waste_usd"] == 1
    assert found["rows"][0]["agent"] == "b|c"
    assert found["rows"][0]["share"] == 1
    assert (found["other"]["rows"], found["other"]["failed_usd"]) == (1, 0.25)


@pytest.mark.parametrize(("by", "count"), [((), 1), (("--by", "agent"), 2)])
def test_csv(folder: Path, capsys: pytest.CaptureFixture[str], by: tuple[str, ...], count: int):
    assert run(folder, "--csv", *by) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == count
    assert sum(float(row["waste_usd"]) for row in rows) == 1


@pytest.mark.parametrize(("limit", "code"), [("1", 0), ("0.99", 1)])
def test_fail_over_is_of_the_waste(
    folder: Path, capsys: pytest.CaptureFixture[str], limit: str, code: int
):
    assert run(folder, "--fail-over", limit) == code
    assert ("1 USD is over 0.99" in capsys.readouterr().err) == bool(code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "session_id"), "write session"),
        (("--where", "cost > 1"), "there is no field 'cost'"),
        (("--since", "soon"), "is no moment"),
        (("--top", "-1"), "'-1' is no number of rows"),
        (("--config", "not there"), "not there"),
    ],
)
def test_a_wrong_question_is_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(folder, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_price_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Of a model that only the user's file knows: 5,000 tokens that a cache would have held."""
    facts = {"model": "mine", "session_id": "s", "cached_tokens": 0, "output_tokens": 0}
    folder = write(
        tmp_path / "logs",
        line(timestamp="2026-11-21T10:00:00Z", input_tokens=5000, cost_usd="0.05", **facts),
        line(timestamp="2026-11-21T10:01:00Z", input_tokens=8000, cost_usd="0.08", **facts),
    )
    config = tmp_path / "costspan.toml"
    config.write_text('[prices.overrides]\n"mine" = { input = 10, output = 1, cache_read = 1 }\n')

    run(folder, "--json")
    assert json.loads(capsys.readouterr().out)["total"]["waste_calls"] == 0
    run(folder, "--json", "--config", config)
    assert json.loads(capsys.readouterr().out)["total"]["cache_missed_usd"] == 0.045


def test_an_empty_folder_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path) == 0
    assert capsys.readouterr().err == (
        "no calls in 0 files: in a folder they are named llm_trace_<day>.jsonl\n"
    )


def test_a_database_says_the_same_as_the_files(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Of `costspan load`: waste, and the same calls at another tariff, by a tag too."""
    conversation = {"session_id": "s", "model": "gpt-4o", "cached_tokens": 0, "output_tokens": 0}
    write(
        folder,
        line(timestamp="2026-11-22T10:00:00Z", input_tokens=8000, cost_usd="0.02", **conversation),
        line(timestamp="2026-11-22T10:01:00Z", input_tokens=8000, cost_usd="0.02", **conversation),
        line(timestamp="2026-11-22T10:02:00Z", input_tokens=9000, cost_usd="0.0225",
             tags={"team": "x"}, **conversation),
        name="llm_trace_2026-11-22.jsonl",
    )  # fmt: skip
    database = f"sqlite:///{tmp_path}/calls.db"
    assert main(["load", str(folder), "--into", database]) == 0
    questions = [
        ["waste", "--by", "tag:team", "--json"],
        ["waste", "--json", "--where", "tags.team = 'x'"],
        [
            "report",
            "--json",
            "--as-if",
            "gpt-4o-mini",
            "--since",
            "2026-11-22",
            "--until",
            "2027-01-01",
        ],
    ]
    for command, *rest in questions:
        answers = []
        for place in (str(folder), database):
            capsys.readouterr()
            assert main([command, place, *rest]) == 0
            found = json.loads(capsys.readouterr().out)
            answers.append({name: found[name] for name in ("total", "rows")})
        assert answers[0] == answers[1]
        assert answers[0]["total"]["calls"] > 0
