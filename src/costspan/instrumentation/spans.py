"""A call's span: what it is opened with, and how it is filled when the call ends."""

from __future__ import annotations

from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from costspan import semconv
from costspan.attributed import Attribution
from costspan.call import Request
from costspan.instrumentation.wiring import Tracers

_CLIENT = SpanKind.CLIENT


def opened(
    tracers: Tracers, request: Request, who: Attribution, started_at: int, here: Context
) -> Span:
    """A started span with what a sampler may decide by; the rest is known when it is filled.

    `here` is the context in force: the SDK would ask for it at every step.
    """
    tracer = tracers.tracer
    name, attributes = semconv.opening(request, who)
    if tracers.onlookers.watch(tracer):
        return tracer.start_span(name, here, _CLIENT, attributes, start_time=started_at)
    span = tracer.start_span(name, here, _CLIENT, start_time=started_at)
    fill(span, attributes)
    return span


def fill(span: Any, attributes: semconv.Attributes) -> None:
    """Add attributes that are clean already: plain values, sequences as tuples, whole characters.

    The SDK's own way checks each value anew, which is half of what a span costs. So they are added
    in one step where it keeps them as is known of 1.40 to 1.45 and no limit cuts them; any other
    span takes `set_attributes`. One dict's update from another needs none of the SDK's locks: it is
    a single step to all other threads, and two locks around it take longer than it does.
    """
    kept = getattr(span, "_attributes", None)
    if (
        type(kept) is BoundedAttributes
        and kept.max_value_len is None
        and (kept.maxlen is None or len(kept._dict) + len(attributes) <= kept.maxlen)
    ):
        if span.is_recording():
            kept._dict.update(attributes)
        return
    span.set_attributes(attributes)
