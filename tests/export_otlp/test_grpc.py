"""Spans leave by OTLP over gRPC and arrive whole at `rotel`, an agent of another project."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from tests.export_otlp.agent import Agent, attributes, field, running_agent
from tests.export_otlp.arrived import spans_of_real_calls
from tests.instrumentation.app import run_app

pytestmark = pytest.mark.servers


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with running_agent(tmp_path) as running:
        yield running


def test_every_attribute_arrives(agent: Agent) -> None:
    exporter = OTLPSpanExporter(endpoint=agent.endpoints["grpc"], insecure=True)
    agent.assert_has(spans_of_real_calls(exporter))


def test_the_private_provider_exports_too(agent: Agent) -> None:
    """An app that sets nothing but the two OTEL_EXPORTER_OTLP_* variables."""
    app = """
        from costspan import Instrumentor
        from tests.instrumentation import rig

        Instrumentor().instrument()
        with rig.openai_client(rig.answer_chat) as client:
            client.chat.completions.create(**rig.ASK)
    """
    endpoint = agent.endpoints["grpc"]
    run_app(app, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    (text,) = agent.spans().values()

    assert field(text, "Name") == "chat gpt-4o-mini"
    assert attributes(text)["costspan.cost.total"] == 0.00027
