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
call(agent="code_reviewer")
call(agent="code_reviewer", stream=True, stream_options={"include_usage": True})
call("status=500", agent="code_reviewer")
"""
"""1,000 tokens of gpt-4o-mini in and 200 out are 0.00027 USD."""


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
            asked.wait(RECORDED_CALLS, 6)
            yield asked


def test_dollars_calls_and_times_are_there(counted: Prometheus) -> None:
    """Four answers and two failures."""
    shown = {
        title: counted.number(query_of(page, title).expr)
        for page, title in (
            ("costspan-spend", "Spent"),
            ("costspan-calls", "Calls"),
            ("costspan-calls", "Failed"),
        )
    }
    models = counted.instant(query_of("costspan-calls", "Duration by model, 95 %").expr)

    assert shown == {
        "Spent": pytest.approx(4 * 0.00027, abs=1e-12),
        "Calls": 6,
        "Failed": pytest.approx(2 / 6),
    }
    assert [labels["gen_ai_request_model"] for labels, _ in models] == ["gpt-4o-mini"]
    assert counted.number(query_of("costspan-calls", "First chunk, 95 %").expr) is not None
