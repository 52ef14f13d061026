"""Prices that are old: said once, with how old they are and how to get newer ones."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from costspan import ConfigurationError, CostTracker, Instrumentor, Prices
from costspan.cost.pricing import age
from tests.cost.calls import thousand_tokens
from tests.cost.pricing.tables import Source, provider, row, written

STARTS = [
    {"prices": {"input_mtok": 9}},
    {"constraint": {"start_date": "2026-03-01"}, "prices": {"input_mtok": 1}},
    {"constraint": {"start_date": "2999-01-01"}, "prices": {"input_mtok": 2}},
]


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(age, "_said", set())
    monkeypatch.setattr(age, "today", lambda: date(2026, 5, 30))  # 90 days after March 1
    return


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Prices whose newest change is of 2026-03-01."""
    return written(
        tmp_path, [provider("openai", row("gpt-4o-mini", STARTS), row("gpt-4o", STARTS))]
    )


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_old_prices_are_said_once(table: Path, caplog: pytest.LogCaptureFixture):
    for _ in range(2):
        prices = Prices(table=table, max_age="89d")
        for _ in range(2):
            prices.load()
            thousand_tokens(prices)
    (line,) = lines(caplog)
    assert f"the prices are 90 days old ({table} (changes up to 2026-03-01))" in line
    assert "older than Prices(max_age) allows (89)" in line
    assert "pip install -U genai-prices, with Prices(refresh=True)" in line
    assert "Prices(table=FILE); Prices(max_age=None) says nothing of it" in line


@pytest.mark.parametrize("limit", ["90d", "13w", None, "never"])
def test_prices_that_are_young_enough_are_not_said(
    table: Path, caplog: pytest.LogCaptureFixture, limit: str | None
):
    Prices(table=table, max_age=limit).load()
    assert lines(caplog) == []


def test_ninety_days_is_the_default(table: Path, caplog: pytest.LogCaptureFixture, monkeypatch):
    Prices(table=table).load()
    assert lines(caplog) == []
    monkeypatch.setattr(age, "today", lambda: date(2026, 5, 31))
    Prices(table=table).load()
    assert len(lines(caplog)) == 1


def test_prices_that_grow_old_in_use_are_said(
    table: Path, caplog: pytest.LogCaptureFixture, monkeypatch
):
    """A process that runs for months looks again whenever it works a price out."""
    prices = Prices(table=table)
    thousand_tokens(prices)
    assert lines(caplog) == []
    monkeypatch.setattr(age, "today", lambda: date(2026, 6, 30))
    thousand_tokens(prices, "gpt-4o")
    assert len(lines(caplog)) == 1


def test_it_is_said_when_costspan_is_switched_on(table: Path, caplog: pytest.LogCaptureFixture):
    Instrumentor().instrument(costs=CostTracker(prices=Prices(table=table, max_age="1d")))
    Instrumentor().uninstrument()
    assert len(lines(caplog)) == 1


def test_prices_without_a_date_have_no_age(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    undated = written(tmp_path, [provider("openai", row("gpt-4o-mini", {"input_mtok": 1}))])
    Prices(table=undated, max_age="1s").load()
    assert lines(caplog) == []


def test_fetched_prices_are_as_old_as_the_fetch(
    prices: Prices, caplog: pytest.LogCaptureFixture, monkeypatch
):
    today = datetime.now(UTC).date()
    monkeypatch.setattr(age, "today", lambda: today + timedelta(days=90))
    prices.refresher.attempt()
    assert lines(caplog) == []
    monkeypatch.setattr(age, "today", lambda: today + timedelta(days=91))
    thousand_tokens(prices)
    (line,) = lines(caplog)
    assert f"the prices are 91 days old (genai-prices fetched {today} " in line


def test_prices_about_to_be_refreshed_are_said_only_where_that_fails(
    served: Source, prices: Prices, caplog: pytest.LogCaptureFixture, monkeypatch
):
    monkeypatch.setattr(age, "today", lambda: date(2027, 11, 1))
    thousand_tokens(prices)
    assert lines(caplog) == []
    served.answer = lambda: (500, b"")
    prices.refresher.attempt()
    thousand_tokens(prices, "gpt-4o")
    assert [line.split(" (")[0] for line in lines(caplog)] == [
        "costspan could not refresh its prices",
        "costspan: the prices are 378 days old",
    ]


@pytest.mark.parametrize("value", ["90", "ninety days", "", 90, True, "1y", "-1d", "0d", "1.5d"])
def test_what_is_no_age_is_refused(value: object):
    with pytest.raises(ConfigurationError, match=r'Prices\(max_age\)=.*such as "6h" or "90d"'):
        Prices(max_age=value)
