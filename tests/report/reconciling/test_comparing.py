"""Both sides beside each other, and what may explain the difference."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan.report.reconciling import shown
from costspan.report.reconciling.causes import causes_of, remarks
from costspan.report.reconciling.comparing import Comparison, compare
from costspan.report.reconciling.recognising import read
from tests.report.folders import line, write
from tests.report.reconciling.exports import (
    ANTHROPIC_COSTS,
    LEGACY_CUR,
    cost,
    openai_costs,
    usage,
    write_json,
)

Against = Callable[..., Comparison]
AT_20, AT_21 = "2026-11-20T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z"


@pytest.fixture
def against(tmp_path: Path) -> Against:
    """The lines of files held against days of OpenAI's costs from 2026-11-20 on."""

    def compared(lines: list[str], *days: list[dict[str, Any]], **page: Any) -> Comparison:
        folder = write(tmp_path / "logs", *lines)
        return compare([folder], read(write_json(tmp_path / "x", openai_costs(*days, **page))))

    return compared


def call(usd: str | None, **fields: Any) -> str:
    known = {"status": "unpriced"} if usd is None else {}
    return line(**{"timestamp": AT_20, "model": "gpt-5", "cost_usd": usd, **known, **fields})


def rows(found: Comparison) -> list[tuple[Any, ...]]:
    return [(f"{p.day:%d}", p.model, p.our_amount, p.their_amount) for p in found.pairs]


def words(found: Comparison) -> list[list[str]]:
    return [[cause.word for cause in causes] for causes in causes_of(found)]


def test_the_same_is_the_same(against: Against):
    """0.1 + 0.2 is 0.3, and a date in a name is none of the model's."""
    found = against(
        [call("0.1", model="gpt-5-2026-01-01"), call("0.2")],
        [cost(0.25, "gpt-5-2026-01-01, input"), cost(0.05, "gpt-5-2026-01-01, output")],
    )
    assert rows(found) == [("20", "gpt-5", Decimal("0.3"), Decimal("0.3"))]
    assert words(found) == [[]]


def test_only_the_providers_calls_and_days_are_compared(against: Against):
    found = against(
        [
            call("1"),
            call("2", provider="azure.ai.openai"),
            call("4", timestamp="2026-11-19T23:59:59.999999Z"),
            call("8", timestamp="2026-11-22T00:00:00.000000Z"),
        ],
        [cost(1, "gpt-5, input")],
        [],
    )
    assert rows(found) == [("20", "gpt-5", 1, 1)]


def test_calls_that_were_not_recorded(against: Against):
    found = against([call("1")], [cost(1, "gpt-5"), cost(3, "o3, input")])
    assert rows(found) == [("20", "o3", 0, 3), ("20", "gpt-5", 1, 1)]
    (cause,), nothing = causes_of(found)
    assert (cause.word, cause.amount) == ("not recorded", 3)
    assert cause.text == "the files have no such call: 3 USD not recorded"
    assert nothing == []


def test_calls_that_are_billed_elsewhere(against: Against):
    found = against([call("1"), call("2", model="o3")], [cost(1, "gpt-5")])
    assert words(found) == [["not billed here"], []]


def test_calls_without_a_whole_price(against: Against):
    lines = [call("1"), call(None), call("1", status="partial"), call("1", status="estimated")]
    assert words(against(lines, [cost(9, "gpt-5")])) == [["unpriced", "partial", "estimated"]]
    # what we lack explains nothing of what the provider lacks
    assert words(against(lines, [cost(2, "gpt-5")])) == [["estimated"]]


def test_what_has_no_price_is_not_0(against: Against):
    found = against([call(None)], [cost(1, "gpt-5")])
    assert json.loads(shown.as_json(found))["rows"][0]["ours"] is None
    assert shown.as_text(found).splitlines()[2].split()[:4] == [
        "2026-11-20", "gpt-5", "unpriced", "1.000000"
    ]  # fmt: skip


def test_streams_that_were_broken_off(against: Against):
    lines = [call("1"), call("0.5", outcome="abandoned")]
    found = against(lines, [cost(2, "gpt-5")])
    assert words(found) == [["abandoned"]]
    assert causes_of(found)[0][0].amount == Decimal("0.5")
    assert words(against(lines, [cost(1, "gpt-5")])) == [[]]


def test_a_batch_at_half_the_price(against: Against):
    assert words(against([call("2")], [cost(1, "gpt-5, input")])) == [["batch"]]
    assert words(against([call("2")], [cost(0.5, "gpt-5, batch input")])) == [["batch"]]
    assert words(against([call("2")], [cost(1.5, "gpt-5, input")])) == [[]]


def test_the_edge_of_a_day(against: Against):
    """The provider has a call of 0.4 on the day before ours."""
    found = against(
        [call("1"), call("1", timestamp=AT_21)], [cost(1.4, "gpt-5")], [cost(0.6, "gpt-5")]
    )
    assert words(found) == [["day's edge"], ["day's edge"]]
    assert causes_of(found)[0][0].text == "2026-11-21 differs by -0.4 USD the other way"


def test_days_that_differ_by_unlike_amounts_have_no_edge(against: Against):
    """0.5 too much on one day and 0.3 too little on the next: more than a fifth is left."""
    found = against(
        [call("1"), call("1", timestamp=AT_21)], [cost(1.5, "gpt-5")], [cost(0.7, "gpt-5")]
    )
    assert words(found) == [[], []]


