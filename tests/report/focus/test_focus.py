"""Rows of FOCUS: the specification's columns and types, and sums that are the ledger's."""

import csv
import io
import json
import os
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan.cli import main
from costspan.report.focus.columns import COLUMNS, MANDATORY
from costspan.report.query import Question, ask
from tests.report.folders import GAP, line, write
from tests.test_docs import first_cells

NOT_NULL = [
    *(name for name in MANDATORY if name not in ("BillingAccountName", "ChargeClass")),
    *("SkuId", "SkuPriceId", "ChargeFrequency", "ServiceSubcategory"),
]
NUMERIC = re.compile(r"-?\d+(\.\d+)?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Exported(list[dict[str, str]]):
    """The rows of an export, and what was said beside them."""

    said: str


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(folder: Path, *arguments: str) -> Exported:
        assert main(["export", str(folder), "--format", "focus", *arguments]) == 0
        out, err = capsys.readouterr()
        rows = Exported(csv.DictReader(io.StringIO(out, newline="")))
        rows.said = err
        return rows

    return run


def total(rows: Exported, column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """Some days of calls, by chance: priced, unpriced, corrected, with tokens and without."""
    chance = random.Random(7)
    for day in (29, 30, 31):
        rows = []
        for _ in range(60):
            usd = None if chance.random() < 0.1 else f"{chance.randrange(-9, 10**12)}E-12"
            tokens = chance.choice([None, 5, 1000])
            rows.append(
                line(
                    timestamp=f"2026-10-{day}T{chance.randrange(24):02}:59:59.999999Z",
                    provider=chance.choice(["openai", "anthropic", "my.own"]),
                    model=chance.choice(["a", "b, \"c\"\n", None]),
                    user_id=chance.choice(["ann", "bob", None]),
                    tags=chance.choice([{}, {"team": "x"}, {"team": 7}]),
                    cost_usd=usd,
                    status="priced" if usd else "unpriced",
                    input_tokens=tokens,
                    total_tokens=tokens and tokens + 10,
                )
            )  # fmt: skip
        write(tmp_path, *rows, name=f"llm_trace_2026-10-{day}.jsonl")
    return tmp_path


@pytest.mark.parametrize("more", [(), ("--per", "call"), ("--by", "user,tag:team")])
def test_the_columns_and_their_types(month: Path, export: Any, more: tuple[str, ...]):
    rows = export(month, *more)
    assert list(rows[0]) == list(COLUMNS)
    assert set(MANDATORY) <= set(COLUMNS)
    ours = [name.startswith("x_") for name in COLUMNS]
    assert ours == sorted(ours)
    for row in rows:
        assert [name for name in NOT_NULL if not row[name]] == []
        for name in COLUMNS:
            if name.endswith(("Cost", "Quantity")):
                assert NUMERIC.fullmatch(row[name]), name
            if name.endswith(("PeriodStart", "PeriodEnd")):
                assert MOMENT.fullmatch(row[name]), name
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["BillingPeriodStart"] == "2026-10-01T00:00:00Z"
        assert row["BillingPeriodEnd"] == "2026-11-01T00:00:00Z"
        assert isinstance(json.loads(row["Tags"] or "{}"), dict)


@pytest.mark.parametrize("more", [(), ("--per", "call"), ("--by", "user"), ("--by", "tag:team")])
def test_the_sums_are_the_ledgers(month: Path, export: Any, more: tuple[str, ...]):
    report = ask(Question([month])).total
    rows = export(month, *more)
    for name in ("ListCost", "BilledCost", "ContractedCost", "EffectiveCost"):
        assert total(rows, name) == report.cost_usd
    assert total(rows, "x_Calls") == report.calls - report.unpriced_calls


def test_calls_and_days_say_the_same_of_every_user(month: Path, export: Any):
    sums: list[dict[str, Any]] = []
    for per in ("day", "call"):
        of: dict[str, Any] = {}
        for row in export(month, "--by", "user,tag:team", "--per", per, "--since", "2026-10-30"):
            key = row["SubAccountId"], row["Tags"], row["PricingUnit"]
            quantity = Decimal(row["PricingQuantity"])
            of[key] = of.get(key, 0) + Decimal(row["ListCost"]), quantity
            of[key] = of[key][0]
        sums.append({key[:2]: 0 for key in of})
        for key, usd in of.items():
            sums[-1][key[:2]] += usd
    assert sums[0] == sums[1]
    assert len(sums[0]) == 9


def test_a_markup_is_rounded_once_a_row(tmp_path: Path, export: Any):
    """0.000000000005 and 0.000000000015 by 1.1 are 5.5 and 16.5 millionth of a millionth: 6, 16."""
    write(
        tmp_path,
        line(model="a", user_id="ann", cost_usd="0.000000000005"),
        line(model="b", user_id="ann", cost_usd="0.000000000015"),
        line(model="c", user_id="bob", cost_usd="2"),
    )
    rows = export(tmp_path, "--by", "user", "--markup", "1.1", "--issuer", "Acme", "--account", "7")
    billed = [row["BilledCost"] for row in rows]
    assert billed == ["0.000000000006", "0.000000000016", "2.2"]
    for name in ("ContractedCost", "EffectiveCost"):
        assert [row[name] for row in rows] == billed
    assert [row["ListCost"] for row in rows] == ["0.000000000005", "0.000000000015", "2"]
    assert [row["SubAccountId"] for row in rows] == ["ann", "ann", "bob"]
    assert {(row["InvoiceIssuerName"], row["BillingAccountId"]) for row in rows} == {("Acme", "7")}
    assert rows.said == "3 rows, 2.00000000002 USD, billed as 2.200000000022 USD\n"


@pytest.mark.parametrize("per", ["day", "call"])
def test_calls_without_a_price_are_named_and_no_rows(tmp_path: Path, export: Any, per: str):
    write(
        tmp_path,
        line(model="a", cost_usd=None, status="unpriced"),
        line(model="b", user_id="u", cost_usd="0", status="not_billed"),
        line(model="b", cost_usd="0.1", status="partial", input_tokens=None, output_tokens=None,
             total_tokens=None),
        "torn",
        GAP[:-1] + ',"pid":1}',
    )  # fmt: skip
    rows = export(tmp_path, "--per", per, "--by", "user")
    assert [(row["SkuId"], row["ListCost"], row["PricingUnit"]) for row in rows] in (
        [("b", "0", "Tokens"), ("b", "0.1", "Requests")],
        [("b", "0.1", "Requests"), ("b", "0", "Tokens")],
    )
    assert sum(int(row["x_PartialCalls"]) for row in rows) == 1
    assert rows.said.splitlines()[:3] == [
        "2 rows, 0.1 USD, 1 of them without a sub account",
        "no price, and so not among the rows: 1 call of openai a",
        "3 calls could not be written to the files when they were made",
    ]
    assert ":4: torn" in rows.said


@pytest.mark.parametrize("per", ["day", "call"])
def test_a_damaged_file_is_named(month: Path, export: Any, per: str):
    (month / "llm_trace_2026-10-28.jsonl.gz").write_bytes(b"\x1f\x8bnot gzip")
    assert "llm_trace_2026-10-28.jsonl.gz: unreadable" in export(month, "--per", per).said


def test_a_call_over_the_end_of_a_month_is_billed_when_it_ended(tmp_path: Path, export: Any):
    ended = "2026-11-01T00:00:01.500000Z"
    write(tmp_path, line(timestamp=ended, latency_ms=4000.0), name="llm_trace_2026-11-01.jsonl")
    (row,) = export(tmp_path, "--per", "call")
    assert row["ChargePeriodStart"] == "2026-10-31T23:59:57Z"
    assert row["ChargePeriodEnd"] == "2026-11-01T00:00:02Z"
    assert row["BillingPeriodStart"] == "2026-11-01T00:00:00Z"


def test_the_year_ends(tmp_path: Path, export: Any):
    write(tmp_path, line(timestamp="2026-12-31T10:00:00.000000Z"))
    (row,) = export(tmp_path)
    assert row["BillingPeriodEnd"] == "2027-01-01T00:00:00Z"


def test_a_file_is_there_as_a_whole_or_not_at_all(month: Path, capsys: pytest.CaptureFixture[str]):
    out = month / "focus.csv"
    out.write_text("of yesterday")
    command = ["export", str(month), "--format", "focus", "--out", str(out)]
    assert main([*command, "--by", "day"]) == 2
    assert "every row is of a day" in capsys.readouterr().err
    assert out.read_text() == "of yesterday"

    assert main(command) == 0
    assert capsys.readouterr().out == ""
    assert out.read_text().startswith("BilledCost,")
    assert [path.name for path in month.iterdir() if "focus" in path.name] == ["focus.csv"]

    missing = month / "no" / "x"
    assert main(["export", str(month), "--format", "focus", "--out", str(missing)]) == 2
    said = f"{missing} cannot be written: No such file or directory\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_pipe_is_written_to_and_a_link_stays(month: Path, tmp_path: Path):
    """What stands under the name is not replaced by a file: as root, /dev/stdout would be."""
    export = ["export", str(month), "--format", "focus", "--out"]
    link, pipe = tmp_path / "link.csv", tmp_path / "pipe"
    link.symlink_to("focus.csv")
    assert main([*export, str(link)]) == 0
    assert link.is_symlink()
    written = (tmp_path / "focus.csv").read_bytes()

    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert main([*export, str(pipe)]) == 0
        assert os.read(reader, 1 << 16) == written
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_folder_is_no_place_for_rows(
    month: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["export", str(month), "--format", "focus", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path} cannot be written: Is a directory\n"


def test_the_page_lists_the_columns():
    assert first_cells("focus.md", "column") == list(COLUMNS)


@pytest.mark.parametrize("per", ["day", "call"])
def test_texts_are_as_they_were_and_a_formula_is_named(tmp_path: Path, export: Any, per: str):
    """The specification wants texts preserved, so that no quote is put before one."""
    write(tmp_path, line(user_id="=1+1"), line(user_id="a\rb"), line(user_id="c", cost_usd="-1"))
    rows = export(tmp_path, "--by", "user", "--per", per)
    assert sorted(row["SubAccountId"] for row in rows) == ["=1+1", "a\rb", "c"]
    said = "1 row with a text that a spreadsheet may run as a formula"
    assert said in rows.said


@pytest.mark.parametrize("per", ["day", "call"])
def test_the_ends_of_the_calendar(tmp_path: Path, export: Any, per: str):
    write(
        tmp_path,
        line(timestamp="9999-12-31T23:59:59.999999Z"),
        line(timestamp="9999-11-30T23:59:59.999999Z"),
        line(timestamp="0001-01-01T00:00:00.000000Z", latency_ms=1e300),
        line(timestamp="2026-11-21T00:00:00.000000Z", latency_ms=-1e300),
    )
    rows = export(tmp_path, "--per", per)
    assert sorted(row["BillingPeriodEnd"] for row in rows) == [
        "0001-02-01T00:00:00Z",
        "2026-12-01T00:00:00Z",
        "9999-12-01T00:00:00Z",
    ]
    said = "in December 9999, whose end has no date, and so not among the rows: 1 call of openai"
    assert said in rows.said


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("nosuch", "--by nosuch: write user, agent, session, endpoint, trace or tag:KEY"),
        ("user_id", "--by user_id: write user"),
        ("tag:", "--by tag:: write user, agent, session, endpoint, trace or tag:KEY"),
    ],
)
@pytest.mark.parametrize("per", ["day", "call"])
def test_a_wrong_word_names_those_that_an_export_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], per: str, word: str, said: str
):
    write(tmp_path, line())
    asked = ["export", str(tmp_path), "--format", "focus", "--per", per, "--by", word]
    assert main(asked) == 2
    assert capsys.readouterr().err == f"{said}\n"
