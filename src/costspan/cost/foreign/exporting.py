"""PricingExporter: prices GenAI spans on their way to another exporter.

For pipelines that take no span processor. Spans come here once they have ended, most often before
the spans above them, which are known by their ids only until they come themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from costspan import semconv
from costspan.cost.foreign.accounting import settled
from costspan.cost.foreign.ancestry import Node
from costspan.cost.foreign.dialects import dialect_of, role_of
from costspan.cost.foreign.forwarding import enriched
from costspan.cost.seen import OWN
from costspan.cost.tracker import CostTracker
from costspan.guard import quietly
from costspan.semconv import Attributes

MOST_KEPT = 10_000
"""Spans that are remembered, for those above them that end later."""

_EXPORTING = quietly("pricing spans on their way out", even_asked_for=True)


class PricingExporter(SpanExporter):
    """Hands spans on to `exporter`, those of GenAI calls as copies that say what they cost.

    Args:
        exporter: where the spans go.
        costs: who prices and counts the calls; None to let every span pass as it is.
    """

    def __init__(self, exporter: SpanExporter, costs: CostTracker | None = None) -> None:
        self.costs = costs
        self._exporter = exporter
        # Changed in single steps only, and so without a lock, which a fork might find taken.
        self._nodes: OrderedDict[int, Node] = OrderedDict()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand the spans on, priced where they can be; what fails here only leaves them bare."""
        costs, out = self.costs, spans
        if costs is not None:
            with _EXPORTING:
                out = self._priced(spans, costs)
        return self._exporter.export(out)

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the other exporter."""
        return self._exporter.force_flush(timeout_millis)

    def _priced(self, spans: Sequence[ReadableSpan], costs: CostTracker) -> list[ReadableSpan]:
        for span in spans:
            self._place(span)
        out = []
        for span in spans:
            added = self._added(span, costs)
            out.append(enriched(span, added) if added else span)
        return out

    def _place(self, span: ReadableSpan) -> None:
        """Find the span's place among the others."""
        parent = span.parent
        above = None if parent is None or parent.is_remote else self._node(parent.span_id)
        attributes, scope = span.attributes or {}, _scope(span)
        dialect = dialect_of(scope, attributes)
        node = self._node(_span_id(span))
        node.own = scope == OWN and dialect is not None
        node.is_told_late(
            None if dialect is None else role_of(dialect, span.name, attributes), above
        )

    def _added(self, span: ReadableSpan, costs: CostTracker) -> Attributes | None:
        attributes = span.attributes or {}
        dialect = dialect_of(_scope(span), attributes)
        if dialect is None:
            return None
        node = self._node(_span_id(span))
        node.ended = True
        if semconv.COST_STATUS in attributes or costs in node.seen_by:
            return node.added
        node.seen_by = (*node.seen_by, costs)
        node.added = settled(costs, node, dialect, span, attributes)
        return node.added

    def _node(self, span_id: int) -> Node:
        node = self._nodes.setdefault(span_id, Node(span_id, None))
        if len(self._nodes) > MOST_KEPT:
            self._nodes.popitem(last=False)
        return node


def _scope(span: ReadableSpan) -> str:
    scope = span.instrumentation_scope
    return "" if scope is None else scope.name


def _span_id(span: ReadableSpan) -> int:
    context = span.context
    return 0 if context is None else context.span_id
