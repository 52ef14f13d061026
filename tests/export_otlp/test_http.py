"""Spans leave by OTLP over HTTP and arrive whole at `oteltap`, a receiver of another project."""

import asyncio
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from tests.export_otlp.arrived import spans_of_real_calls
from tests.instrumentation.app import run_app
from tests.instrumentation.rig import PATIENCE
from tests.third_party.processes import free_port

pytestmark = pytest.mark.servers


def value_of(value: Any) -> Any:
    """An OTLP AnyValue as Python spells it; a list as a tuple, as spans keep them."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(value_of(one) for one in value.array_value.values)
    return getattr(value, kind)


def attributes_of(span: Any) -> dict[str, Any]:
    return {one.key: value_of(one.value) for one in span.attributes}


def typed(attributes: Any) -> dict[str, Any]:
    """Attributes with their types, as 1 == 1.0 == True."""
    return {name: (type(value), value) for name, value in attributes.items()}


async def received(tap: OtelTapHttpProtobufReceiver, count: int) -> list[Any]:
    """That many spans, as they come."""
    spans: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        async for span in tap.stream_traces():
            spans.append(span)
            if len(spans) == count:
                break
    return spans


async def test_every_attribute_arrives() -> None:
    """Name, ids, times, kind, status, and each attribute with its value and type."""
    port = free_port()
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(port)) as tap:
        arriving = asyncio.create_task(received(tap, 5))
        exporter = OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")
        made = await asyncio.to_thread(spans_of_real_calls, exporter)
        arrived = {span.span_id.hex(): span for span in await arriving}

    assert arrived.keys() == made.keys()
    for span_id, span in made.items():
        there = arrived[span_id]
        assert typed(attributes_of(there)) == typed(span.attributes or {})
        assert there.trace_id.hex() == f"{span.context.trace_id:032x}"
        assert (there.name, there.kind) == (span.name, 3)
        assert there.start_time_unix_nano == span.start_time
        assert there.end_time_unix_nano == span.end_time
        assert there.status.code == span.status.status_code.value
        assert there.status.message == (span.status.description or "")
        assert there.dropped_attributes_count == 0
    statuses = sorted(span.status.status_code.name for span in made.values())
    assert statuses == ["ERROR", "UNSET", "UNSET", "UNSET", "UNSET"]


async def test_the_private_provider_exports_too() -> None:
    """An app that sets nothing but OTEL_EXPORTER_OTLP_ENDPOINT."""
    port = free_port()
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(port)) as tap:
        arriving = asyncio.create_task(received(tap, 1))
        app = """
            from costspan import Instrumentor
            from tests.instrumentation import rig

            Instrumentor().instrument()
            with rig.openai_client(rig.answer_chat) as client:
                client.chat.completions.create(**rig.ASK)
        """
        endpoint = f"http://127.0.0.1:{port}"
        await asyncio.to_thread(run_app, app, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        (span,) = await arriving

    assert span.name == "chat gpt-4o-mini"
    assert attributes_of(span)["costspan.cost.total"] == 0.00027
