"""Responses that may be retrieved by their id: each is settled once, and corrected by what is new.

A stream that was broken off may be retrieved whole, and a response made in the background tells
its usage only then. The first final usage for an id settles it; another one replaces it, by the
signed difference; the same one again is free.

Only retrievals are recognised. Two requests that make a response are two bills even where a server
gives both the same id (Ollama has drawn its ids from 0 to 999): they are never taken for one, and
an id that was given twice names neither.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct, structs

from costspan import totals
from costspan.call import NOT_BILLED, Call, Cost, Response, Usage
from costspan.totals import Totals

RETRIEVAL = "fetch_response"
MOST_KEPT = 10_000
"""Responses that are remembered; of older ones a retrieval is free."""

_TERMINAL = frozenset({"completed", "incomplete", "failed", "cancelled"})

Key = tuple[str | None, int | None, str]
Spent = tuple[Totals, ...]


class Settled(Struct, frozen=True, kw_only=True):
    """What was settled for one response, by the call with this span id.

    `unpriced` is the call that counts as unpriced for it, with the running sums it was under.
    """

    usage: Usage | None
    cost: Cost
    span_id: int
    unpriced: Call | None = None
    spent: Spent = ()


class Retrieval(Struct, frozen=True):
    """A retrieval as it counts, its cost, and what it takes the place of."""

    call: Call
    cost: Cost
    before: Settled | None = None


class SettledResponses:
    """The last 10,000 responses of one tracker, by server and id."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Settled | None] = OrderedDict()

    def created(self, call: Call, cost: Cost, spent: Spent) -> None:
        """Note what was settled for a response that a call made."""
        key = _key(call)
        if key is None:
            return
        with totals.lock():
            twice = key in self._known
            self._keep(key, None if twice else _settled(call, cost, call.span_id, spent))

    def retrieved(self, call: Call, spent: Spent, price: Callable[[Call], Cost]) -> Retrieval:
        """What of a retrieval counts: nothing, the whole usage, or what is new in it.

        Args:
            call: the retrieval, with the usage that the response told.
            spent: the running sums that the retrieval is under.
            price: gives the cost of a call.
        """
        key = _key(call)
        usage = call.usage
        if key is None or usage is None or not _is_final(call.response):
            return _free(call)
        with totals.lock():
            before = self._known.get(key)
            if before is None and (key in self._known or not _is_in_background(call)):
                return _free(call)
            if before is not None and before.usage == usage:
                return _free(call)
            call = structs.replace(call, settles_response=True)
            cost = price(call)
            if before is None:
                self._keep(key, _settled(call, cost, call.span_id, spent))
                return Retrieval(call, cost)
            if cost.total is None or _needs_no_usage(before):
                cost = before.cost
            self._keep(key, _settled(call, cost, before.span_id, spent))
        return Retrieval(_difference(call, usage, before), _cost_difference(cost, before), before)

    def _keep(self, key: Key, settled: Settled | None) -> None:
        self._known[key] = settled
        if len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)


def _key(call: Call) -> Key | None:
    """Server and id of a response that can be retrieved; only such a one tells a status."""
    response = call.response
    if response is None or response.status is None or response.id is None:
        return None
    return call.request.server_address, call.request.server_port, response.id


def _settled(call: Call, cost: Cost, span_id: int, spent: Spent) -> Settled:
    if cost.status != "unpriced":
        return Settled(usage=call.usage, cost=cost, span_id=span_id)
    assert call.response is not None
    bare = structs.replace(call, response=structs.replace(call.response, preview=None))
    return Settled(usage=call.usage, cost=cost, span_id=span_id, unpriced=bare, spent=spent)


def _is_final(response: Response | None) -> bool:
    return response is not None and response.status in _TERMINAL


def _is_in_background(call: Call) -> bool:
    return call.response is not None and call.response.background


def _needs_no_usage(before: Settled) -> bool:
    """Whether the price was known without the counts, as that of a GPU's time is."""
    return before.usage is None and before.cost.status in ("priced", "not_billed")


def _free(call: Call) -> Retrieval:
    """A retrieval that adds nothing: its counts are on the call that made the response."""
    if call.usage is None:
        return Retrieval(call, NOT_BILLED)
    assert call.response is not None
    bare = structs.replace(call.response, usage=None, also_billed=(), reported_cost_usd=None)
    return Retrieval(structs.replace(call, response=bare), NOT_BILLED)


def _difference(call: Call, usage: Usage, before: Settled) -> Call:
    """The retrieval with what is new in its counts."""
    earlier = before.usage or Usage()
    told = {
        name: _minus(getattr(usage, name), getattr(earlier, name))
        for name in usage.__struct_fields__
    }
    assert call.response is not None
    response = structs.replace(call.response, usage=Usage(**told))
    return structs.replace(call, response=response, corrects=before.span_id)


_AMOUNTS = ("total", "input", "cache_read", "cache_write", "output", "tools")


def _cost_difference(cost: Cost, before: Settled) -> Cost:
    amounts = {name: _minus(getattr(cost, name), getattr(before.cost, name)) for name in _AMOUNTS}
    return structs.replace(cost, **amounts)


def _minus(after: int | None, before: int | None) -> int | None:
    return None if after is None and before is None else (after or 0) - (before or 0)
