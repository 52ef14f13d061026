"""Attributes onto a span that is ending.

The SDK lets nobody change a span once it ends, and calls `_on_ending` only after that (1.40 to
1.45, open-telemetry/opentelemetry-python#5614). So attributes are put where it keeps them, before
any processor hands the span to an exporter.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from costspan.guard import quietly
from costspan.semconv import Attributes


def told(span: Any) -> Any:
    """A span's attributes, as a mapping that is quick to read."""
    kept = span._attributes
    return kept._dict if type(kept) is BoundedAttributes else span.attributes


def add(span: Any, attributes: Attributes, vital: Collection[str]) -> None:
    """Add clean attributes to a span, ending or not; nothing that it has is evicted.

    Where they would not all fit under the span's limit, only the vital ones are added.
    """
    kept = span._attributes
    if type(kept) is not BoundedAttributes:
        # A wrapper's copy of an ended span: what stands behind it there sees this.
        span._attributes = {**attributes, **(kept or {})}
        return
    fits = kept.maxlen is None or len(kept._dict) + len(attributes) <= kept.maxlen
    if fits and span.end_time is None:
        span.set_attributes(attributes)
        return
    if not fits:
        attributes = {name: attributes[name] for name in vital if name in attributes}
    if kept.max_value_len is not None:
        attributes = _cut(attributes, kept.max_value_len)
    if kept.maxlen != 0:
        kept._dict.update(attributes)  # one step to all other threads, which needs no lock


def _cut(attributes: Attributes, longest: int) -> Attributes:
    return {
        name: value[:longest] if isinstance(value, str) else value
        for name, value in attributes.items()
    }


class _Probe(SpanProcessor):
    """Adds an attribute as a span ends, and looks whether an exporter would see it."""

    def __init__(self) -> None:
        self.seen = False

    def _on_ending(self, span: Any) -> None:
        add(span, {"probe": 1}, ())

    def on_end(self, span: ReadableSpan) -> None:
        self.seen = "probe" in (span.attributes or {})


@cache
def works() -> bool:
    """Whether the installed SDK lets a span be enriched as it ends: tried on one of our own."""
    probe = _Probe()
    with quietly("trying whether an ending span can be enriched"):
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.get_empty(),
            span_limits=SpanLimits(max_span_attributes=8),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(probe)
        span = provider.get_tracer("costspan.probe").start_span("probe")
        probe.seen = not span.is_recording()  # the SDK is switched off: there is nothing to enrich
        span.end()
    return probe.seen
