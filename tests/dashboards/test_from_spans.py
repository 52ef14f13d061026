"""The dashboards of a team that sends traces alone: the gateway makes the metrics out of spans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.dashboards.api import Prometheus
from tests.dashboards.conftest import RECORDED_CALLS
from tests.dashboards.made import query_of
from tests.dashboards.servers import needs_prometheus, prometheus
from tests.servers.programs import ended, started
from tests.servers.running import COLLECTOR, SHIPPED, Server, needs_collector, running

pytestmark = [*needs_prometheus, *needs_collector]

CALLS = """
with attribution(tags={"team": "docs"}):
    call(agent="code_reviewer")
call(agent="code_reviewer", stream=True, stream_options={"include_usage": True})
call("status=500", agent="code_reviewer")
call("tokens=900000/10;cached=800000", model="in-house-7b")
client = client.with_options(max_retries=1)
client.embeddings.create(
    model="in-house-7b", input="Hello", extra_headers={"x-costspan-scenario": "retries=1"}
)
"""
"""1,000 tokens of gpt-4o-mini in and 200 out are 0.00027 USD; in-house-7b has no price."""


@pytest.fixture
def counted(tmp_path: Path, server: LLMServer) -> Iterator[Prometheus]:
    """A Prometheus over the gateway, to which two programs have sent their spans."""
    (tmp_path / "gateway").mkdir()
    config = SHIPPED / "gateway" / "collector.yaml"
    nowhere = {"SEND_TO": "127.0.0.1:9"}  # the traces themselves are not asked for
    gateway = Server(COLLECTOR, config, tmp_path / "gateway", nowhere)
    with running(gateway):
        port = int(gateway.at["PROMETHEUS"].rpartition(":")[2])
        with prometheus(tmp_path, port) as asked:
            where = {"OTEL_EXPORTER_OTLP_ENDPOINT": gateway.http, "OTEL_SERVICE_NAME": "shop"}
            for program in [started(CALLS, server.openai_url, **where) for _ in range(2)]:
                ended(program)
            asked.wait(RECORDED_CALLS, 10)
            yield asked


def test_dollars_calls_retries_and_times_are_there(counted: Prometheus) -> None:
    """Of two programs: four answers with a price and four without, two failures, two retries."""
    shown = {
        title: counted.number(query_of(page, title).expr)
        for page, title in (
            ("costspan-spend", "Spent"),
            ("costspan-spend", "Calls without a whole cost"),
            ("costspan-calls", "Calls"),
            ("costspan-calls", "Failed"),
        )
    }
    models = counted.instant(query_of("costspan-calls", "Duration by model, 95 %").expr)
    cached = [
        (labels["gen_ai_request_model"], value)
        for labels, value in counted.instant(
            query_of("costspan-calls", "Input read from a cache").expr
        )
    ]

    assert shown == {
        "Spent": pytest.approx(4 * 0.00027, abs=1e-12),
        "Calls without a whole cost": 4,
        "Calls": 10,
        "Failed": pytest.approx(2 / 10),
    }
    assert {labels["gen_ai_request_model"] for labels, _ in models} == {
        "gpt-4o-mini",
        "in-house-7b",
    }
    assert cached == [("in-house-7b", pytest.approx(8 / 9, abs=1e-3))]
    teams = counted.instant(query_of("costspan-spend", "Spend by team").expr)
    assert {"costspan_tag_team": "docs"} in [labels for labels, _ in teams]
    assert counted.number("sum(sum_over_time(costspan:retries:added1m[1h]))") == 2
    assert counted.number(query_of("costspan-calls", "First chunk, 95 %").expr) is not None
