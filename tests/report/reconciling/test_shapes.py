"""Exports of every shape, read to the last digit."""

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan.errors import ConfigurationError
from costspan.report.reconciling.recognising import read
from costspan.report.reconciling.statement import Statement
from tests.report.reconciling.exports import (
    ANTHROPIC_COST_CSV,
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    ANTHROPIC_USAGE_CSV,
    CUR_2,
    LEGACY_CUR,
    OPENAI_CSV,
    cost,
    openai_costs,
    usage,
    write_json,
)

D20, D21 = date(2026, 11, 20), date(2026, 11, 21)


def facts(found: Statement) -> list[tuple[Any, ...]]:
    return [(one.day, one.model, one.amount, one.kind, one.is_batch) for one in found.items]


def head(found: Statement) -> tuple[Any, ...]:
    return found.shape, found.provider, found.unit, found.first, found.last, found.is_whole


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_openai_costs(tmp_path: Path):
    page = openai_costs(
        [cost(0.06, "gpt-4o-2024-08-06, input"), cost(1, "gpt-4o-2024-08-06, batch output")],
        [cost(0.1, "web search tool calls"), cost(0.7, None), cost(3, "o4-mini")],
        [],
    )
    found = read(write_json(tmp_path / "x", page))
    day_22 = date(2026, 11, 22)
    assert head(found) == ("OpenAI costs", "openai", "USD", D20, day_22, True)
    assert facts(found) == [
        (D20, "gpt-4o-2024-08-06", Decimal("0.06"), "usage", False),
        (D20, "gpt-4o-2024-08-06", Decimal(1), "usage", True),
        (D21, None, Decimal("0.1"), "usage", False),
        (D21, None, Decimal("0.7"), "usage", False),
        (D21, "o4-mini", Decimal(3), "usage", False),
    ]


def test_every_digit_of_a_number_is_kept(tmp_path: Path):
    text = json.dumps(openai_costs([cost(7, "gpt-5")])).replace(
        '"value": 7', '"value": 12345678901.123456789012345678'
    )
    (item,) = read(written(tmp_path / "x", text)).items
    assert item.amount == Decimal("12345678901.123456789012345678")


def test_openai_usage(tmp_path: Path):
    page = openai_costs(
        [usage("gpt-5", 1000, 500, 7), usage(None, 1, 2, 1) | {"input_audio_tokens": 40}]
    )
    found = read(write_json(tmp_path / "x", page))
    assert head(found) == ("OpenAI usage", "openai", "tokens", D20, D20, True)
    assert [(one.model, one.amount, one.requests) for one in found.items] == [
        ("gpt-5", 1500, 7),
        (None, 43, 1),
    ]


@pytest.mark.parametrize("form", ["list", "lines", "gz", "bom"])
def test_several_pages_in_a_file(tmp_path: Path, form: str):
    pages = [
        openai_costs([cost(1, "gpt-5, input")], has_more=True),
        openai_costs([cost(2, "gpt-5, input")]),
    ]
    lines = "\n".join(map(json.dumps, pages))
    path = tmp_path / ("x.json.gz" if form == "gz" else "x.json")
    if form == "gz":
        path.write_bytes(gzip.compress(json.dumps(pages).encode()))
    elif form == "bom":
        path.write_text(json.dumps(pages), encoding="utf-8-sig")
    else:
        path.write_text(lines if form == "lines" else json.dumps(pages))
    found = read(path)
    assert [item.amount for item in found.items] == [1, 2]
    assert found.is_whole


def test_anthropic_costs_are_in_cents(tmp_path: Path):
    found = read(write_json(tmp_path / "x", ANTHROPIC_COSTS))
    assert head(found) == ("Anthropic cost report", "anthropic", "USD", D20, D21, False)
    assert facts(found) == [
        (D20, "claude-sonnet-4-5-20250929", Decimal("1.2378912"), "usage", True),
        (D20, None, Decimal("0.20"), "usage", False),
    ]


