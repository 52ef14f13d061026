"""A span is filled in one step, and holds what the SDK's own way would have put there."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext

from costspan.instrumentation import spans

ATTRIBUTES: dict[str, Any] = {
    "gen_ai.response.finish_reasons": ("stop", "length"),
    "gen_ai.usage.input_tokens": 12,
    "costspan.cost.total": 0.5,
    "gen_ai.request.stream": True,
    "kept": "anew",
}


def started(limits: SpanLimits | None = None) -> Any:
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    return provider.get_tracer("test").start_span("chat", attributes={"kept": "old", "first": 1})


def filled(span: Any) -> dict[str, Any]:
    spans.fill(span, dict(ATTRIBUTES))
    assert isinstance(span, ReadableSpan)
    return dict(span.attributes or {})


def filled_publicly(span: Any) -> dict[str, Any]:
    span.set_attributes(dict(ATTRIBUTES))
    return dict(span.attributes)


@pytest.mark.parametrize(
    "limits",
    [
        None,
        SpanLimits(max_span_attributes=6),
        SpanLimits(max_span_attributes=4),
        SpanLimits(max_span_attributes=0),
        SpanLimits(max_attribute_length=3),
        SpanLimits(max_span_attribute_length=3),
    ],
)
def test_both_ways_give_the_same_span(limits: SpanLimits | None):
    ours, theirs = started(limits), started(limits)
    assert filled(ours) == filled_publicly(theirs)
    assert ours.dropped_attributes == theirs.dropped_attributes


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch):
    span = started()
    monkeypatch.setattr(type(span), "set_attributes", None)
    assert filled(span) == {"first": 1, **ATTRIBUTES}


def test_a_span_that_cannot_hold_all_takes_the_public_way():
    span = started(SpanLimits(max_span_attributes=4))
    assert len(filled(span)) == 4
    assert span.dropped_attributes == 3


def test_an_ended_span_stays_as_it_is():
    span = started()
    span.end()
    assert filled(span) == {"kept": "old", "first": 1}


def test_a_span_of_no_sdk_is_left_to_itself():
    spans.fill(NonRecordingSpan(SpanContext(1, 2, is_remote=False)), ATTRIBUTES)
