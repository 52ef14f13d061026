"""Spans to ClickHouse by collector-config/clickhouse, and its queries over what the exporter wrote.

The exporter, its table and its rows are the real ones; behind the HTTP interface that the collector
writes to is ClickHouse's own engine, chDB. `make databases` sets COSTSPAN_CHDB.
"""

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.databases.calls import calling
from tests.servers.running import COLLECTOR, SHIPPED, Server, needs_collector, running
from tests.third_party.processes import free_port, serving

CHDB = os.environ.get("COSTSPAN_CHDB", "")
QUERIES = SHIPPED / "clickhouse" / "queries"

pytestmark = [
    *needs_collector,
    pytest.mark.runs("clickhouse/collector.yaml"),
    pytest.mark.skipif(
        not Path(CHDB).is_file(), reason="COSTSPAN_CHDB names no Python with chDB: make databases"
    ),
]


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of its HTTP interface."""
    port = free_port()
    program = [CHDB, str(Path(__file__).with_name("clickhouse.py")), str(port)]
    log = tmp_path_factory.mktemp("clickhouse") / "log"
    with serving(program, port, log, patience=120):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def answers(
    clickhouse: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """What each query gives, once the spans of real calls went through the collector."""
    environ = {"CLICKHOUSE": f"{clickhouse}?compress=none", "CLICKHOUSE_PASSWORD": "any"}
    config, folder = SHIPPED / "clickhouse" / "collector.yaml", tmp_path_factory.mktemp("collector")
    with running(Server(COLLECTOR, config, folder, environ)) as collector, calling() as spans:
        exporter = OTLPSpanExporter(f"{collector.http}/v1/traces")
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        collector.stop()  # which writes what it still holds
    return {file.stem: asked(clickhouse, file.read_text("utf-8")) for file in QUERIES.glob("*.sql")}


def asked(url: str, query: str) -> list[dict[str, Any]]:
    """The rows that a query gives."""
    where = f"{url}/?default_format=JSONEachRow"
    with urllib.request.urlopen(where, query.encode(), timeout=60) as answer:
        return [loads(row) for row in answer.read().splitlines()]


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


@pytest.mark.usefixtures("answers")
def test_the_command_of_the_readme(clickhouse: str) -> None:
    """Its query over the same rows."""
    folder = SHIPPED / "clickhouse"
    (command,) = re.findall(
        r"```sh\n(curl .+?)```", (folder / "README.md").read_text("utf-8"), re.S
    )
    here = command.replace("http://localhost:8123", clickhouse)
    done = subprocess.run(here, shell=True, cwd=folder, capture_output=True, text=True, check=True)

    assert "0.00976514" in done.stdout
