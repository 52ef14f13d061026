"""What `costspan doctor` says of the prices, the budgets and their store."""

from datetime import date
from pathlib import Path

import pytest

from costspan import cli
from costspan.cost.pricing import age
from costspan.cost.stores.opening import open_store
from tests.cost.conftest import refresh_threads
from tests.cost.pricing.tables import Source
from tests.third_party.processes import free_port

TWO_BUDGETS = '[[budgets]]\nname = "one"\nusd = 1\n[[budgets]]\nname = "two"\ncalls = 2\n'


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What doctor says of prices, with `[prices]` as given."""

    def lines(text: str = "") -> list[str]:
        config = tmp_path / "costspan.toml"
        config.write_text(f"[prices]\n{text}\n", encoding="utf-8")
        monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
        assert cli.main(["doctor"]) == 0
        found = capsys.readouterr().out.splitlines()
        return [" ".join(line.split()) for line in found if line.startswith("price")]

    return lines


def test_refreshing_is_off(served: Source, said):
    assert said() == [
        "prices genai-prices 0.2.3 (changes up to 2026-10-19)",
        "price refresh off: Prices(refresh=True) fetches newer prices once a day",
    ]
    assert served.asked == 0


def test_a_refresh_that_goes_well(served: Source, said):
    prices, refresh = said(f'refresh = "6h"\nrefresh_url = "{served.url}"')
    assert prices.startswith("prices genai-prices fetched 20")
    assert refresh.startswith("price refresh every 6 hours; tried at 20")
    assert "Z: taken: genai-prices fetched 20" in refresh
    assert [thread for thread in refresh_threads() if not thread.daemon] == []


def test_a_refresh_that_fails(served: Source, said):
    served.answer = lambda: (500, b"")
    prices, refresh = said(f'refresh = true\nrefresh_url = "{served.url}"')
    assert prices == "prices genai-prices 0.2.3 (changes up to 2026-10-19)"
    assert refresh.startswith("price refresh WARNING: every 1 day; tried at 20")
    assert "HTTPStatusError: Server error '500" in refresh
    assert refresh.endswith("; the table in use stays")


def test_prices_that_are_old(served: Source, said, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(age, "today", lambda: date(2027, 10, 19))
    _, old, _ = said('max_age = "30d"')
    assert old.startswith("prices WARNING: the prices are 365 days old (genai-prices 0.2.3 ")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "",
            [
                "budgets none (in the environment and its file)",
                "store memory: the sums of each process alone",
            ],
        ),
        (
            'store = "sqlite:///{folder}/costs.db"\n',
            [
                "budgets none (in the environment and its file)",
                "store sqlite, whose file is not there yet",
            ],
        ),
        (
            'store = "redis://:s3cret@127.0.0.1:{port}/0"\n' + TWO_BUDGETS,
            ["budgets one, two", "store ERROR: redis, which does NOT answer (ConnectionError)"],
        ),
    ],
)
def test_budgets_and_their_store(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    text: str,
    lines: list[str],
):
    config = tmp_path / "costspan.toml"
    config.write_text(text.format(folder=tmp_path, port=free_port()))
    monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
    monkeypatch.delenv("COSTSPAN_STORE", raising=False)

    assert cli.main(["doctor"]) == ("redis" in text)

    out = capsys.readouterr().out
    found = [" ".join(line.split()) for line in out.splitlines()]
    assert [line for line in found if line.startswith(("budgets", "store"))] == lines
    assert "s3cret" not in out + caplog.text


def test_a_store_that_knows_budgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    url = f"sqlite:///{tmp_path}/costs.db"
    store = open_store(url)
    store.declare("the month", b"{}")
    store.close()
    monkeypatch.delenv("COSTSPAN_CONFIG", raising=False)
    monkeypatch.setenv("COSTSPAN_STORE", url)

    assert cli.main(["doctor"]) == 0

    found = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "store sqlite, knows 1 budget: costspan budgets" in found
