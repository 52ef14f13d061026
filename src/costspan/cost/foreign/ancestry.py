"""Which span of a call carries its dollars, where several stand one above the other.

Each GenAI span has a node, kept on the span object itself, so that nothing outlives the span. It is
made when the span starts: the innermost span of a call has the facts, and its ancestors of the same
kind leave the call to it, also one that ends before it does. Our own spans keep their calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from costspan.attributed import NOBODY, Attribution
from costspan.cost.foreign.dialect_table import Dialect
from costspan.cost.foreign.dialects import AGENT, TOOL

ON_SPAN = "_costspan_node"
"""The attribute of a span object that holds its node; it is never exported."""


class Claim(Struct, eq=False, gc=False):
    """A call of one kind that is told by a span further down, as long as `stands` is true."""

    role: str | None
    stands: bool = True


class Node(Struct, eq=False, weakref=True):
    """One span's place among the GenAI spans above it; made by `node_of`.

    `role` is a kind of billed operation, an agent, a tool or None. `dialect` is whose span it is,
    where its maker tells that. `opening` is what the span said when it started, as the SDK drops
    the oldest attributes of a full span. `claims` are those of the billed spans beneath it.
    `seen_by` are the trackers that have seen the span end, `settled_by` those that settled its
    call, `added` is what that added to the span.
    """

    span_id: int
    parent: Node | None = None
    role: str | None = None
    own: bool = False
    dialect: Dialect | None = None
    who: Attribution = NOBODY
    opening: dict[str, Any] | None = None
    claim: Claim | None = None
    claims: tuple[Claim, ...] = ()
    billed_beneath: bool = False
    ended: bool = False
    seen_by: tuple[Any, ...] = ()
    settled_by: tuple[Any, ...] = ()
    added: dict[str, Any] | None = None

    def takes(self, role: str | None) -> None:
        """Play a role; a billed one claims the call from the spans above."""
        self.role = role
        if role in (None, AGENT, TOOL) or self.claim is not None:
            return
        self.claim = Claim(role)
        if self.parent is None:
            return
        for above in self._ancestors():
            above.billed_beneath = True
        # What a span does that has not said it yet is compared when it ends.
        for above in self._same_call(None):
            above.claims = (*_standing(above.claims), self.claim)

    def is_told_late(self, role: str | None, parent: Node | None) -> None:
        """Play a role below `parent`, where both are learnt only after spans beneath it ended."""
        self.role = role
        if self.parent is None and parent is not None:
            self.parent = parent
            self._pass_on()
        self.takes(role)

    def _pass_on(self) -> None:
        """Claim from the spans above what is claimed from this one."""
        if self.billed_beneath:
            for above in self._ancestors():
                above.billed_beneath = True
        if self.role not in (AGENT, TOOL):
            for claim in self.claims:
                for above in self._same_call(None, claim.role):
                    above.claims = (*_standing(above.claims), claim)

    def is_claimed(self) -> bool:
        """Whether a span beneath this one tells its call."""
        return bool(self.claims) and any(
            claim.stands and claim.role == self.role for claim in self.claims
        )

    def is_alone(self) -> bool:
        """Whether nothing above or beneath this span is billed."""
        if self.parent is None or self.billed_beneath:
            return not self.billed_beneath
        return all(up.claim is None for up in self._ancestors())

    def is_told_above(self, tracker: Any) -> bool:
        """Whether a span above has the call already: one of ours, or one that was settled."""
        return self.parent is not None and any(
            up.own or tracker in up.settled_by for up in self._same_call()
        )

    def is_settled(self, tracker: Any) -> None:
        """Note that this span carries the dollars of its call; no agent above it sums them up."""
        self.settled_by = (*self.settled_by, tracker)
        if self.parent is not None:
            for above in self._ancestors():
                above.billed_beneath = True

    def gives_way(self) -> bool:
        """Leave the call to a span above that is still open, if there is one."""
        if self.claim is None or all(up.ended for up in self._same_call()):
            return False
        self.claim.stands = False
        return True

    def _ancestors(self) -> Iterator[Node]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def _same_call(self, *roles: str | None) -> Iterator[Node]:
        """Ancestors that may be spans of this call; tools and agents make calls of their own."""
        for node in self._ancestors():
            if node.role in (AGENT, TOOL):
                return
            if node.role == self.role or node.role in roles:
                yield node


class Passage(Struct, frozen=True, eq=False):
    """Stands on a span that is none of GenAI, for the node above it."""

    above: Node


def node_of(span_id: int, above: Node | None, *, own: bool = False) -> Node:
    """The node of a span that starts.

    A span above it that has ended is no span of its call: a context that leaks makes it a parent.
    """
    while above is not None and above.ended:
        above = above.parent
    return Node(span_id, above, own=own)


def _standing(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    return tuple(claim for claim in claims if claim.stands)
