"""What `costspan doctor` says of the prices."""

from datetime import date
from pathlib import Path

import pytest

from costspan import cli
from costspan.cost import age
from tests.cost.conftest import refresh_threads
from tests.cost.tables import Source


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
    assert refresh.startswith("price refresh every 1 day; tried at 20")
    assert "HTTPStatusError: Server error '500" in refresh
    assert refresh.endswith("; the table in use stays")


def test_prices_that_are_old(served: Source, said, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(age, "today", lambda: date(2027, 10, 19))
    _, old, _ = said('max_age = "30d"')
    assert old.startswith("prices the prices are 365 days old (genai-prices 0.2.3 ")
