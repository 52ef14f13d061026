"""The metrics that collector-config/gateway makes out of spans are those that the SDK makes."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pytest

from costspan.testing import LLMServer
from tests.servers.programs import ended, started
from tests.servers.prometheus_text import Sample, scraped, total
from tests.servers.running import COLLECTOR, SHIPPED, Server, awaited, needs_collector, running

pytestmark = [*needs_collector, pytest.mark.runs("gateway/collector.yaml")]

PROCESSES = 2
CALLS = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from costspan import CostTracker, record_call

reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
labels = ("agent", "endpoint", "tag:team")
Instrumentor().instrument(costs=CostTracker(estimate=True), metric_labels=labels)

for number in range(40):
    call(f"tokens={1000 + 7 * number}/{100 + number}", agent=f"agent-{number % 3}")
    call("tokens=123/45;cached=100", model="gpt-4.1-nano")
call("status=500")
call("tokens=50/5;pause=0.01;reasoning=3", stream=True, stream_options={"include_usage": True})
call(model="a-model-of-our-own")
call("tokens=50/5", stream=True)  # nobody tells its tokens
with record_call(model="gpt-4o-mini", provider="openai") as recorded:
    recorded.set_usage(input_tokens=1000)
client.embeddings.create(model="text-embedding-3-small", input="Hello")
client = client.with_options(max_retries=2)
with attribution(endpoint="/review", tags={"team": "search", "ticket": 17}):
    call("retries=2")
call("retries=1", model="a-model-of-our-own")
"""
"""What each process calls: 40 + 40 + 7 chats, 1 of them failed, and an embedding."""

TOLD = """
import json

points = [
    [metric.name, dict(point.attributes), getattr(point, "value", getattr(point, "count", None))]
    for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    for point in metric.data.data_points
]
picos = sum(int(call.cost_usd * 10**12) for call in Instrumentor().costs.records if call.cost_usd)
print(json.dumps([points, picos / 1e12]))
"""

CALLS_COUNT = "gen_ai_client_inference_duration_seconds_count"
COUNTED = {
    "gen_ai.client.inference.duration": CALLS_COUNT,
    "gen_ai.client.operation.duration": "gen_ai_client_operation_duration_seconds_count",
    "gen_ai.client.inference.time_to_first_chunk": (
        "gen_ai_client_inference_time_to_first_chunk_seconds_count"
    ),
    **{
        f"gen_ai.client.inference.usage.{tokens}": (
            f"gen_ai_client_inference_usage_{tokens.replace('.', '_')}_total"
        )
        for tokens in (
            "input_tokens",
            "output_tokens",
            "cache_read.input_tokens",
            "reasoning.output_tokens",
        )
    },
    "costspan.cost.incomplete": "costspan_cost_incomplete_total",
    "costspan.retries": "costspan_retries_total",
}
"""What is counted, by the SDK's name of the metric: its series in Prometheus."""

COST = "costspan_cost_USD_total"
NOT_COMPARED = {
    "job",
    "instance",
    "otel_scope_name",
    "otel_scope_version",
    "otel_scope_schema_url",
    "gen_ai_token_modality",  # which spans do not tell
}

Series = dict[tuple[tuple[str, str], ...], float]


class Made(NamedTuple):
    """What the SDKs measured, the dollars of the ledgers, and what the gateway made of it."""

    said: list[tuple[str, dict[str, Any], float]]
    ledger: float
    samples: list[Sample]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, server: LLMServer) -> Made:
    nowhere = {"SEND_TO": "127.0.0.1:9"}  # the traces themselves are not asked for
    config = SHIPPED / "gateway" / "collector.yaml"
    gateway = Server(COLLECTOR, config, tmp_path_factory.mktemp("gateway"), nowhere)
    with running(gateway):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": gateway.http, "OTEL_SERVICE_NAME": "shop"}
        programs = [started(CALLS + TOLD, server.openai_url, **variables) for _ in range(PROCESSES)]
        said = [json.loads(ended(program)[0]) for program in programs]
        points = [(name, labels, value) for points, _ in said for name, labels, value in points]
        calls = sum(
            value for name, _, value in points if name == "gen_ai.client.inference.duration"
        )
        shown_at = f"http://{gateway.at['PROMETHEUS']}/metrics"
        awaited(lambda: total(scraped(shown_at), CALLS_COUNT) >= calls, "count of all calls")
        return Made(points, sum(dollars for _, dollars in said), scraped(shown_at))


def series(found: Iterable[tuple[str, Mapping[str, Any], float]], name: str) -> Series:
    """What a metric says, summed up by its labels as Prometheus spells them."""
    sums: Series = Counter()
    for metric, labels, value in found:
        if metric == name:
            told = {key.replace(".", "_"): str(label) for key, label in labels.items()}
            sums[tuple(sorted((key, told[key]) for key in told.keys() - NOT_COMPARED))] += value
    return +sums


@pytest.mark.parametrize("name", COUNTED)
def test_counts_and_tokens_are_equal(made: Made, name: str) -> None:
    """For each combination of labels: two processes, 87 chats and an embedding each."""
    said, _, samples = made
    told = series(said, name)

    assert told
    assert series(samples, COUNTED[name]) == told


def test_what_is_counted_is_what_was_called(made: Made) -> None:
    """By hand, for one process: the spans and the SDK could be wrong together."""
    _, _, samples = made

    def one(name: str, **labels: str) -> float:
        return total(samples, name, **labels) / PROCESSES

    assert one(CALLS_COUNT) == 87
    assert one(CALLS_COUNT, error_type="openai.InternalServerError") == 1
    assert one("costspan_retries_total") == 3
    whose = {"costspan_tag_team": "search", "costspan_endpoint": "/review"}
    assert one("costspan_retries_total", **whose) == 2
    statuses = {
        status: one("costspan_cost_incomplete_total", costspan_cost_status=status)
        for status in ("unpriced", "partial", "estimated")
    }
    assert statuses == {"unpriced": 2, "partial": 1, "estimated": 1}
    assert one("gen_ai_client_inference_usage_cache_read_input_tokens_total") == 4000


def test_dollars_agree(made: Made) -> None:
    """The SDK's with the ledger to 1e-9 USD, those of spans to 0.1 % of it."""
    said, ledger, samples = made
    ours, theirs = (
        series(found, name) for found, name in ((said, "costspan.cost"), (samples, COST))
    )

    assert sum(ours.values()) == pytest.approx(ledger, abs=1e-9, rel=0)
    assert theirs == pytest.approx(ours, rel=0.001)
