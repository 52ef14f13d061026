"""Reports equal a naive model of them, and the ledger, to the last digit."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costspan import CostTracker, LocalFiles, Prices
from costspan.export.calls import CallsFile
from costspan.export.schema import rfc3339
from costspan.report.query import Question, Row, ask
from tests.cost.calls import finished
from tests.report.folders import line, write

COUNTED = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
START = 1_795_000_000 * 10**9
"""Nanoseconds: in November 2026."""

DOLLARS = ("cost_usd", "input_usd", "output_usd")
NAMES = ["a", "b", "\N{SNOWMAN}", 'it\'s "x"', "a\nb\\"]

counts = st.none() | st.integers(-5, 10**12)
picos = st.integers(-(10**10), 10**17)
dollars = st.none() | picos.map(lambda count: f"{Decimal(count).scaleb(-12):f}")
words = st.none() | st.sampled_from(["", *NAMES])
calls = st.fixed_dictionaries(
    {
        "agent": words,
        "model": words,
        "tags": st.dictionaries(st.sampled_from(["team", "cost_usd"]), st.sampled_from(NAMES)),
        "timestamp": st.integers(0, 4 * 86_400 * 10**6).map(lambda us: rfc3339(START + us * 1000)),
        "error": st.sampled_from([None, "openai.APIError"]),
        "status": st.sampled_from(["priced", "partial", "estimated", "unpriced", "not_billed"]),
        "latency_ms": st.integers(0, 10**8).map(lambda us: us / 1e3),
        "runtime_seconds": st.integers(0, 10**11).map(lambda us: us / 1e6),
        **dict.fromkeys(COUNTED, counts),
        **dict.fromkeys(DOLLARS, dollars),
    }
)


def total(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def percentile(values: list[float], part: float) -> float:
    """Between the two nearest values, in proportion."""
    place = part * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = sorted(values)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def check(row: Row, lines: list[dict]) -> None:
    figures = row.figures
    assert figures.calls == len(lines)
    assert figures.errors == sum(one["error"] is not None for one in lines)
    for status in ("partial", "estimated"):
        found = getattr(figures, f"{status}_calls")
        assert found == sum(one["status"] == status for one in lines)
    unknown = [one for one in lines if one["cost_usd"] is None and one["status"] != "not_billed"]
    priced = [one for one in lines if one["cost_usd"] is not None and one["status"] == "unpriced"]
    assert figures.unpriced_calls == len(unknown) + len(priced)
    for name in (*COUNTED, *DOLLARS, "runtime_seconds"):
        assert getattr(figures, name) == total(one[name] for one in lines), name
    latencies = [float(one["latency_ms"]) for one in lines]
    expected = [percentile(latencies, part) for part in (0.5, 0.95, 0.99)]
    assert figures.latency == pytest.approx(expected)
    assert figures.first_token is None


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a query is slow beside a line
@given(st.lists(calls, min_size=1, max_size=12), st.lists(st.just("torn"), max_size=2))
def test_a_report_is_what_a_model_says(lines: list[dict], noise: list[str]):
    texts = [line(**one) for one in lines]
    read = [json.loads(text, parse_float=Decimal, parse_int=Decimal) for text in texts]
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for one in read:
        groups[one["agent"], one["timestamp"][:10], one["tags"].get("team")].append(one)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), *texts[::2], *noise)
        write(Path(folder), *texts[1::2], name="llm_trace_2026-11-20.jsonl.gz")

        report = ask(Question([folder], ("agent", "day", "tag:team")))

    check(Row((), report.total), read)
    assert report.passed_over.lines == len(noise)
    assert {row.keys for row in report.rows} == groups.keys()
    for row in report.rows:
        check(row, groups[row.keys])


def test_a_tag_named_like_dollars_is_none(tmp_path: Path):
    """Beside a dear call, where dollars are read as text, and wherever the tag stands."""
    unpriced = {"cost_usd": None, "status": "unpriced", "tags": {"cost_usd": 7}}
    after = line(cost_usd="0.25", tags={})[:-1] + ', "more": {"cost_usd": 5}}'
    as_string = line().replace('"cost_usd": 0.5', '"cost_usd": "0.125"')
    write(tmp_path, line(cost_usd="12345.123456789012"), line(**unpriced), after, as_string)
    assert ask(Question([tmp_path])).total.cost_usd == Decimal("12345.498456789012")


def test_the_sum_of_the_files_is_the_ledgers(tmp_path: Path):
    """Calls of all models and agents, as they are settled and written."""
    tracker = CostTracker(prices=Prices(unknown="warn"))
    file = CallsFile(LocalFiles(tmp_path))
    tracker.writers = (file,)
    models = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "nobody-knows-1")
    for number in range(120):
        call = finished(
            models[number % 4],
            "anthropic" if number % 4 == 2 else "openai",
            datetime(2026, 11, 20 + number % 3, number % 24, tzinfo=UTC),
            agent=(None, "reviewer", "planner")[number % 3],
            tags={"team": f"t{number % 2}"},
            error="openai.APIError" if number % 10 == 0 else None,
            input_tokens=number * 37,
            output_tokens=number * 7 if number % 5 else None,
            cache_read_tokens=number,
        )
        tracker.settle(call)
    file.close()

    report = ask(Question([tmp_path], ("agent",)))

    summary = tracker.summary()
    assert summary.cost_usd > 0
    for name in ("calls", "errors", "unpriced_calls", "cost_usd"):
        assert getattr(report.total, name) == getattr(summary, name)
    for name in ("input_tokens", "output_tokens", "total_tokens", "cached_tokens"):
        assert getattr(report.total, name) == getattr(summary, name)
    for dimension in ("agent", "model", "provider", "tag:team"):
        rows = ask(Question([tmp_path], (dimension,))).rows
        found = {row.keys[0] or "(none)": row.figures.cost_usd or 0 for row in rows}
        assert found == {key: one.cost_usd for key, one in tracker.summary(by=dimension).items()}
