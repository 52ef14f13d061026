"""CostSpanProcessor: prices and attributes the GenAI spans that others make.

    provider.add_span_processor(CostSpanProcessor(costs))

A span is priced in `_on_ending`, which the SDK calls on every processor before it calls any
`on_end`: so the order of processors does not matter. Nothing here raises and nothing waits.
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any
from weakref import WeakValueDictionary

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, ReadableSpan, Span, SpanProcessor

from costspan import attributed, semconv
from costspan.attributed import NOBODY, Attribution
from costspan.cost.foreign import enriching
from costspan.cost.foreign.accounting import settled
from costspan.cost.foreign.ancestry import ON_SPAN, Node, Passage, node_of
from costspan.cost.foreign.dialect_table import OURS, Dialect
from costspan.cost.foreign.dialects import dialect_of, own_role, role_of
from costspan.cost.foreign.forwarding import enriched, forward_of
from costspan.cost.tracker import CostTracker
from costspan.errors import ConfigurationError
from costspan.guard import quietly
from costspan.semconv import Attributes

logger = logging.getLogger("costspan")

VITAL = (semconv.COST_TOTAL, semconv.COST_STATUS)
"""What is added even to a span that is full."""

_STARTING = quietly("watching a span", even_asked_for=True)
_ENDING = quietly("pricing a span", even_asked_for=True)
_FORWARDING = quietly("handing a span on", even_asked_for=True)
_UNTOLD = object()


class CostSpanProcessor(SpanProcessor):
    """Prices every GenAI span of a `TracerProvider` and says whose it is, whoever made it.

    `Instrumentor().instrument()` adds one by itself; added by hand too, nothing counts twice.

    Args:
        costs: who prices and counts the calls; by default a tracker with the bundled prices.
        forward_to: a span exporter or processor that is given enriched copies, where the SDK does
            not let spans be enriched as they end; the spans themselves stay as they are then.

    Raises:
        ConfigurationError: an argument is of another kind.
    """

    def __init__(self, costs: CostTracker | None = None, *, forward_to: Any = None) -> None:
        if costs is not None and not isinstance(costs, CostTracker):
            raise ConfigurationError(f"CostSpanProcessor({costs!r}): give a CostTracker(...)")
        self._costs: CostTracker | None = costs if costs is not None else CostTracker()
        self._costs.prices.load()
        self._forward = None if forward_to is None else forward_of(forward_to)
        setattr(self, semconv.GOES_BY_NAME, forward_to is None)
        self._ends_early = False
        # Where a span's parent is not in the context that on_start runs in, it is found by its id;
        # an entry lives as long as its span.
        self._nodes: WeakValueDictionary[int, Node] | None = WeakValueDictionary()
        self._needs_nodes = self._forward is not None
        if self._forward is None and not enriching.works():
            logger.warning(
                "costspan cannot add costs to the spans of opentelemetry-sdk %s: they are counted, "
                "and missing on the spans. CostSpanProcessor(costs, forward_to=exporter) hands on "
                "copies that have them",
                version("opentelemetry-sdk"),
            )

    @property
    def costs(self) -> CostTracker | None:
        """Who prices and counts the calls; None while it rests."""
        return self._costs

    def serve(self, costs: CostTracker | None) -> None:
        """Count with another tracker from now on; with None, let every span pass as it is."""
        self._costs = costs

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Find the span's place among those above it, and copy the attribution onto it."""
        if self._costs is not None:
            with _STARTING:
                self._watch(span, parent_context)
        if self._forward is not None:
            self._forward.on_start(span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        """Price the span and add its cost, before any processor hands it on."""
        self._ends_early = True
        if self._costs is None:
            return
        found = getattr(span, ON_SPAN, None)
        node = found if type(found) is Node else None
        if (node is None or node.own) and getattr(span, semconv.ON_SPAN, _UNTOLD) is None:
            if node is not None:  # ours, and settled
                node.ended = True
        else:
            with _ENDING:
                dialect = (None if node is None else node.dialect) or _dialect(span)
                if dialect is None:
                    return
                added = self._priced(span, node or self._late(span, dialect, found), dialect)
                if added and self._forward is None:
                    enriching.add(span, added, VITAL)
        if self._nodes is not None and not self._needs_nodes:
            self._forget_nodes(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand an enriched copy on, where that is asked for.

        Inside another's wrapper there may be no `_on_ending`: the span is priced now then, and only
        the processors after this one see it.
        """
        if self._ends_early and self._forward is None:
            return
        added: Attributes | None = None
        with _FORWARDING:
            added = self._priced_late(span)
            if added and self._forward is None:
                enriching.add(span, added, VITAL)
        if self._forward is not None:
            self._forward.on_end(enriched(span, added) if added else span)

    def shutdown(self) -> None:
        """Shut down what copies are handed to."""
        if self._forward is not None:
            self._forward.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush what copies are handed to; nothing else waits here."""
        return self._forward is None or self._forward.force_flush(timeout_millis)

    def _watch(self, span: Span, parent_context: Context | None) -> None:
        dialect = _dialect(span)
        above = None
        parent: Any = trace.INVALID_SPAN
        if span.parent is not None:
            parent = trace.get_current_span(parent_context)
            above = self._above(span, parent)
        if dialect is None:
            if above is not None:
                self._pass_on(span, above)
            return
        if dialect is OURS and above is None and self._nodes is None:
            return  # it gets its node when a span beneath it asks for it
        known = getattr(span, ON_SPAN, None)
        if known is not None:  # another processor has seen to it
            self._keep(span, known)
            return
        attributes = enriching.told(span)
        node = self._placed(span, dialect, above, attributes)
        if not node.own:
            here = get_current() if parent_context is None else parent_context
            node.opening = attributes.copy()
            _attribute(span, node, attributes, attributed.attribution_in(here, parent))

    def _above(self, span: Span, parent: Any) -> Node | None:
        """The node of the parent span, or of the next one above it that has one."""
        node = getattr(parent, ON_SPAN, None)
        if node is not None or span.parent is None or span.parent.is_remote:
            return node.above if isinstance(node, Passage) else node
        if parent is trace.INVALID_SPAN:  # the SDK runs this in a thread of its own
            self._needs_nodes = True
            self._nodes = WeakValueDictionary() if self._nodes is None else self._nodes
        nodes = self._nodes
        node = None if nodes is None else nodes.get(span.parent.span_id)
        return _late_node(parent) if node is None else node

    def _pass_on(self, span: Span, above: Node) -> None:
        """Let the spans beneath a span that is none of GenAI find what stands above it."""
        if self._nodes is None:
            setattr(span, ON_SPAN, Passage(above))
        else:
            self._keep(span, node_of(_span_id(span), above))

    def _placed(self, span: Any, dialect: Dialect, above: Node | None, attributes: Any) -> Node:
        """The new node of a GenAI span."""
        node = _node(span, dialect, above, attributes)
        self._keep(span, node)
        return node

    def _keep(self, span: Span, node: Node) -> None:
        setattr(span, ON_SPAN, node)
        nodes = self._nodes  # another thread may forget it
        if nodes is not None:
            nodes[node.span_id] = node

    def _forget_nodes(self, span: Span) -> None:
        """Look no span up by its id, now that it is known that contexts tell the parent."""
        if isinstance(getattr(span, "_span_processor", None), ConcurrentMultiSpanProcessor):
            self._needs_nodes = True
        else:
            self._nodes = None

    def _priced(self, span: Any, node: Node, dialect: Dialect) -> Attributes | None:
        """What is to be added to a finished span; None where it carries no dollars."""
        costs, attributes = self._costs, enriching.told(span)
        if costs is None:
            return None
        if costs not in node.seen_by:
            node.seen_by = (*node.seen_by, costs)
            added = settled(costs, node, dialect, span, attributes)
            node.ended, node.opening = True, None
            node.added = node.added or added
        # Whoever settled first has its figures there.
        return None if semconv.COST_STATUS in attributes else node.added

    def _priced_late(self, span: ReadableSpan) -> Attributes | None:
        nodes = self._nodes
        node = None if nodes is None else nodes.get(_span_id(span))
        if self._ends_early:
            return None if node is None else node.added
        dialect = _dialect(span)
        if dialect is None:
            return None
        return self._priced(span, node or self._late(span, dialect, None), dialect)

    def _late(self, span: Any, dialect: Dialect, passage: Passage | None) -> Node:
        """The node of a span that says what it is at its end only.

        Whose it is, the context mostly tells still.
        """
        attributes = enriching.told(span)
        above = None if passage is None else passage.above
        node = self._placed(span, dialect, above, attributes)
        if not node.own:
            _attribute(span, node, attributes, attributed.attribution_in(get_current()))
        return node


def _dialect(span: Any) -> Dialect | None:
    """Whose span it is; None where it is none of GenAI."""
    try:
        return dialect_of(span._instrumentation_scope.name, span._attributes._dict)
    except AttributeError:  # it is in another's wrapper, or lacks one of them
        scope = span.instrumentation_scope
        return dialect_of("" if scope is None else scope.name, enriching.told(span))


def _node(span: Any, dialect: Dialect, above: Node | None, attributes: Any) -> Node:
    own = dialect is OURS
    node = node_of(_span_id(span), above, own=own)
    node.dialect = dialect if dialect.scopes else None  # else what it says yet may tell another
    node.takes((own_role if own else role_of)(dialect, span.name, attributes))
    return node


def _late_node(span: Any) -> Node | None:
    """The node of a GenAI span that needed none so far, or started before this processor was added.

    One that has ended is no span of what starts now: a context that leaks makes it a parent.
    """
    if not isinstance(span, ReadableSpan) or not isinstance(span, trace.Span):
        return None
    if span.end_time is not None:
        return None
    dialect = _dialect(span)
    if dialect is None:
        return None
    node = _node(span, dialect, None, enriching.told(span))
    setattr(span, ON_SPAN, node)
    return node


def _attribute(span: Any, node: Node, attributes: Any, who: Attribution) -> None:
    """Note whose the span is, and copy it there; what the span says itself stays."""
    node.who = who
    if who is not NOBODY:
        told = semconv.attribution_attributes(who)
        enriching.add(span, {k: v for k, v in told.items() if k not in attributes}, ())


def _span_id(span: Any) -> int:
    return span.context.span_id  # type: ignore[no-any-return]
