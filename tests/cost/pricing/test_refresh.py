"""Newer prices from a local server: taken, or refused and the table in use kept."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from genai_prices import data_snapshot, update_prices

from costspan import ConfigurationError, Instrumentor, Prices
from costspan.call import Usage
from costspan.cost.pricing.table import Table
from tests.cost.calls import finished
from tests.cost.calls import thousand_tokens as usd
from tests.cost.pricing.tables import (
    BUNDLED,
    NEWER,
    Json,
    Source,
    bundled,
    found,
    newer,
    provider,
    row,
    source,
    until,
)


def test_a_new_table_is_taken_and_named(prices: Prices):
    assert usd(prices) == BUNDLED
    prices.refresher.attempt()
    assert usd(prices) == NEWER
    assert usd(prices, "gpt-of-tomorrow") == Decimal("0.001")  # 1,000 x 1
    today = datetime.now(UTC).date()
    assert prices.as_of.startswith(f"genai-prices fetched {today} (changes up to ")
    assert prices.cost(finished(input_tokens=1, output_tokens=1)).prices_as_of == prices.as_of
    assert prices.refresher.last.taken


def test_the_whole_table_is_taken():
    with source() as here:
        every = [one["id"] for one in bundled()]
        here.serve(newer(*every))
        prices = Prices(refresh=True, refresh_url=here.url)
        prices.refresher.stop()
        prices.refresher.attempt()
    assert prices.refresher.last.taken
    assert len(list(prices.load().models())) == len(list(Table.bundled().models())) + 1
    assert "held back" not in prices.as_of
    assert usd(prices) == NEWER


def test_a_table_without_news_is_taken_too(served: Source, prices: Prices):
    served.serve(bundled("openai", "groq"))
    prices.refresher.attempt()
    assert prices.refresher.last.taken
    assert usd(prices) == BUNDLED


def test_no_state_of_the_library_changes(prices: Prices):
    prices.refresher.attempt()
    assert data_snapshot._custom_snapshot is None
    assert update_prices._shared_updater.thread is None
    usage = genai_prices.Usage(input_tokens=1000, output_tokens=0)
    theirs = genai_prices.calc_price(usage, "gpt-4o-mini", provider_id="openai")
    assert theirs.total_price == BUNDLED
    assert usd(Prices()) == BUNDLED


def test_what_the_app_gives_the_library_is_not_ours(monkeypatch: pytest.MonkeyPatch):
    none = data_snapshot.DataSnapshot(providers=[], from_auto_update=False)
    monkeypatch.setattr(data_snapshot, "_custom_snapshot", none)
    assert usd(Prices()) == BUNDLED


def test_a_table_that_comes_in_the_middle_of_a_call_prices_no_part_of_it(
    prices: Prices, monkeypatch: pytest.MonkeyPatch
):
    counts = {"input_tokens": 1000, "output_tokens": 0}
    call = finished("gpt-4o", **counts, also_billed=(("gpt-4o-mini", Usage(**counts)),))
    add = Prices._add_others

    def interrupted(self: Prices, *arguments: object) -> None:
        self.refresher.attempt()
        add(self, *arguments)

    monkeypatch.setattr(Prices, "_add_others", interrupted)
    # 1,000 x 2.50 + 1,000 x 0.15 millionths of a dollar, then 0.20 for the second
    assert prices.cost(call).total_usd == Decimal("0.00265")
    assert prices.refresher.last.taken
    assert prices.cost(call).total_usd == Decimal("0.0027")


def emptied(table: Json) -> Json:
    return [{**one, "models": []} for one in table]


def shrunken(table: Json) -> Json:
    return [{**one, "models": one["models"][::3]} for one in table]


def in_another_unit(table: Json) -> Json:
    for one in table:
        for each in one["models"]:
            if isinstance(each["prices"], dict):
                each["prices"] = dict.fromkeys(each["prices"], 0.000001)
    return table


def older(table: Json) -> Json:
    """The same prices, as if none had changed for a year."""
    today = str(datetime.now(UTC).date())
    for one in table:
        for each in one["models"]:
            dated = each["prices"] if isinstance(each["prices"], list) else []
            for rule in (*dated, *each.get("price_variants", ())):
                constraint = rule.get("constraint", {})
                if constraint.get("start_date", today) < today:
                    constraint["start_date"] = "2025-11-01"
    return table


def unreadable(table: Json) -> Json:
    found(table, "openai", "gpt-4o")["prices"] = {"input_mtok": "free"}
    return table


def unheard_of(table: Json) -> Json:
    found(table, "openai", "gpt-4o")["prices"] = {"thoughts_mtok": 1}
    return table


WRONG: dict[str, tuple[Callable[[Json], Json], str]] = {
    "nothing in it": (lambda _: [], "ValueError: it holds no models"),
    "no models": (emptied, "ValueError: it holds no models"),
    "no list": (lambda _: {"a": 1}, "ValueError: .*provider array"),
    "another list": (lambda _: [1, 2], "ValidationError"),
    "another provider": (
        lambda _: [provider("acme", row("m", {"input_mtok": 1}))],
        "an older table: its newest price is of None",
    ),
    "most models gone": (shrunken, "a strange table: it would take the price from "),
    "another unit": (in_another_unit, "a strange table: .* by more than a factor of 2"),
    "old data": (older, "an older table: its newest price is of 2025-11-01, that of the one in"),
    "a price that is none": (unreadable, "ValidationError: input_mtok.decimal: Input should be"),
    "a rate of the future": (unheard_of, "openai/gpt-4o: Unknown price key: thoughts_mtok"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_table_is_not_taken(
    served: Source, prices: Prices, caplog: pytest.LogCaptureFixture, name: str
):
    spoil, reason = WRONG[name]
    served.serve(spoil(newer()))
    stays(prices, caplog, reason)
    served.serve(newer())
    prices.refresher.attempt()
    assert usd(prices) == NEWER


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "HTTPStatusError: .*500"),
        (404, b"[]", "HTTPStatusError: .*404"),
        (302, b"", "HTTPStatusError: .*302"),
        (200, b"", "JSONDecodeError"),
        (200, b"<html>", "JSONDecodeError"),
        (200, b"\xff\x00\xff", "UnicodeDecodeError"),
    ],
)
def test_a_wrong_answer_changes_nothing(
    served: Source,
    prices: Prices,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: bytes,
    reason: str,
):
    served.answer = lambda: (status, body)
    stays(prices, caplog, reason)


def test_no_network_changes_nothing(served: Source, caplog: pytest.LogCaptureFixture):
    prices = Prices(refresh=True, refresh_url="http://127.0.0.1:9/data.json")
    prices.refresher.stop()
    stays(prices, caplog, "ConnectError")


def test_a_password_in_the_address_is_not_logged(served: Source, caplog: pytest.LogCaptureFixture):
    served.answer = lambda: (403, b"")
    url = served.url.replace("//", "//me:hushhush@")
    prices = Prices(refresh=True, refresh_url=url)
    prices.refresher.stop()
    stays(prices, caplog, "403")
    assert "hushhush" not in caplog.text + prices.refresher.last.result


def stays(prices: Prices, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """Two tries fail, which is said once; the table in use stays."""
    before = prices.as_of
    for _ in range(2):
        prices.refresher.attempt()
        assert not prices.refresher.last.taken
    assert usd(prices) == BUNDLED
    assert prices.as_of == before
    (line,) = [r for r in caplog.records if r.name == "costspan" and r.levelno > logging.DEBUG]
    text = line.getMessage()
    assert line.levelno == logging.WARNING
    assert re.fullmatch(
        rf"costspan could not refresh its prices \(.*{reason}.*\)\. The table in use stays; "
        r"the next try is in 1 day\.",
        text,
    ), text


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"refresh": "59m"}, 'too often: use "1h" or a longer time'),
        ({"refresh": "3600"}, 'no length of time: write .* such as "6h"'),
        ({"refresh": "0d"}, "no length of time"),
        ({"refresh": "-1d"}, "no length of time"),
        ({"refresh": "9999999d"}, "no length of time"),
        ({"refresh": 3600}, "use True for once a day"),
        ({"refresh": None}, "use True for once a day"),
        ({"refresh": True, "refresh_url": "ftp://x"}, "give an http:// or https:// URL"),
        ({"refresh": True, "refresh_url": 7}, "give an http:// or https:// URL"),
        ({"refresh_url": "https://x"}, "has no use without refresh"),
    ],
)
def test_a_wrong_setting_names_its_remedy(settings: dict, remedy: str):
    with pytest.raises(ConfigurationError, match=remedy):
        Prices(**settings)


def test_the_configuration_switches_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Source
):
    config = tmp_path / "costspan.toml"
    config.write_text(f'[prices]\nrefresh = "12h"\nrefresh_url = "{served.url}"\n', "utf-8")
    monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
    Instrumentor().instrument()
    prices = Instrumentor().costs.prices
    until(lambda: prices.refresher.last is not None)
    Instrumentor().uninstrument()
    assert prices.as_of.startswith("genai-prices fetched ")