def test_calls_over_midnight(against: Against):
    ran = call("0.5", timestamp="2026-11-20T00:00:01.000000Z", latency_ms=1500.0)
    found = against([call("1"), ran], [cost(1, "gpt-5")])
    ((cause,),) = causes_of(found)
    assert (cause.word, cause.amount) == ("day's edge", Decimal("0.5"))
    ended = call("0.5", timestamp="2026-11-20T00:00:01.600000Z", latency_ms=1500.0)
    assert words(against([call("1"), ended], [cost(1, "gpt-5")])) == [[]]


def test_fees_of_tools_are_booked_apart(against: Against):
    found = against(
        [call("1.3", tools_usd="0.3")], [cost(1, "gpt-5"), cost(0.3, "web search tool calls")]
    )
    assert rows(found) == [
        ("20", None, 0, Decimal("0.3")),
        ("20", "gpt-5", Decimal("1.3"), 1),
    ]
    assert words(found) == [["no model"], ["tools"]]
    assert found.ours == found.theirs


def test_rounding(against: Against):
    """Two amounts of two decimals may be 0.01 off together."""
    lines = [call("1.1149")]
    found = against(lines, [cost(0.51, "gpt-5, input"), cost(0.6, "gpt-5, output")])
    assert words(found) == [["rounding"]]
    found = against([call("1.1201")], [cost(0.51, "gpt-5, input"), cost(0.6, "gpt-5, output")])
    assert words(found) == [[]]


def test_costs_that_are_not_by_line_item_are_compared_by_day(against: Against):
    found = against([call("1"), call("2", model="o3")], [cost(3)])
    assert rows(found) == [("20", None, 3, 3)]
    assert "(all models)" in shown.as_text(found)


def test_usage_is_compared_in_tokens(against: Against):
    lines = [call("1", input_tokens=900, output_tokens=100, total_tokens=None), call(None)]
    found = against(lines, [usage("gpt-5", 1000, 110, 2), usage("o3", 5, 5, 1)])
    assert rows(found) == [("20", "o3", 0, 10), ("20", "gpt-5", 1110, 1110)]
    found = against(lines, [usage("gpt-5", 2000, 110, 3)])
    ((cause,),) = causes_of(found)
    assert cause.text == "the provider counts 3 requests, the files 2 calls"


def test_usage_of_completions_is_not_of_embeddings(against: Against):
    lines = [call("1"), call("1", model="text-embedding-3-small", operation="embeddings")]
    assert rows(against(lines, [usage("gpt-5", 100, 10, 1)])) == [("20", "gpt-5", 110, 110)]


def test_more_pages_are_missing(against: Against):
    assert [cause.word for cause in remarks(against([], [cost(1)], has_more=True))] == [
        "more pages"
    ]
    assert remarks(against([], [cost(1)])) == []


def test_taxes_and_credits_are_told_apart_from_usage(tmp_path: Path):
    (tmp_path / "cur.csv").write_text(LEGACY_CUR)
    bedrock = {"timestamp": AT_20, "provider": "aws.bedrock", "cost_usd": "0.18"}
    write(
        tmp_path / "logs",
        line(model="us.amazon.nova-lite-v1:0", **bedrock),
        line(model="us.anthropic.claude-sonnet-4-5-20250929-v1:0", **bedrock | {"cost_usd": "3"}),
    )
    found = compare([tmp_path / "logs"], read(tmp_path / "cur.csv"))
    assert rows(found) == [
        ("20", "claude-sonnet-4-5", 3, 3),
        ("20", "nova-lite", Decimal("0.18"), Decimal("0.18")),
    ]
    assert [(cause.word, cause.amount) for cause in remarks(found)] == [
        ("credit", Decimal("-1.75")),
        ("tax", Decimal("0.3")),
        ("fee", 7),
    ]


def test_anthropic(tmp_path: Path):
    """A batch at the full price is ours, at half the price theirs."""
    path = write_json(tmp_path / "x", ANTHROPIC_COSTS)
    write(
        tmp_path / "logs",
        line(timestamp=AT_20, provider="anthropic", model="claude-sonnet-4-5",
             cost_usd="2.4757824"),
    )  # fmt: skip
    found = compare([tmp_path / "logs"], read(path))
    assert rows(found) == [
        ("20", "claude-sonnet-4-5", Decimal("2.4757824"), Decimal("1.2378912")),
        ("20", None, 0, Decimal("0.2")),
    ]
    assert words(found) == [["batch"], ["no model"]]


def test_no_float_touches_an_amount(against: Against):
    usd = "0.123456789012"
    found = against([call(usd)] * 3, [cost(1, "gpt-5")])
    printed = json.loads(shown.as_json(found), parse_float=str)
    assert printed["ours"] == "0.370370367036"
    assert printed["rows"][0]["difference"] == "0.629629632964"


def test_names_cannot_speak_to_the_terminal(against: Against):
    found = against([call("1", model="m\x1b[2J\n")], [cost(1, "o3"), cost(1, "\x1b[2J\r")])
    for text in (shown.as_text(found), shown.as_markdown(found)):
        assert all(row.isprintable() for row in text.split("\n"))
