"""Spans of real calls arrive whole at the OpenTelemetry Collector."""

import pytest

from tests.export_otlp.arrived import spans_of_real_calls
from tests.instrumentation.app import run_app
from tests.servers.arrived import awaited_spans, typed
from tests.servers.exporters import PROTOCOLS, exporter_to
from tests.servers.running import Server, needs_collector

pytestmark = needs_collector


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_attribute_arrives(collector: Server, protocol: str, gzip: bool) -> None:
    """Name, ids, times, kind, status, and each attribute with its value and type."""
    address = collector.at[f"OTLP_{protocol.upper()}"]
    made = spans_of_real_calls(exporter_to(protocol, address, gzip=gzip))
    arrived = {span.span_id: span for span in awaited_spans(collector.spans_path, len(made))}

    assert arrived.keys() == made.keys()
    for span_id, span in made.items():
        there = arrived[span_id]
        assert typed(there.attributes) == typed(span.attributes or {})
        assert there.trace_id == f"{span.context.trace_id:032x}"
        assert (there.name, there.kind) == (span.name, 3)
        assert (there.start, there.end) == (span.start_time, span.end_time)
        assert there.status == span.status.status_code.value % 3
        assert there.message == (span.status.description or "")


@pytest.mark.parametrize(
    "more", [{}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}], ids=["plain", "gzip"]
)
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_an_app_that_sets_only_variables(
    collector: Server, protocol: str, more: dict[str, str]
) -> None:
    """The two prices of a program that knows nothing of collectors: doubles, to the last digit."""
    app = """
        from costspan import Instrumentor
        from tests.instrumentation import rig

        Instrumentor().instrument()
        with rig.openai_client(rig.answer_chat) as client:
            client.chat.completions.create(**rig.ASK)
        with rig.anthropic_client(rig.answer_message) as client:
            client.messages.create(**rig.ASK_CLAUDE)
    """
    run_app(
        app,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_SERVICE_NAME="two-calls",
        **more,
    )
    arrived = awaited_spans(collector.spans_path, 2)

    totals = {span.name: span.attributes["costspan.cost.total"] for span in arrived}
    assert totals == {"chat gpt-4o-mini": 0.00027, "chat claude-opus-4-5": 0.01}
    assert {type(total) for total in totals.values()} == {float}
    assert {span.resource["service.name"] for span in arrived} == {"two-calls"}
