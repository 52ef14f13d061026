"""Which calls were settled lately, so that two spans of one call are not two bills.

Spans of one call that stand one above the other are told by their ancestry. Those that stand side
by side are told by what they say: the same response of the same server; or, where one of them names
no response, the same model and counts at the same time by another maker of spans.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import islice

from msgspec import Struct

from costspan import totals
from costspan.call import Call, Cost, Response
from costspan.cost.recent import RecentCalls

OWN = "costspan"
"""The instrumentation scope of our own spans."""

ELSEWHERE = Cost(status="not_billed", missing=("settled_elsewhere",))
"""The cost of a call that was settled by another span of it: nothing is counted twice."""

MOST_KEPT = 10_000
MOST_WAITING = 1_000
_PATIENCE = 10**9
"""Nanoseconds after a call's end in which its response is still taken for the same: some servers
draw their ids from a thousand numbers only, and tests name all their responses alike."""
_MOST_ALIKE = 16
_NO_RESPONSE = Response()

_Key = tuple[str, int | None, int | None]


class Standing(Struct, frozen=True, gc=False):
    """Who made a call's span, and where it stands.

    Args:
        scope: the maker's instrumentation scope.
        root: it has no parent, or may have none, so that another span of the same call is in
            another trace.
        alone: no span above or beneath it is billed, so that another span of the same call could
            only stand beside it.
    """

    scope: str
    root: bool = False
    alone: bool = True


OURS = Standing(OWN, root=True)


class _Settled(Struct, gc=False):
    """A settled call; `twins` are the makers whose span of it was recognised without an id."""

    span: Standing
    id: str | None
    asked: str | None
    answered: str | None
    address: str | None
    trace_id: int
    started_at: int
    ended_at: int
    counts: _Key | None
    twins: tuple[str, ...] = ()


class SeenCalls:
    """The last 10,000 settled calls of one tracker, by response id and by what they counted.

    Our own among the `recent` ones wait until a span of another is compared with them: where nobody
    else makes spans, nothing is ever worked out of them. By its counts a call is only looked for
    where one of two names no response: until then its place among them is not worked out either.
    """

    def __init__(self, recent: RecentCalls) -> None:
        self._recent = recent
        self._waiting = 0
        self._unplaced: deque[_Settled] = deque(maxlen=MOST_WAITING)
        self._others_until = self._nameless_until = 0
        self._by_id: OrderedDict[str, _Settled] = OrderedDict()
        self._by_counts: OrderedDict[_Key, list[_Settled]] = OrderedDict()

    def is_new(self, call: Call, span: Standing) -> bool:
        """Whether no other span of this call was settled; it counts as settled then."""
        with totals.lock():
            self._place_ours()
            here = _settled(call, span)
            known = None if here.id is None else self._by_id.get(here.id)
            if known is not None and _is_same(here, known):
                return False
            # Where none that is recent enough lacks an id, an id is enough to tell.
            if (here.id is None or here.started_at <= self._nameless_until) and (
                span.alone and self._has_twin(here)
            ):
                return False
            self._keep(here)
            if span.scope != OWN and here.ended_at + _PATIENCE > self._others_until:
                self._others_until = here.ended_at + _PATIENCE
        return True

    def is_new_of_ours(self, call: Call, cost: Cost) -> bool:
        """As `is_new`, of a span of ours; it is among the recent calls then."""
        with totals.lock():
            waits = call.started_at > self._others_until
            # No call of another is recent enough to be one that waits.
            if not waits and not self.is_new(call, OURS):
                return False
            self._recent.add(call, cost, placed=not waits)
            self._waiting += waits
        return True

    def _place_ours(self) -> None:
        """Keep those of ours that wait, to be compared with."""
        if self._waiting:
            ours = list(islice(self._recent.waiting(), self._waiting))
            self._waiting = 0
            for call in reversed(ours):
                self._keep(_settled(call, OURS))

    def _has_twin(self, here: _Settled) -> bool:
        while self._unplaced:
            self._place(self._unplaced.popleft())
        scope, counts = here.span.scope, here.counts
        for other in self._by_counts.get(counts, ()) if counts is not None else ():
            if (
                (here.id is None or other.id is None)
                and scope != other.span.scope
                and scope not in other.twins
                and (here.span.root or other.span.root or here.trace_id == other.trace_id)
                and not {here.asked, here.answered}.isdisjoint((other.asked, other.answered))
                and here.started_at <= other.ended_at
                and other.started_at <= here.ended_at
            ):
                other.twins = (*other.twins, scope)
                return True
        return False

    def _keep(self, here: _Settled) -> None:
        if here.id is None:
            self._nameless_until = max(self._nameless_until, here.ended_at)
        else:
            self._by_id[here.id] = here
            if len(self._by_id) > MOST_KEPT:
                self._by_id.popitem(last=False)
        if here.counts is not None:
            self._unplaced.append(here)

    def _place(self, here: _Settled) -> None:
        counts = here.counts
        assert counts is not None
        alike = self._by_counts.get(counts)
        if alike is not None:
            alike.append(here)
            if len(alike) > _MOST_ALIKE:
                del alike[0]
            return
        self._by_counts[counts] = [here]
        if len(self._by_counts) > MOST_KEPT:
            self._by_counts.popitem(last=False)


def _is_same(here: _Settled, known: _Settled) -> bool:
    """Whether two spans whose responses have the same id are one call.

    Our own calls are never taken for each other: each is one request.
    """
    return (
        (here.span.scope != OWN or known.span.scope != OWN)
        and (here.address is None or known.address in (None, here.address))
        and here.started_at <= known.ended_at + _PATIENCE
    )


def _settled(call: Call, span: Standing) -> _Settled:
    request, response = call.request, call.response
    if response is None:
        response = _NO_RESPONSE
    usage, counts = response.usage, None
    if usage is not None and usage.input_tokens is not None:
        # What two spans of one call tell alike, whichever of the model's names each tells.
        kind = "embeddings" if request.operation == "embeddings" else "inference"
        counts = (kind, usage.input_tokens, usage.output_tokens)
    return _Settled(
        span,
        response.id,
        request.model,
        response.model or request.model,
        request.server_address,
        call.trace_id,
        call.started_at,
        call.ended_at,
        counts,
    )
