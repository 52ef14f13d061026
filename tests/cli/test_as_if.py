"""`costspan report --as-if`: what it prints where, and the exit codes that a script goes by."""

import csv
import io
import json
from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.folders import GAP, line, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A million tokens of gpt-4o at 2.50 USD twice, and a call of a model that has no price."""
    facts = {"input_tokens": 1_000_000, "output_tokens": 0, "cost_usd": "2.5", "model": "gpt-4o"}
    return write(
        tmp_path / "logs",
        line(**facts, agent="a"),
        line(**facts, agent="b|c"),
        line(model="nobody", request_model="nobody", cost_usd=None, status="unpriced"),
        "torn",
        GAP,
    )


def run(*arguments: object) -> int:
    try:
        return main(["report", *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def test_a_table_and_what_it_leaves_out(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--as-if", "gpt-4o-mini", "--as-if", "other=gpt-5-mini") == 0
    out, err = capsys.readouterr()
    caption, *rows = (" ".join(row.split()) for row in out.splitlines())
    assert caption == (
        "as if other were gpt-5-mini of openai, others were gpt-4o-mini of openai: arithmetic on "
        "the counts of the calls, no forecast"
    )
    assert rows == [
        "model calls was USD as if USD difference change not converted their USD",
        "gpt-4o 2 5.0000 0.3000 -4.7000 -94.0% 0 -",
        "nobody 1 - - - - 1 -",
        "total 3 5.0000 0.3000 -4.7000 -94.0% 1 -",
    ]
    assert err.splitlines() == [
        "no call is of other",
        "not converted, and in neither sum: 1 call",
        "  1 call of nobody of openai: it has no price of its own",
        "3 calls could not be written to the files when they were made",
        "passed over: 1 line",
        f"  {folder / 'llm_trace_2026-11-21.jsonl'}:4: torn",
    ]


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--as-if", "gpt-4o-mini", "--by", "agent", "--top", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    sums = {
        "calls": 1,
        "converted_calls": 1,
        "unconverted_calls": 0,
        "cost_usd": 2.5,
        "unconverted_usd": None,
        "was_usd": 2.5,
        "as_if_usd": 0.15,
        "difference_usd": -2.35,
        "change": -0.94,
    }
    assert found["rows"] == [{"agent": "a", **sums}]
    assert found["other"]["rows"] == 2
    assert found["other"]["was_usd"] == 2.5
    assert found["total"]["was_usd"] == 5
    assert found["not_converted"] == [
        {
            "provider": "openai",
            "model": "nobody",
            "reason": "unpriced",
            "calls": 1,
            "cost_usd": None,
        }
    ]


def test_csv(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--as-if", "gpt-4o-mini", "--by", "agent,day", "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["agent"], row["day"], row["as_if_usd"]) for row in rows] == [
        ("a", "2026-11-21", "0.15"),
        ("b|c", "2026-11-21", "0.15"),
        ("", "2026-11-21", ""),
    ]


def test_markdown(folder: Path, capsys: pytest.CaptureFixture[str]):
    run(
        folder,
        "--as-if",
        "batch",
        "--by",
        "agent",
        "--markdown",
        "--since",
        "2026-11-01",
        "--until",
        "2026-12-01",
    )
    text = capsys.readouterr().out.splitlines()
    assert text[2] == "2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z"
    assert text[5].replace("-", "").replace(":", "") == "|" * 9
    assert any(row.startswith("| b\\|c ") for row in text)


@pytest.mark.parametrize(("limit", "code"), [("0.3", 0), ("0.2999", 1)])
def test_fail_over_is_of_what_it_would_be(folder: Path, limit: str, code: int):
    assert run(folder, "--as-if", "gpt-4o-mini", "--fail-over", limit) == code


def test_rates_of_ones_own(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """Of the file that is named, or that the environment names."""
    config = tmp_path / "costspan.toml"
    config.write_text('[prices.overrides]\n"mine" = { input = 1, output = 1 }\n')
    assert run(folder, "--as-if", "mine") == 2
    assert "no price is known for 'mine'" in capsys.readouterr().err
    assert run(folder, "--as-if", "mine", "--config", config, "--json") == 0
    assert json.loads(capsys.readouterr().out)["total"]["as_if_usd"] == 2
    monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
    assert run(folder, "--as-if", "mine", "--json") == 0
    assert json.loads(capsys.readouterr().out)["total"]["as_if_usd"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as-if", "nobody-knows"), "no price is known for 'nobody-knows'"),
        (("--as-if", "a=b=c"), "no price is known for 'b=c'"),
        (("--as-if", "batch", "--compare", "--since", "7d"), "leave one of both out"),
        (("--as-if", "batch", "--by", "session_id"), "write session"),
        (("--as-if", "batch", "--where", "cost > 1"), "there is no field 'cost'"),
        (("--as-if", "batch", "--since", "soon"), "is no moment"),
        (("--as-if", "batch", "--since", "today", "--until", "yesterday"), "is not before"),
        (("--as-if", "batch", "--config", "not there"), "not there"),
        (("--config", "costspan.toml"), "--config is for --as-if"),
    ],
)
def test_a_wrong_question_is_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(folder, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_an_empty_folder_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path, "--as-if", "batch") == 0
    assert capsys.readouterr().err == (
        "no calls in 0 files: in a folder they are named llm_trace_<day>.jsonl\n"
    )


def test_a_file_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]):
    broken = folder / "llm_trace_2026-11-22.jsonl.gz"
    broken.write_bytes(b"\x1f\x8b no gzip")
    assert run(folder, "--as-if", "gpt-4o-mini", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["total"]["as_if_usd"] == 0.3
    assert found["passed_over"]["unreadable_files"] == 1
    assert f"  {broken}: unreadable" in err


def test_a_name_that_speaks_to_the_terminal_is_not_let(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write(tmp_path, line(model="\x1b[31mred\nline", provider="\x1b]0;title\x07"))
    assert main(["report", str(tmp_path), "--as-if", "gpt-5-mini"]) == 0
    assert "\x1b" not in "".join(capsys.readouterr())
    assert main(["report", str(tmp_path), "--where", "model"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_an_option_of_another_command_is_told_with_the_usage_of_this_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as end:
        main(["waste", str(tmp_path), "--compare"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: costspan waste ")
    assert "unrecognized arguments: --compare" in said
