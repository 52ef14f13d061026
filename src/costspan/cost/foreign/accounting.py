"""What of a finished span counts, and what it adds to the span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from costspan import semconv
from costspan.call import PICOS_PER_USD, Call, Cost
from costspan.cost.foreign.ancestry import Node
from costspan.cost.foreign.dialect_table import Dialect
from costspan.cost.foreign.dialects import AGENT, read, role_of, their_cost
from costspan.cost.seen import ELSEWHERE, Standing
from costspan.cost.tracker import CostTracker
from costspan.semconv import Attributes

_DIFFERENCE = 0.01
"""The share of a cost by which another's figure may differ before it is marked."""


def settled(
    costs: CostTracker, node: Node, dialect: Dialect, span: ReadableSpan, attributes: Any
) -> Attributes | None:
    """Settle the call of a finished span; what that adds to it, None where it tells no call."""
    if node.own:
        held = getattr(span, semconv.ON_SPAN, None)
        if isinstance(held, tuple):
            return _settle_own(costs, node, held)
        if semconv.COST_STATUS in attributes:
            return None
    if node.opening and span.dropped_attributes:
        attributes = {**node.opening, **attributes}
    if node.claim is None:
        node.takes(role_of(dialect, span.name, attributes))
    return _settle_foreign(costs, node, dialect, span, attributes)


def _settle_own(costs: CostTracker, node: Node, held: tuple[Call, Any]) -> Attributes:
    """Settle a call of ours that its span holds, as it would have been settled without a span."""
    call, who = held
    node.settled_by = (*node.settled_by, costs)
    counted, cost, _ = costs.account(call, None, who, wait=False)
    return semconv.cost_attributes(counted, cost)


def _settle_foreign(
    costs: CostTracker, node: Node, dialect: Dialect, span: ReadableSpan, attributes: Any
) -> Attributes | None:
    """Settle the call that another's span tells; None where it tells none, or another span does."""
    remote = node.role == AGENT and span.kind is SpanKind.CLIENT and not node.billed_beneath
    call = read(dialect, span, attributes, node.who, remote=remote)
    if call is None or node.is_claimed() or node.is_told_above(costs):
        return None
    if call.usage is None and node.gives_way():
        return None
    maker = span.instrumentation_scope
    told_by = Standing(
        "unknown" if maker is None else maker.name or "unknown",
        span.parent is None,
        node.is_alone(),
    )
    _, cost, _ = costs.account(call, None, node.who, told_by, wait=False)
    if cost is ELSEWHERE:
        return None
    node.is_settled(costs)
    return _added(call, cost, dialect, attributes)


def _added(call: Call, cost: Cost, dialect: Dialect, attributes: Mapping[str, Any]) -> Attributes:
    """Our figures beside theirs: what another instrumentation wrote stays as it is."""
    added = semconv.cost_attributes(call, cost)
    if semconv.COST_AMOUNT in attributes:
        for name in semconv.COST_PROPOSED:
            added.pop(name, None)
    theirs = their_cost(dialect, attributes)
    if theirs is not None and cost.total is not None:
        ours = cost.total / PICOS_PER_USD
        if abs(theirs - ours) > _DIFFERENCE * ours:
            added[semconv.COST_DISAGREES] = True
    return added
