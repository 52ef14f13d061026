"""Amounts, counts and names as the page writes them."""

from datetime import datetime
from decimal import Decimal

import pytest

from costspan.report.figures import Figures
from costspan.report.page import wording


@pytest.mark.parametrize(
    ("amount", "digits", "written"),
    [
        (None, 2, "\N{EN DASH}"),
        ("1234.5", 2, "$1,234.50"),
        ("-3.25", 2, "\N{MINUS SIGN}$3.25"),
        ("0.00001", 4, "<$0.0001"),
        ("0", 4, "$0.0000"),
    ],
)
def test_money(amount: str | None, digits: int, written: str):
    assert wording.money(amount and Decimal(amount), digits) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("14064.4074", "$14,064.41"),
        ("0.27211", "$0.27"),
        ("0.0124", "$0.0124"),
        ("0.00002", "$0.000020"),
    ],
)
def test_money_of_a_headline(amount: str, written: str):
    assert wording.round_money(Decimal(amount)) == written


def test_counts():
    assert wording.count(1234567) == "1,234,567"
    assert wording.count(-5) == "\N{MINUS SIGN}5"
    assert wording.count(10**15) == "1,000.00 trillion"
    assert wording.round_count(4_810_278_592) == "4.81 billion"
    assert wording.count(None) == wording.UNKNOWN


def test_a_share_that_is_there_is_no_zero():
    assert wording.percent(0.004) == "<1%"
    assert wording.percent(-0.004) == "\N{MINUS SIGN}<1%"
    assert wording.percent(0.0) == "0%"
    assert wording.percent(0.426) == "43%"
    assert wording.share(Decimal(1), Decimal(0)) is None


def test_ticks():
    assert [wording.tick(value, 2) for value in (0.25, 1500, 25_000, 1.5e6, -2e9)] == [
        "0.25", "1,500.00", "25k", "1.5M", "\N{MINUS SIGN}2B",
    ]  # fmt: skip
    assert wording.money_tick(-0.5, 1) == "\N{MINUS SIGN}$0.50"


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        ("2026-11-21", "2026-11-21", "21 November 2026"),
        ("2026-11-01", "2026-11-21", "1 \N{EN DASH} 21 November 2026"),
        ("2026-10-28", "2026-11-03", "28 October \N{EN DASH} 3 November 2026"),
        ("2025-12-28", "2026-01-03", "28 December 2025 \N{EN DASH} 3 January 2026"),
        ("2026-11-21T08:30", "2026-11-22", "21 Nov 2026, 08:30 \N{EN DASH} 22 Nov 2026, 00:00"),
    ],
)
def test_a_span_of_time(first: str, last: str, written: str):
    assert wording.span(datetime.fromisoformat(first), datetime.fromisoformat(last)) == written


def test_calls_without_a_price_do_not_make_the_others_cheaper():
    assert wording.each(Figures(calls=5, unpriced_calls=3, cost_usd=Decimal(1))) == Decimal("0.5")
    assert wording.each(Figures(calls=2, unpriced_calls=2)) is None


def test_a_long_name_keeps_its_beginning_and_its_end():
    name = "team-search/" + "x" * 100 + "/reviewer"

    assert wording.shortened(name) == "team-search/" + "x" * 36 + "…" + "xxxxxx/reviewer"
    assert f'title="{name}"' in wording.name(name)


def test_a_name_may_break_after_its_joints_and_is_isolated():
    assert wording.name("code_reviewer") == "<bdi>code_<wbr/>reviewer</bdi>"
    assert wording.name(" ") == '<span class="none">(blank)</span>'
    assert wording.name(None) == '<span class="none">(none)</span>'