def test_anthropic_usage_is_input_cache_and_output(tmp_path: Path):
    found = read(write_json(tmp_path / "x", ANTHROPIC_USAGE))
    assert head(found) == ("Anthropic usage report", "anthropic", "tokens", D20, D20, True)
    assert facts(found) == [(D20, "claude-sonnet-4-5-20250929", Decimal(3250), "usage", False)]


def test_the_csv_of_the_consoles(tmp_path: Path):
    found = read(written(tmp_path / "x", OPENAI_CSV))
    assert head(found) == ("OpenAI costs, CSV", "openai", "USD", D20, D21, True)
    assert facts(found) == [(D21, "gpt-5-nano", Decimal("0.00383598"), "usage", False)]

    found = read(written(tmp_path / "x", ANTHROPIC_COST_CSV))
    assert head(found)[:3] == ("Anthropic costs, CSV", "anthropic", "USD")
    assert facts(found) == [
        (D20, "Claude Haiku 4.5", Decimal("0.05"), "usage", False),
        (D20, "Claude Haiku 4.5", Decimal("0.02"), "usage", True),
    ]

    found = read(written(tmp_path / "x", ANTHROPIC_USAGE_CSV))
    assert head(found)[:3] == ("Anthropic usage, CSV", "anthropic", "tokens")
    assert facts(found) == [(D20, "claude-haiku-4-5-20251001", Decimal(4173), "usage", False)]


def test_legacy_cur(tmp_path: Path):
    found = read(written(tmp_path / "x", LEGACY_CUR))
    assert head(found) == ("AWS cost and usage report", "aws.bedrock", "USD", D20, D21, True)
    assert facts(found) == [
        (D20, "NovaLite", Decimal("0.06"), "usage", False),
        (D20, "NovaLite", Decimal("0.12"), "usage", True),
        (D20, "Claude Sonnet 4.5", Decimal(3), "usage", False),
        (D20, None, Decimal("0.3"), "tax", False),
        (D20, None, Decimal("-1.5"), "credit", False),
        (D21, None, Decimal("-0.25"), "credit", False),
        (D21, None, Decimal(7), "fee", False),
    ]


def test_cur_2(tmp_path: Path):
    found = read(written(tmp_path / "x", CUR_2))
    assert [(one.model, one.amount) for one in found.items] == [
        ("Claude4.6Opus", Decimal("0.5")),
        ("anthropic.claude-opus-4-6", Decimal("0.25")),
        ("Claude4.6Opus", Decimal("0.125")),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty: download the export once more"),
        ("a,b\n1,2\n", "of no shape that is known here: name one of OpenAI costs"),
        ('{"data": []}', "of no shape"),
        ('{"data": [{"start_time": 1, "results": [{"object": "x"}]}]}', "of no shape"),
        ("{", "is no whole JSON (Input data was truncated)"),
        ("[1, 2]", "of no shape"),
        (json.dumps(openai_costs([{"object": "organization.usage.images.result"}])), "of no shape"),
        (json.dumps(openai_costs([cost(1, "gpt-5", "eur")])), "only US dollars"),
        (
            json.dumps(openai_costs([cost(1) | {"amount": {}}])),
            "there is no 'value'; download the export once more",
        ),
        (json.dumps(openai_costs([cost("much")])), "'much' is no amount"),  # type: ignore[arg-type]
        (OPENAI_CSV.splitlines()[0] + "\n", "there is nothing in this export"),
        (OPENAI_CSV.replace("0.00383598", "much"), ":3: 'much0000000000000000000000' is no amount"),
    ],
)
def test_what_is_none_of_these_is_refused(tmp_path: Path, text: str, said: str):
    with pytest.raises(ConfigurationError) as refused:
        read(written(tmp_path / "x", text))
    assert said in str(refused.value)
    assert str(refused.value).count(str(tmp_path)) <= 1


def test_a_file_that_is_not_there_or_is_damaged(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read(tmp_path / "x")
    (tmp_path / "x.gz").write_bytes(b"\x1f\x8bnot gzip")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(tmp_path / "x.gz")
