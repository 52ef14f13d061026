"""collector-config/grafana/collector.yaml, its addresses moved to free ports of this machine."""

import json
from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.servers.arrived import awaited_spans
from tests.servers.programs import ended, started
from tests.servers.prometheus_text import scraped, total
from tests.servers.running import (
    COLLECTOR,
    CONFIGS,
    SHIPPED,
    Server,
    awaited,
    needs_collector,
    running,
)

pytestmark = [*needs_collector, pytest.mark.runs("grafana/collector.yaml")]

BOTH = """
import json
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
metrics.set_meter_provider(meters)
for number in range(30):
    call(f"tokens={1000 + 7 * number}/{100 + number}", agent=f"agent-{number % 3}")
call("status=500")
meters.force_flush()
spent = Instrumentor().costs.summary()
print(json.dumps([spent.input_tokens, spent.output_tokens, float(spent.cost_usd)]))
"""


@pytest.fixture
def tempo(tmp_path: Path) -> Server:
    """A collector where Tempo would be, which it is not here."""
    (tmp_path / "tempo").mkdir()
    return Server(COLLECTOR, CONFIGS / "to_file.yaml", tmp_path / "tempo")


@pytest.fixture
def collector(tmp_path: Path, tempo: Server) -> Server:
    text = (SHIPPED / "grafana" / "collector.yaml").read_text()
    server = Server(COLLECTOR, tmp_path / "collector.yaml", tmp_path)
    for fixed, free in {
        "0.0.0.0:4317": server.at["OTLP_GRPC"],
        "0.0.0.0:4318": server.at["OTLP_HTTP"],
        "0.0.0.0:8889": server.at["PROMETHEUS"],
        "tempo:4317": tempo.at["OTLP_GRPC"],
    }.items():
        assert text.count(fixed) == 1
        text = text.replace(fixed, free)
    quiet = "\n  telemetry:\n    metrics:\n      level: none\n"  # its own, on a port of its own
    (tmp_path / "collector.yaml").write_text(text.rstrip() + quiet)
    return server


def test_metrics_and_spans_of_the_sdk_come_out_as_they_went_in(
    collector: Server, tempo: Server, server: LLMServer
) -> None:
    """31 calls by OTLP, as Prometheus reads them: counts and tokens equal, dollars within 1e-9."""
    with running(tempo), running(collector):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http, "OTEL_SERVICE_NAME": "shop"}
        out, _ = ended(started(BOTH, server.openai_url, **variables))
        sent, answered, dollars = json.loads(out)
        shown_at = f"http://{collector.at['PROMETHEUS']}/metrics"
        samples = awaited(lambda: scraped(shown_at) or None, "metrics")
        spans = awaited_spans(tempo.spans_path, 31)

    usage = "gen_ai_client_inference_usage"
    assert total(samples, "gen_ai_client_inference_duration_seconds_count") == len(spans) == 31
    assert total(samples, f"{usage}_input_tokens_total") == sent
    assert total(samples, f"{usage}_output_tokens_total") == answered
    assert total(samples, "costspan_cost_USD_total") == pytest.approx(dollars, abs=1e-9, rel=0)
