"""OTLP JSON lines as protobuf reads them, and the same spans by OpenTelemetry's encoder."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.trace import ReadableSpan


def parsed(line: bytes) -> TracesData:
    """A line, read by the reference implementation, which knows ids as base64 only.

    Readers of OTLP pass over fields that they do not know, and so does this one.
    """
    data = json.loads(line)
    for resource in data["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for one in (span, *span.get("links", ())):
                    one.update(_base64(one))
    return json_format.ParseDict(data, TracesData(), ignore_unknown_fields=True)


def _base64(ids: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: b64encode(bytes.fromhex(ids[name])).decode()
        for name in ("traceId", "spanId", "parentSpanId")
        if name in ids
    }


def official(spans: Iterable[ReadableSpan]) -> TracesData:
    """The spans by `opentelemetry-exporter-otlp-proto-common`, with the trace state of links."""
    spans = list(spans)
    data = TracesData(resource_spans=encode_spans(spans).resource_spans)
    states = {
        (span.context.span_id, number): link.context.trace_state.to_header()
        for span in spans
        for number, link in enumerate(span.links)
    }
    for one in spans_of(data):
        for number, link in enumerate(one.links):
            link.trace_state = states[int.from_bytes(one.span_id, "big"), number]
    return data


def spans_of(data: TracesData) -> list[Any]:
    return [
        span
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
