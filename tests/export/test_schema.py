"""A line of the calls file: its fields, its forms, and that the documentation tells the same."""

import json
import random
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.call import NOT_BILLED, Cost, Response, Usage
from costspan.export.schema import Line, day_of, encoded, line_of, rfc3339
from tests.cost.calls import AT, finished

PAGE = Path(__file__).parents[2] / "docs" / "calls-file.md"
COST = Cost(status="priced", total=270_000_000, input=150_000_000, output=120_000_000)
FIELDS = re.findall(
    r"\w+",
    """
schema timestamp provider operation model request_model agent session_id endpoint user_id
tags latency_ms runtime_seconds time_to_first_token_ms time_to_first_chunk_ms error
error_code http_status outcome stream retries input_tokens output_tokens total_tokens
cached_tokens cache_write_tokens cache_write_1h_tokens reasoning_tokens web_searches
estimated_input_tokens estimated_output_tokens
cost_usd input_usd cache_read_usd cache_write_usd output_usd tools_usd status missing
prices_as_of finish_reasons service_tier server_address server_port response_id request_id
trace_id span_id corrects response_preview
""",
)


def test_the_fields_are_these():
    assert list(Line.__struct_fields__) == FIELDS


def test_the_documentation_lists_exactly_the_fields():
    table = PAGE.read_text().split("\n| field |")[1].split("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert [re.match(r"\| `(\w+)` \|", row)[1] for row in rows] == FIELDS


def test_a_line_has_every_field_known_or_not():
    line = json.loads(encoded(finished(None), NOT_BILLED))
    assert list(line) == FIELDS
    assert (line["model"], line["input_tokens"], line["trace_id"]) == (None, None, None)


def test_a_full_line():
    call = finished(
        model="gpt-4o-mini",
        operation="chat",
        server_address="api.openai.com",
        server_port=443,
        stream=True,
        runtime_seconds=1.2345678,
        time_to_first_token=0.25,
        time_to_first_chunk=0.125,
        outcome="failed",
        error="openai.APIError",
        error_code="server_error",
        http_status=200,
        request_id="req_1",
        retries=2,
        trace_id=0xABC,
        span_id=0xDEF,
        agent="ann",
        session="s1",
        user="u1",
        endpoint="/ask",
        tags={"team": "search", "night": True, "size": 7, "share": 0.5},
        service_tier="default",
        input_tokens=1000,
        output_tokens=200,
        cache_read_tokens=0,
        reasoning_tokens=64,
        estimated=Usage(output_tokens=7),
        corrects=0xABCD,
    )
    assert json.loads(encoded(call, COST)) == {
        "schema": 1,
        "timestamp": "2026-11-22T12:00:00.000000Z",
        "provider": "openai",
        "operation": "chat",
        "model": "gpt-4o-mini",
        "request_model": "gpt-4o-mini",
        "agent": "ann",
        "session_id": "s1",
        "endpoint": "/ask",
        "user_id": "u1",
        "tags": {"team": "search", "night": True, "size": 7, "share": 0.5},
        "latency_ms": 1234.568,
        "time_to_first_token_ms": 250.0,
        "time_to_first_chunk_ms": 125.0,
        "runtime_seconds": 1.234568,
        "error": "openai.APIError",
        "error_code": "server_error",
        "http_status": 200,
        "outcome": "failed",
        "stream": True,
        "retries": 2,
        "input_tokens": 1000,
        "output_tokens": 200,
        "total_tokens": 1200,
        "cached_tokens": 0,
        "cache_write_tokens": None,
        "cache_write_1h_tokens": None,
        "reasoning_tokens": 64,
        "web_searches": None,
        "estimated_input_tokens": None,
        "estimated_output_tokens": 7,
        "cost_usd": 0.00027,
        "input_usd": 0.00015,
        "cache_read_usd": None,
        "cache_write_usd": None,
        "output_usd": 0.00012,
        "tools_usd": None,
        "status": "priced",
        "missing": [],
        "prices_as_of": None,
        "service_tier": "default",
        "finish_reasons": None,
        "response_id": None,
        "request_id": "req_1",
        "server_address": "api.openai.com",
        "server_port": 443,
        "trace_id": "00000000000000000000000000000abc",
        "span_id": "0000000000000def",
        "corrects": "000000000000abcd",
        "response_preview": None,
    }


def test_the_model_that_answered_stands_beside_the_one_that_was_asked():
    call = finished("gpt-4o-mini")
    answered = Response(id="r1", model="gpt-4o-mini-2024-07-18", finish_reasons=("stop",))
    line = line_of(type(call)(**{**_fields(call), "response": answered}), COST)
    assert (line.model, line.request_model) == ("gpt-4o-mini-2024-07-18", "gpt-4o-mini")
    assert (line.response_id, line.finish_reasons) == ("r1", ("stop",))


def _fields(call) -> dict:
    return {name: getattr(call, name) for name in call.__struct_fields__}


@pytest.mark.parametrize(
    ("picos", "number"),
    [
        (0, "0"),
        (1, "0.000000000001"),
        (9_999_999, "0.000009999999"),
        (10_000_000, "0.00001"),
        (10_000_001, "0.000010000001"),
        (270_000_000, "0.00027"),
        (999_999_999_999, "0.999999999999"),
        (10**12, "1"),
        (1_500_000_000_000, "1.5"),
        (10**13, "10"),
        (123_456_789_012_345_678, "123456.789012345678"),
        (-1, "-0.000000000001"),
        (-1_500_000_000_000, "-1.5"),
        (None, "null"),
    ],
)
def test_dollars_are_exact_numbers(picos: int | None, number: str):
    text = encoded(finished(), Cost(status="priced", total=picos)).decode()
    assert re.search(r'"cost_usd":([^,]*),', text)[1] == number
    read = json.loads(text, parse_float=Decimal, parse_int=Decimal)["cost_usd"]
    assert read == (None if picos is None else Decimal(picos).scaleb(-12))


def test_every_amount_is_written_with_its_own_digits():
    drawn = random.Random(1)
    for picos in (drawn.randrange(10**size) for size in range(1, 18) for _ in range(200)):
        text = encoded(finished(), Cost(status="priced", total=picos)).decode()
        number = re.search(r'"cost_usd":([^,]*),', text)[1]
        assert "e" not in number
        assert Decimal(number) == Decimal(picos).scaleb(-12)


def test_a_record_in_memory_has_decimals():
    line = line_of(finished(), COST)
    assert isinstance(line.cost_usd, Decimal)
    assert line.cost_usd == Decimal("0.00027")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_763_807_999_999_999_999, "2025-11-22T10:39:59.999999Z"),
        (1_763_807_999_000_000_999, "2025-11-22T10:39:59.000000Z"),
    ],
)
def test_a_moment_is_utc_with_microseconds(nanoseconds: int, text: str):
    assert rfc3339(nanoseconds) == text
    assert datetime.fromisoformat(text).utcoffset().total_seconds() == 0


