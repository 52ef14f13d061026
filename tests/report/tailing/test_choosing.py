"""Which calls are shown, and what the totals say of them."""

from decimal import Decimal
from typing import Any

import pytest

from costspan.export.reader import call_of
from costspan.export.schema import Line
from costspan.report.tailing.choosing import Choice
from costspan.report.tailing.printing import HEAD, row
from costspan.report.tailing.totals import Totals
from tests.report.folders import line


def call(**fields: Any) -> Line:
    found = call_of(line(**fields).encode())
    assert isinstance(found, Line)
    return found


@pytest.mark.parametrize(
    ("choice", "fields", "holds"),
    [
        (Choice(), {}, True),
        (Choice({"agent": "review*"}), {"agent": "reviewer"}, True),
        (Choice({"agent": "review"}), {"agent": "reviewer"}, False),
        (Choice({"agent": "*"}), {"agent": None}, True),
        (Choice({"agent": "a[1]*"}), {"agent": "a[1].b?\n"}, True),
        (Choice({"agent": "a.c"}), {"agent": "abc"}, False),
        (Choice({"agent": "a", "model": "m"}), {"agent": "a", "model": "n"}, False),
        (Choice(min_usd=Decimal("0.05")), {"cost_usd": "0.05"}, True),
        (Choice(min_usd=Decimal("0.05")), {"cost_usd": "0.049999999999"}, False),
        (Choice(min_usd=Decimal(0)), {"cost_usd": None, "status": "unpriced"}, False),
        (Choice(errors=True), {}, False),
        (Choice(errors=True), {"error": "openai.Timeout", "outcome": "failed"}, True),
        (Choice(errors=True), {"outcome": "abandoned"}, True),
    ],
)
def test_a_choice(choice: Choice, fields: dict[str, Any], holds: bool):
    assert choice.holds(call(**fields)) is holds


def test_totals_are_exact_and_of_the_last_minute():
    totals = Totals(0)
    totals.add(call(cost_usd="0.1"), 1)
    totals.add(call(cost_usd="0.2", error="E"), 50)
    totals.add(call(cost_usd=None, status="unpriced"), 61)
    assert totals.line(61) == (
        "3 calls, 330 tokens, 0.3 USD, 1 error, 1 without a price; last minute: 2 calls, 0.2 USD"
    )
    assert totals.ending(120) == (
        "3 calls, 330 tokens, 0.3 USD, 1 error, 1 without a price; "
        "in 2:00, a minute: 1.5 calls, 0.150000 USD"
    )


def test_a_row_stays_beneath_its_head():
    found = row(call(agent="an agent with a long name", model="m" * 40, cost_usd="0.0000001"))
    assert found == (
        "10:00:00.000  an agent with a…  mmmmmmmmmmmmmmmmmmmmmmmmmmm…        100       10     1.00"
        "   <0.000001"
    )
    assert len(found) == len(HEAD)


def test_a_row_cannot_speak_to_the_terminal():
    assert row(call(agent="a\x1b[2J", error="e\r\n", model="\x07")).isprintable()
