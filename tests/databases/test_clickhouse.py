"""The queries of collector-config/clickhouse give the right dollars, in ClickHouse's own engine.

The table has the columns of the collector's exporter (v0.155.0, read in its source), and each
attribute is text, as that exporter writes it. `make databases` sets COSTSPAN_CHDB.
"""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from tests.databases.calls import calling

CHDB = os.environ.get("COSTSPAN_CHDB", "")
ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "collector-config" / "clickhouse" / "queries"

TABLE = """
CREATE TABLE otel.otel_traces (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
    SpanName LowCardinality(String), SpanKind LowCardinality(String),
    ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String),
    ScopeName String, ScopeVersion String, SpanAttributes Map(LowCardinality(String), String),
    Duration UInt64, StatusCode LowCardinality(String), StatusMessage String
) ENGINE = MergeTree PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
"""

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not CHDB, reason="COSTSPAN_CHDB names no Python with chDB: make databases"),
]


def row(span: ReadableSpan) -> dict[str, Any]:
    """A span as the exporter's insert has it."""
    attributes = {name: text(value) for name, value in span.attributes.items()}
    return {
        "Timestamp": f"{span.start_time // 10**9}.{span.start_time % 10**9:09d}",
        "TraceId": f"{span.context.trace_id:032x}",
        "SpanId": f"{span.context.span_id:016x}",
        "SpanName": span.name,
        "SpanKind": "Client",
        "ServiceName": "tests",
        "SpanAttributes": attributes,
        "Duration": span.end_time - span.start_time,
        "StatusCode": span.status.status_code.name.title(),
    }


def text(value: Any) -> str:
    """A value as the collector turns it into text: numbers as in JSON, lists as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture(scope="module")
def answers() -> dict[str, list[dict[str, Any]]]:
    """What each query gives."""
    with calling() as spans:
        rows = [row(span) for span in spans]
    files = sorted(QUERIES.glob("*.sql"))
    queries = [file.read_text("utf-8") for file in files]
    given = {"table": TABLE, "rows": rows, "queries": queries}
    done = subprocess.run(
        [CHDB, str(ROOT / "tests" / "databases" / "clickhouse.py")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip([file.stem for file in files], json.loads(done.stdout), strict=True))


def test_spend_by_day(answers: dict[str, list[dict[str, Any]]]) -> None:
    """3,150 + 6,300 + 315 + 0.14 millionths of a dollar, to the last place."""
    (day,) = answers["spend_by_day"]

    assert day["day"] == f"{datetime.now(UTC):%Y-%m-%d}"
    assert (int(day["calls"]), int(day["unpriced"])) == (6, 1)
    assert (int(day["input_tokens"]), int(day["output_tokens"])) == (3112, 315)
    assert str(day["usd"]) == "0.00976514"


def test_spend_by_endpoint(answers: dict[str, list[dict[str, Any]]]) -> None:
    found = [
        (one["endpoint"], one["agent"], int(one["calls"]), int(one["errors"]), str(one["usd"]))
        for one in answers["spend_by_endpoint"]
    ]

    assert found == [
        ("review", "reviewer", 2, 0, "0.00945"),
        ("answer", "reviewer", 4, 1, "0.00031514"),
    ]


def test_dearest_calls(answers: dict[str, list[dict[str, Any]]]) -> None:
    found = [(one["model"], str(one["usd"])) for one in answers["dearest_calls"]]

    assert found == [
        ("gpt-5.2", "0.0063"),
        ("gpt-5.2", "0.00315"),
        ("gpt-5.2", "0.000315"),
        ("tiny", "1.4e-07"),
        ("gpt-5.2", "0"),
    ]
    assert len(answers["dearest_calls"][0]["TraceId"]) == 32
