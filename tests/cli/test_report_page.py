"""`costspan report --html`: the file, what is printed, and the store of the budgets."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import Budget, CostTracker, Instrumentor, Prices, Rate, record_call
from costspan.cli import main
from tests.cli.test_budgets import wait_for
from tests.report.folders import LINE, line, write


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("COSTSPAN_CONFIG", "COSTSPAN_STORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "logs", line(agent="a"), line(cost_usd=None, status="unpriced"), "torn")


def run(*arguments: object) -> int:
    try:
        return main(["report", *map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def data(file: str) -> dict:
    text = re.search(r'id="data">(.*?)</script>', Path(file).read_text("utf-8"))[1]
    return json.loads(text, parse_float=Decimal)


def test_it_says_what_it_wrote_and_what_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(folder, "--html", "page.html") == 0

    out, err = capsys.readouterr()
    assert out == "page.html: 2 calls, 0.5 USD\n"
    assert "1 call without a price" in err
    page = Path("page.html").read_text("utf-8")
    assert "<li>1 call without a price: its dollars are not in the sums</li>" in page
    assert "<li>passed over: 1 line</li>" in page
    assert str(folder) not in page.partition('id="data"')[0]


def test_a_limit_holds_for_a_page_too(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--html", "page.html", "--fail-over", "0.4") == 1
    assert Path("page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--html", "no/such/page.html"), "no/such/page.html cannot be written: No such file"),
        (("--html", "page.html", "--json"), "not allowed with argument"),
        (("--html", "page.html", "--store", "sqlite:///none.db"), "file is not there"),
        (("--html", "page.html", "--store", "oracle://x"), "oracle"),
        (("--store", "sqlite:///costs.db"), "--store is for --html"),
    ],
)
def test_what_cannot_be_done_is_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(folder, *arguments) == 2
    assert said in capsys.readouterr().err
    assert not Path("page.html").exists()


def test_without_a_store_the_page_says_where_budgets_are(folder: Path):
    assert run(folder, "--html", "page.html") == 0

    assert "The calls files do not say how budgets stand" in Path("page.html").read_text("utf-8")
    assert data("page.html")["budgets"] is None


@pytest.mark.parametrize("is_named", [True, False])
def test_a_store_tells_how_budgets_stand(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
):
    store = "sqlite:///costs.db"
    costs = CostTracker(
        prices=Prices(overrides={"m": Rate(input=1, output=1)}),
        budgets=[Budget("the <b>month", usd=2, window="month"), Budget("one", usd=9, per="call")],
        store=store,
        alerts=[lambda alert: None],
    )
    Instrumentor().instrument(costs=costs)
    with record_call(model="m") as call:
        call.set_usage(input_tokens=3_000_000, output_tokens=0)
    assert costs.flush(20)
    Instrumentor().uninstrument()
    wait_for(store, {"the <b>month", "one"})
    if not is_named:
        monkeypatch.setenv("COSTSPAN_STORE", store)

    assert run(folder, "--html", "page.html", *(["--store", store] if is_named else [])) == 0

    page = Path("page.html").read_text("utf-8")
    assert "the &lt;b&gt;month" in page
    assert '<strong class="over">150%</strong>' in page
    assert "$3.00" in page
    (month,) = (one for one in data("page.html")["budgets"]["budgets"] if one["used_up"])
    assert month["scopes"][0]["spent"] == 3


def test_a_store_that_is_down_is_said_and_the_page_is_there(folder: Path):
    assert run(folder, "--html", "page.html", "--store", "redis://127.0.0.1:1/0") == 0
    assert "did not answer when this page was made" in Path("page.html").read_text("utf-8")


def test_where_no_call_has_a_price_no_zero_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    unpriced = line(**dict.fromkeys(one for one in LINE if one.endswith("_usd")), status="unpriced")
    folder = write(tmp_path / "logs", unpriced)

    assert run(folder, "--html", "page.html") == 0

    assert capsys.readouterr().out == "page.html: 1 call, no price known\n"
    page = Path("page.html").read_text("utf-8")
    assert "<h1><strong>No price</strong> for one call</h1>" in page
    assert "No call has a price." in page


def test_calls_with_a_part_of_their_price_are_among_what_is_left_out(tmp_path: Path):
    folder = write(tmp_path / "logs", line(), line(status="partial", missing=["tools"]))

    assert run(folder, "--html", "page.html") == 0

    said = "<li>1 call with a price for a part only: the rest is not in the sums</li>"
    assert said in Path("page.html").read_text("utf-8")


def test_a_store_of_the_environment_whose_file_is_not_there_costs_no_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COSTSPAN_STORE", "sqlite:///none.db")

    assert run(folder, "--html", "page.html") == 0

    assert "names is not there, as seen from where" in Path("page.html").read_text("utf-8")
    assert not Path("none.db").exists()


def test_a_page_without_a_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, "--html", "") == 2
    assert "cannot be written" in capsys.readouterr().err
