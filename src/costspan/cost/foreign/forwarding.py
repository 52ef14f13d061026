"""The public way to enriched spans: copies, handed to one processor or exporter.

It uses nothing of the SDK that is not public, and reaches only the pipeline that it wraps.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from costspan.errors import ConfigurationError
from costspan.semconv import Attributes


def forward_of(target: Any) -> SpanProcessor:
    """The processor that copies go to; an exporter is given a batch processor.

    Raises:
        ConfigurationError: it is neither.
    """
    if callable(getattr(target, "on_end", None)):
        return target  # type: ignore[no-any-return]
    if callable(getattr(target, "export", None)):
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        return BatchSpanProcessor(target)
    raise ConfigurationError(
        f"CostSpanProcessor(forward_to={target!r}): give a span exporter or a span processor"
    )


def enriched(span: ReadableSpan, added: Attributes) -> ReadableSpan:
    """A copy of a finished span with further attributes; what the span has goes first."""
    attributes = BoundedAttributes(attributes={**added, **(span.attributes or {})})
    attributes.dropped = span.dropped_attributes
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
