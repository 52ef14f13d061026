"""The ratios that providers promise, over the whole table, and the rows that differ.

docs/prices.md lists those rows, and is held to what is found here. Promises, read on 2026-11-22:

- Anthropic: cache reads 0.1 of input, writes 1.25, for an hour 2
  (https://platform.claude.com/docs/en/build-with-claude/prompt-caching); batch half
  (https://platform.claude.com/docs/en/build-with-claude/batch-processing).
- OpenAI: batch and flex half, cache writes 1.25, fast another word for priority, above 272,000
  tokens of prompt twice the input and 1.5 times the output
  (https://developers.openai.com/api/docs/pricing).
- Gemini: batch half (https://ai.google.dev/gemini-api/docs/pricing).
- Mistral: batch half (https://docs.mistral.ai/capabilities/batch/).
- Groq: batch half (https://console.groq.com/docs/batch).
- xAI: batch a fifth off (https://docs.x.ai/developers/pricing).
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from costspan.cost.pricing.table import Table
from costspan.cost.pricing.tariff import Tariff
from tests.cost.calls import AT
from tests.cost.pricing import library

DOCS = Path(__file__).parents[3] / "docs" / "prices.md"
FEES = {"requests", "web_searches", "storage_searches", "code_executions"}
"""What no discount is promised on."""


class Promise(NamedTuple):
    """A rate of a provider's rows, as so many times another one.

    `tier` and `key` say which rate: `base_tier` and `base_key` of which other one. Without a key
    each rate is held against the same one of the other tier.
    """

    provider: str
    times: Fraction
    tier: str | None = None
    key: str | None = None
    base_tier: str | None = None
    base_key: str | None = None


PROMISES = {
    "Anthropic, cache reads: 0.1 of input": Promise(
        "anthropic", Fraction("0.1"), key="cache_read_tokens", base_key="input_tokens"
    ),
    "Anthropic, cache writes: 1.25 of input": Promise(
        "anthropic", Fraction("1.25"), key="cache_write_tokens", base_key="input_tokens"
    ),
    "Anthropic, cache writes for an hour: 2 of input": Promise(
        "anthropic", Fraction(2), key="cache_write_1h_tokens", base_key="input_tokens"
    ),
    "Anthropic, batch: 0.5": Promise("anthropic", Fraction("0.5"), tier="batch"),
    "OpenAI, cache writes: 1.25 of input": Promise(
        "openai", Fraction("1.25"), key="cache_write_tokens", base_key="input_tokens"
    ),
    "OpenAI, batch: 0.5": Promise("openai", Fraction("0.5"), tier="batch"),
    "OpenAI, flex: 0.5": Promise("openai", Fraction("0.5"), tier="flex"),
    "OpenAI, fast: as priority": Promise("openai", Fraction(1), tier="fast", base_tier="priority"),
    "Gemini, batch: 0.5": Promise("google", Fraction("0.5"), tier="batch"),
    "Mistral, batch: 0.5": Promise("mistral", Fraction("0.5"), tier="batch"),
    "Groq, batch: 0.5": Promise("groq", Fraction("0.5"), tier="batch"),
    "xAI, batch: 0.8": Promise("x-ai", Fraction("0.8"), tier="batch"),
}


@cache
def table() -> Table:
    return Table.bundled()


def tariff(provider: str, model: str, tier: str | None) -> Tariff:
    found = table().tariff(provider, model, tier=tier, at=AT.timestamp())
    assert found is not None
    return found


def rate(found: Tariff, key: str, prompt: int) -> Fraction | None:
    """Attodollars for one of a count, in a call with so many tokens of prompt."""
    band = sum(prompt > start for start in found.starts)
    return next((unit.attos[band] for unit in found.units if unit.key == key), None)


def ratios(promise: Promise) -> Iterator[tuple[str, str, Fraction]]:
    """Model, count and ratio, for each row and each size of prompt that the promise is about."""
    for provider, model, _ in library.rows():
        if provider.id != promise.provider:
            continue
        one = tariff(provider.id, model, promise.tier)
        other = tariff(provider.id, model, promise.base_tier)
        if one.lacks or other.lacks:
            continue
        for key in [promise.key] if promise.key else [unit.key for unit in one.units]:
            for prompt in {0, *(start + 1 for start in (*one.starts, *other.starts))}:
                this, that = rate(one, key, prompt), rate(other, promise.base_key or key, prompt)
                if key not in FEES and this is not None and that:
                    yield model, key, this / that


def broken(promise: Promise) -> dict[str, set[str]]:
    """The rows that differ, by the ratio that they have instead."""
    found: dict[str, set[str]] = defaultdict(set)
    for model, key, ratio in ratios(promise):
        if ratio != promise.times:
            times = f"{float(ratio):.3f}".rstrip("0").rstrip(".")
            found[times].add(model if promise.key else f"{model} {key}")
    return found


def documented() -> dict[str, dict[str, set[str]]]:
    """The table of the docs under "Rows that break a promise"."""
    lines = DOCS.read_text(encoding="utf-8").split("## Rows that break a promise")[1].split("##")[0]
    found: dict[str, dict[str, set[str]]] = {name: {} for name in PROMISES}
    for line in lines.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in PROMISES:
            rows = found[cells[0]].setdefault(cells[1], set())
            rows.update(re.findall(r"`([^`]+)`", cells[2]))
    return found


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_is_kept_but_for_the_rows_in_the_docs(name: str):
    assert sum(1 for _ in ratios(PROMISES[name])) >= 4
    assert broken(PROMISES[name]) == documented()[name]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06"])
def test_cached_input_of_gpt_4o_is_half_price(model: str):
    found = tariff("openai", model, None)
    read, fresh = rate(found, "cache_read_tokens", 0), rate(found, "input_tokens", 0)
    assert read is not None
    assert read * 2 == fresh


def test_long_prompts_of_openai_cost_twice_in_and_half_more_out():
    """Where a row has a longer band at all, it begins above 272,000 tokens."""
    seen = 0
    for provider, model, _ in library.rows():
        found = tariff(provider.id, model, None) if provider.id == "openai" else None
        if found is None or not found.starts:
            continue
        seen += 1
        assert found.starts == (272_000,)
        for key, times in (("input_tokens", 2), ("cache_read_tokens", 2), ("output_tokens", 1.5)):
            short, long = rate(found, key, 272_000), rate(found, key, 272_001)
            if short is not None:
                assert long == short * Fraction(times), (model, key)
    assert seen >= 8
