"""A refresh that would change a price by more than a factor of two: the row in use stays."""

import logging
from collections.abc import Callable
from decimal import Decimal

import pytest
from genai_prices.data import providers

from costspan import Prices
from tests.cost.calls import thousand_tokens as usd
from tests.cost.pricing.tables import BUNDLED, NEWER, Json, Source, found, models, named, newer

GPT_4O = Decimal("0.0025")
"""1,000 tokens at 2.50 USD per million: the row of gpt-4o in genai-prices 0.2.3."""


def refreshed(served: Source, prices: Prices, change: Callable[[Json], object]) -> None:
    """Have a table fetched that is newer, and changed by the test."""
    table = newer()
    change(table)
    served.serve(table)
    prices.refresher.attempt()
    assert prices.refresher.last.taken


def priced(**rates: Json) -> Callable[[Json], None]:
    """The change of a table that gives gpt-4o these rates, None for none; the others stay."""

    def change(table: Json) -> None:
        row = found(table, "openai", "gpt-4o")
        row["prices"] = {k: v for k, v in {**row["prices"], **rates}.items() if v is not None}

    return change


def later(table: Json) -> None:
    """The output of gpt-4o is to cost 25 instead of 10, one day."""
    row = found(table, "openai", "gpt-4o")
    dearer = {**row["prices"], "output_mtok": 25}
    start = {"constraint": {"start_date": "2999-01-01"}, "prices": dearer}
    row["prices"] = [{"prices": row["prices"]}, start]


WILD = {
    "more than doubled": priced(input_mtok=5.01),
    "less than half": priced(input_mtok=1.24),
    "free": priced(input_mtok=0),
    "lost": priced(cache_read_mtok=None),
    "new and for nothing": priced(cache_write_mtok=0),
    "without any price": lambda table: found(table, "openai", "gpt-4o").update(prices={}),
    "dear for long prompts": priced(
        input_mtok={"base": 2.5, "tiers": [{"start": 100_000, "price": 5.01}]}
    ),
    "dear one day": later,
    "gone": lambda table: models(table, "openai").remove(found(table, "openai", "gpt-4o")),
}


@pytest.mark.parametrize("change", WILD.values(), ids=WILD)
def test_the_row_stays_and_the_others_are_taken(
    served: Source, prices: Prices, change: Callable[[Json], None]
):
    refreshed(served, prices, change)
    assert (usd(prices, "gpt-4o"), usd(prices)) == (GPT_4O, NEWER)
    assert ", 1 held back (changes up to " in prices.as_of


@pytest.mark.parametrize("rate", [5, 1.25])
def test_a_factor_of_two_is_no_more_than_that(served: Source, prices: Prices, rate: float):
    refreshed(served, prices, priced(input_mtok=rate))
    assert usd(prices, "gpt-4o") == Decimal(str(rate)) / 1000


def test_a_rate_that_is_new_is_taken(served: Source, prices: Prices):
    refreshed(served, prices, priced(cache_write_mtok=3))
    assert "held back" not in prices.as_of


def test_a_provider_that_is_gone_stays(served: Source, prices: Prices):
    refreshed(served, prices, lambda table: table.remove(named(table, "groq")))
    # 1,000 x 0.05: the row of llama-3.1-8b-instant in genai-prices 0.2.3
    assert usd(prices, "llama-3.1-8b-instant", "groq") == Decimal("0.00005")
    assert usd(prices) == NEWER


def test_a_row_that_would_be_taken_over_by_another_stays(served: Source, prices: Prices):
    greedy = {"id": "any", "match": {"starts_with": "gpt-4o"}, "prices": {"input_mtok": 90}}
    refreshed(served, prices, lambda table: models(table, "openai").insert(0, greedy))
    assert (usd(prices, "gpt-4o"), usd(prices)) == (GPT_4O, BUNDLED)


def test_the_library_keeps_its_rows(served: Source, prices: Prices):
    before = [(one, one.models, list(one.models)) for one in providers]
    refreshed(served, prices, lambda table: table.remove(named(table, "groq")))
    refreshed(served, prices, WILD["without any price"])
    assert all(one.models is rows and rows == kept for one, rows, kept in before)
    assert (usd(Prices()), usd(Prices(), "gpt-4o")) == (BUNDLED, GPT_4O)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_it_is_said_once_with_the_models_and_the_way_out(
    served: Source, prices: Prices, caplog: pytest.LogCaptureFixture
):
    def change(table: Json) -> None:
        found(table, "openai", "gpt-4o")["prices"]["input_mtok"] = 25
        found(table, "openai", "gpt-4-turbo")["prices"]["output_mtok"] = 3

    for _ in range(2):
        refreshed(served, prices, change)
    (line,) = lines(caplog)
    assert "holds back the new prices of 2 models" in line
    assert "openai/gpt-4o input_mtok: 2.5 -> 25 USD (x 10)" in line
    assert "openai/gpt-4-turbo output_mtok: 30 -> 3 USD (x 0.1)" in line
    assert "upgrade genai-prices, or give Prices(table=FILE) or Prices(overrides=...)" in line


def test_further_ones_are_said_when_they_come(
    served: Source, prices: Prices, caplog: pytest.LogCaptureFixture
):
    refreshed(served, prices, priced(input_mtok=25))
    refreshed(
        served,
        prices,
        lambda table: found(table, "openai", "gpt-4-turbo")["prices"].update(input_mtok=1000),
    )
    assert [line.split(": ")[1] for line in lines(caplog)] == [
        "openai/gpt-4o input_mtok",
        "openai/gpt-4-turbo input_mtok",
    ]
