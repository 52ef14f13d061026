"""Lines of OTLP JSON as OTLP's messages, and what of them ended in a time."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

_IDS = ("traceId", "spanId", "parentSpanId")
_decode = msgspec.json.Decoder(dict).decode
_FAULTS = (msgspec.MsgspecError, ParseError, ValueError, TypeError, AttributeError, RecursionError)


def resource_spans_of(text: bytes, since: int, until: int) -> list[ResourceSpans] | str:
    """The spans of a line that ended from `since` to before `until` (nanoseconds), or what it is.

    That is `torn`, `foreign`, or `record` where the line means to hold no spans.
    """
    try:
        found = _decode(text)
    except msgspec.ValidationError:
        return "foreign"
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "torn"
    if not isinstance(found.get("resourceSpans"), list):
        return "foreign"
    if not found["resourceSpans"]:
        return "record"
    try:
        _choose(found, since, until)
        message = ParseDict({"resourceSpans": found["resourceSpans"]}, TracesData(), True)
    except _FAULTS:
        return "foreign"
    return list(message.resource_spans)


def spans_in(groups: list[ResourceSpans]) -> int:
    """How many spans there are."""
    return sum(len(scope.spans) for group in groups for scope in group.scope_spans)


def _choose(found: dict[str, Any], since: int, until: int) -> None:
    """Keep the spans of the time; their ids become base64, as protobuf's own JSON has them."""
    for group in found["resourceSpans"]:
        for scope in group.get("scopeSpans", ()):
            spans = scope.get("spans", ())
            scope["spans"] = [s for s in spans if since <= int(s.get("endTimeUnixNano", 0)) < until]
            for span in scope["spans"]:
                for one in (span, *span.get("links", ())):
                    one.update({name: _base64(one[name]) for name in _IDS if one.get(name)})
        group["scopeSpans"] = [scope for scope in group.get("scopeSpans", ()) if scope["spans"]]
    found["resourceSpans"] = [group for group in found["resourceSpans"] if group["scopeSpans"]]


def _base64(text: str) -> str:
    return b64encode(bytes.fromhex(text)).decode()