def test_the_day_is_the_one_in_utc():
    midnight = round(AT.replace(hour=0).timestamp()) * 10**9
    assert (day_of(midnight - 1), day_of(midnight)) == ("2026-11-21", "2026-11-22")


def test_text_stays_what_it_is():
    text = 'Zoë, 東京, 🚀, "quoted"\n\ttab \\ \x00 \u2028'
    raw = encoded(finished(agent=text, tags={text: text}), COST)
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    line = json.loads(raw)
    assert (line["agent"], line["tags"]) == (text, {text: text})


def test_half_of_a_surrogate_pair_costs_no_line():
    """JSON may escape it, Python reads it, UTF-8 cannot hold it."""
    half = json.loads('"\\ud83d"')
    facts = {"agent": f"a{half}", "tags": {f"k{half}": f"v{half}"}, "preview": half}
    line = json.loads(encoded(finished(**facts), COST))
    assert (line["agent"], line["tags"], line["cost_usd"]) == ("a?", {"k?": "v?"}, 0.00027)


def test_a_kind_of_string_costs_no_line():
    line = json.loads(encoded(finished(agent=type("Kind", (str,), {})("a")), COST))
    assert (line["agent"], line["cost_usd"]) == ("a", 0.00027)


def test_a_preview_is_two_hundred_characters():
    line = json.loads(encoded(finished(preview="東" * 201), COST))
    assert line["response_preview"] == "東" * 200


def test_an_enormous_count_stays_whole():
    line = json.loads(encoded(finished(input_tokens=2**63 - 1), COST))
    assert line["input_tokens"] == 9223372036854775807
    assert Usage(input_tokens=1, output_tokens=2).total == 3
