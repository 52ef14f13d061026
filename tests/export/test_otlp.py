"""OTLP JSON lines hold exactly what OpenTelemetry's own protobuf encoder writes."""

import enum
import json
import math
import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes

from costspan.export.otlp import lines
from tests.export.otlp_lines import official, parsed, spans_of

SCOPE = InstrumentationScope("costspan", "0.1.0", "https://example.org/1", {"a": 1})
RESOURCE = Resource({"service.name": "app", "service.tags": ["a", "b"]}, "https://example.org/2")
STATE = TraceState([("vendor", "x=1"), ("other", "")])


def context(number: int = 1, *, remote: bool = False, state: TraceState | None = None):
    return SpanContext(0xABC + number, 0xDEF + number, remote, TraceFlags(1), state)


def span(attributes: Attributes = None, **more: Any) -> ReadableSpan:
    facts = {"name": "chat", "context": context(), "resource": RESOURCE, "start_time": 5} | more
    facts = {"instrumentation_scope": SCOPE, "end_time": 7} | facts
    return ReadableSpan(attributes=attributes, **facts)


def as_protobuf(*spans: ReadableSpan) -> TracesData:
    (line,) = lines(spans)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    return parsed(line)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain = st.one_of(
    st.none(),
    st.booleans(),
    text,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=9),
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
attributes = st.dictionaries(text, values, max_size=5)
times = st.integers(0, 2**64 - 1)
states = st.sampled_from([None, TraceState(), STATE])
contexts = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.just(TraceFlags(1)),
    states,
)
statuses = st.builds(Status, st.sampled_from([StatusCode.UNSET, StatusCode.OK])) | st.builds(
    Status, st.just(StatusCode.ERROR), st.none() | text
)
urls = st.sampled_from(["", "https://example.org/3"])
spans = st.builds(
    ReadableSpan,
    name=text,
    context=contexts,
    parent=st.none() | contexts,
    resource=st.builds(Resource, attributes, urls),
    attributes=st.none() | attributes,
    events=st.lists(st.builds(Event, text, attributes, times), max_size=2),
    links=st.lists(st.builds(Link, contexts, attributes), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=statuses,
    start_time=times,
    end_time=times,
    instrumentation_scope=st.none()
    | st.builds(InstrumentationScope, text, st.none() | text, urls, attributes),
)


@settings(deadline=None)
@given(st.lists(spans, min_size=1, max_size=1))
@example([span({"": "", "nan": math.nan, "inf": [math.inf, -math.inf], "n": -0.0})])
@example([span({"nested": {"a": {}, "b": [[], [None]], "": b""}, "s": '\u2028\x00"\\\ud7ff'})])
def test_a_span_reads_as_the_official_encoder_wrote_it(one: list[ReadableSpan]):
    assert repr(as_protobuf(*one)) == repr(official(one))  # == is false for what holds a NaN


def test_spans_are_grouped_by_resource_and_scope():
    other = InstrumentationScope("another")
    apart = Resource({"service.name": "worker"})
    batch = [
        span(name="1"),
        span(name="2", instrumentation_scope=other),
        span(name="3"),
        span(name="4", resource=apart, instrumentation_scope=None),
        span(name="5", resource=Resource(dict(RESOURCE.attributes), RESOURCE.schema_url)),
    ]
    data = as_protobuf(*batch)
    assert data == official(batch)
    names = [
        [one.name for one in scope.spans]
        for resource in data.resource_spans
        for scope in resource.scope_spans
    ]
    assert names == [["1", "3", "5"], ["2"], ["4"]]


def test_what_the_sdk_dropped_is_counted():
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider

    limits = SpanLimits(max_span_attributes=1, max_events=1, max_links=1, max_event_attributes=1)
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    made = provider.get_tracer("t").start_span(
        "s", attributes={"a": 1, "b": 2}, links=[Link(context(1)), Link(context(2))]
    )
    made.add_event("one", {"x": 1, "y": 2})
    made.add_event("two", {"x": 1, "y": 2, "z": 3})
    made.end()
    data = as_protobuf(made)
    assert data == official([made])
    (one,) = spans_of(data)
    dropped = (one.dropped_attributes_count, one.dropped_events_count, one.dropped_links_count)
    assert dropped == (1, 1, 1)
    assert one.events[0].dropped_attributes_count == 2


def written(attributes: Mapping) -> dict:
    """The attributes of a span as they stand in its line."""
    (line,) = lines([span(attributes)])
    (resource,) = json.loads(line)["resourceSpans"]
    found = resource["scopeSpans"][0]["spans"][0].get("attributes", [])
    return {one["key"]: one["value"] for one in found}


def test_the_form_is_that_of_otlp_json():
    """Ids in hex, enums and flags as numbers, 64-bit integers as strings."""
    one = span(
        {"n": 12},
        kind=SpanKind.CLIENT,
        parent=context(2, remote=True),
        status=Status(StatusCode.ERROR, "no"),
    )
    (line,) = lines([one])
    (resource,) = json.loads(line)["resourceSpans"]
    assert resource["scopeSpans"][0]["spans"] == [
        {
            "traceId": "00000000000000000000000000000abd",
            "spanId": "0000000000000df0",
            "parentSpanId": "0000000000000df1",
            "flags": 768,
            "name": "chat",
            "kind": 3,
            "startTimeUnixNano": "5",
            "endTimeUnixNano": "7",
            "attributes": [{"key": "n", "value": {"intValue": "12"}}],
            "status": {"code": 2, "message": "no"},
        }
    ]


def test_a_large_integer_is_kept_as_text():
    found = written({"n": 2**63, "m": -(2**63) - 1, "most": 2**63 - 1})
    assert found == {
        "n": {"stringValue": "9223372036854775808"},
        "m": {"stringValue": "-9223372036854775809"},
        "most": {"intValue": "9223372036854775807"},
    }


def test_half_of_a_surrogate_pair_costs_no_line():
    assert written({"a\ud83d": "x\ud83dy"}) == {"a?": {"stringValue": "x?y"}}


class Word(enum.StrEnum):
    STOP = "stop"


class Number(enum.IntEnum):
    ONE = 1


class Odd(float):
    pass


def test_an_enum_is_its_value():
    assert written({"w": Word.STOP, "n": Number.ONE, "o": Odd(0.5), "l": [Word.STOP]}) == {
        "w": {"stringValue": "stop"},
        "n": {"intValue": "1"},
        "o": {"doubleValue": 0.5},
        "l": {"arrayValue": {"values": [{"stringValue": "stop"}]}},
    }


def test_attributes_may_be_any_mapping():
    """As those of a span that a processor made by hand."""

    class Attributes(Mapping):
        def __getitem__(self, key: str) -> int:
            return {"a": 1}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert written(Attributes()) == {"a": {"intValue": "1"}}


@pytest.mark.parametrize("odd", [object(), {1, 2}, [object()], {"a": object()}, [10**5000]])
def test_what_is_no_attribute_is_left_out(odd: object):
    """A processor may put anything into a span that it makes by hand."""
    assert written({"a": 1, "odd": odd, "b": "x"}) == {
        "a": {"intValue": "1"},
        "b": {"stringValue": "x"},
    }
    assert written({"odd": odd}) == {}


def test_a_line_has_a_bounded_length():
    """Longer only where one span alone is."""
    spans = [span({"text": "x" * size}) for size in (300, 300, 300, 2000, 300)]
    found = list(lines(spans, longest=1500))
    counts = [len(spans_of(parsed(line))) for line in found]
    assert counts == [2, 1, 1, 1]
    assert max(map(len, found[:2])) < 1800


def test_no_spans_are_no_line():
    assert list(lines([])) == []


def test_repeated_and_varying_values_stay_what_they_are():
    """What was kept of earlier spans is not mixed up: 1, True, 1.0 and "1" are equal or alike."""
    for number in range(5000):
        text = str(number)
        found = written({"a": text, "b": number, f"key {number}": True, "c": float(number)})
        assert found["a"] == {"stringValue": text}
        assert found["b"] == {"intValue": text}
        assert found["c"] == {"doubleValue": number}
        assert found[f"key {number}"] == {"boolValue": True}


@pytest.mark.system
@pytest.mark.skipif(
    "COSTSPAN_OTLP_DECODER" not in os.environ,
    reason="COSTSPAN_OTLP_DECODER names no program: make decoder",
)
@settings(deadline=None, max_examples=25)
@given(st.lists(spans, min_size=1, max_size=20))
def test_the_collectors_own_decoder_reads_the_same(batch: list[ReadableSpan]):
    """`pdata` of the collector, with which its `otlpjsonfile` receiver reads each line."""
    sent = b"".join(next(lines([one])) for one in batch)
    done = subprocess.run(
        [os.environ["COSTSPAN_OTLP_DECODER"]], input=sent, capture_output=True, check=True
    )
    found = [TracesData.FromString(bytes.fromhex(line)) for line in done.stdout.decode().split()]
    assert [repr(one) for one in found] == [repr(official([one])) for one in batch]
