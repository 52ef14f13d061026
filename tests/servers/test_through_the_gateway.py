"""The two together, as collector-config/gateway/compose.yaml has them: gateway, then Jaeger."""

from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.servers.programs import ended, started
from tests.servers.running import (
    COLLECTOR,
    JAEGER,
    SHIPPED,
    Server,
    awaited,
    needs_collector,
    needs_jaeger,
    running,
)
from tests.servers.test_jaeger import asked, found, tags_of

pytestmark = [
    *needs_collector,
    *needs_jaeger,
    pytest.mark.runs("gateway/collector.yaml"),
    pytest.mark.runs("jaeger/jaeger.yaml"),
]


@pytest.fixture
def jaeger(tmp_path: Path) -> Server:
    """One of the test's own, as it is stopped."""
    (tmp_path / "jaeger").mkdir()
    return Server(JAEGER, SHIPPED / "jaeger" / "jaeger.yaml", tmp_path / "jaeger")


@pytest.fixture
def gateway(tmp_path: Path, jaeger: Server) -> Server:
    (tmp_path / "gateway").mkdir()
    environ = {"SEND_TO": jaeger.at["OTLP_GRPC"], "DECISION_WAIT": "1s", "SAMPLE_PERCENT": "0"}
    config = SHIPPED / "gateway" / "collector.yaml"
    return Server(COLLECTOR, config, tmp_path / "gateway", environ)


def test_a_dear_trace_is_in_jaeger_and_stays_there(
    gateway: Server, jaeger: Server, server: LLMServer
) -> None:
    """400,000 tokens of gpt-4o-mini in are 0.06 USD; Jaeger is stopped and started again."""
    calls = 'call("tokens=400000/0", agent="dear"); call(agent="cheap")'

    def there() -> bool:
        return "shop" in asked(jaeger, "services") and len(found(jaeger, "shop")) > 0

    with running(jaeger), running(gateway):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": gateway.grpc, "OTEL_SERVICE_NAME": "shop"}
        ended(started(calls, server.openai_url, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", **variables))
        awaited(there, "trace in Jaeger")
        gateway.stop()  # which decides on what it still holds, and sends it
        jaeger.stop()
        jaeger.start()
        (span,) = awaited(lambda: found(jaeger, "shop"), "trace after the restart")

    assert tags_of(span)["gen_ai.agent.name"] == ("string", "dear")
    assert tags_of(span)["costspan.cost.total"] == ("float64", 0.06)
