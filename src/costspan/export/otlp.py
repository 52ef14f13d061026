"""OTLP JSON: spans of the OpenTelemetry SDK as `TracesData` lines.

The form is that of the OTLP file format: ids in hex, enums as integers, 64-bit integers as strings,
bytes as base64. Each field holds what OpenTelemetry's own protobuf encoder writes. Two things are
kept beyond it: the trace state of links, and an integer of more than 64 bits, as its decimal text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

LINE_CHARACTERS = 256 * 1024
"""A line grows no longer, unless one span alone is. The collector cuts lines at 1 MiB by default,
and a line that is torn is lost as a whole."""

_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_LEAST, _MOST = -(2**63), 2**63 - 1
_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_KINDS = {kind: kind.value + 1 for kind in SpanKind}
_CODES = {code: code.value for code in StatusCode}
_MOST_KEPT, _LONGEST_KEPT = 4096, 64

_number = msgspec.json.Encoder().encode

_keys: dict[str, str] = {}
_strings: dict[str, str] = {}
"""Keys, and the values that come again and again, as they stand in a line."""

_groups: dict[int, tuple[Any, str]] = {}
"""By the identity of a resource or scope, which lives as long as its provider: what stands before
its spans."""


def lines(spans: Iterable[ReadableSpan], longest: int = LINE_CHARACTERS) -> Iterator[bytes]:
    """The spans as lines, each with its newline, grouped by resource and scope.

    Halves of surrogate pairs, which UTF-8 cannot hold, become `?`.

    Args:
        longest: so many characters of spans go to one line, unless one span alone has more.

    Raises:
        Exception: a span is malformed, such as one without a context.
    """
    resources: dict[str, dict[str, list[str]]] = {}
    texts: list[str] = []
    resource, scope, size = None, None, 0
    for span in spans:
        text = span_text(span)
        if size and size + len(text) > longest:
            yield _line(resources)
            resources, resource, size = {}, None, 0
        size += len(text)
        if span.resource is not resource or span.instrumentation_scope is not scope:
            resource, scope = span.resource, span.instrumentation_scope
            scopes = resources.setdefault(_head(resource, _resource), {})
            texts = scopes.setdefault(_head(scope, _scope), [])
        texts.append(text)
    if resources:
        yield _line(resources)


def _line(resources: Mapping[str, Mapping[str, Sequence[str]]]) -> bytes:
    groups = []
    for resource, scopes in resources.items():
        inner = ",".join(f"{scope}{','.join(texts)}]}}" for scope, texts in scopes.items())
        groups.append(f"{resource}{inner}]}}")
    return f'{{"resourceSpans":[{",".join(groups)}]}}\n'.encode(errors="replace")


def _head(of: Any, made: Any) -> str:
    found = _groups.get(id(of))
    if found is None or found[0] is not of:
        if len(_groups) >= _MOST_KEPT:
            _groups.clear()
        found = _groups[id(of)] = (of, made(of))
    return found[1]


def _resource(resource: Resource) -> str:
    attributes = _attributes(resource.attributes)
    url = _named("schemaUrl", resource.schema_url)
    return f'{{"resource":{{{attributes[1:]}}}{url},"scopeSpans":['


def _scope(scope: InstrumentationScope | None) -> str:
    if scope is None:
        return '{"scope":{},"spans":['
    texts = [
        _named("name", scope.name),
        _named("version", scope.version),
        _attributes(scope.attributes),
    ]
    url = _named("schemaUrl", scope.schema_url)
    return f'{{"scope":{{{"".join(texts)[1:]}}}{url},"spans":['


def _named(name: str, text: str | None) -> str:
    return f',"{name}":{quoted(text)}' if text else ""


def span_text(span: ReadableSpan) -> str:
    """One span as JSON."""
    context, parent = span.get_span_context(), span.parent
    flags = _HAS_IS_REMOTE | _IS_REMOTE if parent and parent.is_remote else _HAS_IS_REMOTE
    # Most spans have neither, and the properties copy.
    events = span.events if getattr(span, "_events", True) else ()
    links = span.links if getattr(span, "_links", True) else ()
    return (
        f"{{{_ids(context)}"
        f"{_parent(parent) if parent else ''}"
        f',"flags":{flags}'
        f',"name":{quoted(span.name)}'
        f',"kind":{_KINDS[span.kind]}'
        f',"startTimeUnixNano":"{span.start_time or 0}"'
        f',"endTimeUnixNano":"{span.end_time or 0}"'
        f"{_attributes(span.attributes)}"
        f"{_events(events) if events else ''}"
        f"{_links(links) if links else ''}"
        f"{_dropped('Attributes', span.dropped_attributes)}"
        f"{_dropped('Events', span.dropped_events)}"
        f"{_dropped('Links', span.dropped_links)}"
        f"{_status(span.status)}}}"
    )


def _ids(context: SpanContext | None) -> str:
    if context is None:
        raise ValueError("a span without a context")
    ids = f'"traceId":"{context.trace_id:032x}","spanId":"{context.span_id:016x}"'
    state = context.trace_state
    return f'{ids},"traceState":{quoted(state.to_header())}' if state else ids


def _parent(parent: SpanContext) -> str:
    return f',"parentSpanId":"{parent.span_id:016x}"'


def _dropped(what: str, count: int) -> str:
    return f',"dropped{what}Count":{count}' if count else ""


def _status(status: Status) -> str:
    code = status.status_code
    if code is StatusCode.UNSET:  # and so without a message
        return ',"status":{}'
    message = _named("message", status.description)
    return f',"status":{{"code":{_CODES[code]}{message}}}'


def _events(events: Iterable[Event]) -> str:
    texts = ",".join(
        f'{{"timeUnixNano":"{event.timestamp}","name":{quoted(event.name)}'
        f"{_attributes(event.attributes)}{_dropped('Attributes', event.dropped_attributes)}}}"
        for event in events
    )
    return f',"events":[{texts}]'


def _links(links: Iterable[Link]) -> str:
    texts = []
    for link in links:
        flags = _HAS_IS_REMOTE | _IS_REMOTE if link.context.is_remote else _HAS_IS_REMOTE
        texts.append(
            f"{{{_ids(link.context)}{_attributes(link.attributes)}"
            f'{_dropped("Attributes", link.dropped_attributes)},"flags":{flags}}}'
        )
    return f',"links":[{",".join(texts)}]'


def _attributes(attributes: Mapping[str, Any] | None) -> str:
    """With the comma before them; "" where there are none."""
    if not attributes:
        return ""
    try:
        items = attributes.copy().items()  # type: ignore[attr-defined] # walking it is slow
    except AttributeError:
        items = dict(attributes).items()
    try:
        texts = _pairs(items)
    except (TypeError, ValueError):  # of no kind that OTLP has: left out, as the SDK's encoders do
        texts = [text for item in items if (text := _pair(item))]
    return f',"attributes":[{"},".join(texts)}}}]' if texts else ""


def _pair(item: tuple[str, Any]) -> str:
    try:
        return _pairs([item])[0]
    except (TypeError, ValueError):
        return ""


def _pairs(items: Iterable[tuple[str, Any]]) -> list[str]:
    """Keys and values, each pair without its last brace."""
    return [
        (_keys.get(key) or _key(key))
        + ((_strings.get(value) or _string(value)) if type(value) is str else _value(value))
        for key, value in items
    ]


def _key(key: str) -> str:
    text = f'{{"key":{quoted(key)},"value":'
    if len(_keys) < _MOST_KEPT:
        _keys[key] = text
    return text


def _value(value: Any) -> str:
    """An attribute's value, with the name of its kind."""
    kind = type(value)
    if kind is int:
        return f'{{"intValue":"{value}"}}' if _LEAST <= value <= _MOST else _string(str(value))
    if kind is float:
        number = _number(value).decode()  # sooner done than repr()
        return f'{{"doubleValue":{number}}}' if number != "null" else _non_finite(value)
    if kind is bool:
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if kind is str:
        return _string(value)
    return _rarer(value)


def _string(value: str) -> str:
    text = f'{{"stringValue":{quoted(value)}}}'
    if len(value) <= _LONGEST_KEPT:
        if len(_strings) >= _MOST_KEPT:
            _strings.clear()
        _strings[value] = text
    return text


def _non_finite(value: float) -> str:
    return f'{{"doubleValue":"{_NON_FINITE[repr(value)]}"}}'


def _rarer(value: Any) -> str:
    if value is None:
        return "{}"
    if isinstance(value, bytes):
        return f'{{"bytesValue":"{b64encode(value).decode()}"}}'
    for plain in (str, int, float):
        if isinstance(value, plain):  # a subclass, such as an enum
            return _value(plain(plain.__repr__(value)) if plain is not str else str.__str__(value))
    if isinstance(value, Sequence):
        return f'{{"arrayValue":{{"values":[{",".join(map(_value, value))}]}}}}'
    if isinstance(value, Mapping):
        pairs = _pairs((str(key), item) for key, item in value.items())
        return f'{{"kvlistValue":{{"values":[{"},".join([*pairs, ""])[:-1]}]}}}}'
    raise TypeError(f"no attribute is a {type(value).__name__}")
