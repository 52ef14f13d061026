"""What the answers of one call add up to, and which of them are paid for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from msgspec import structs

from costspan.call import Request, Response, Usage


def combined(responses: tuple[Response, ...], seen: int) -> Response | None:
    """What the billed answers of one call add up to, of which `seen` came; usually there is one."""
    if seen < 2:
        return responses[0] if responses else None
    if not responses:
        return None
    usages = [one.usage for one in responses if one.usage is not None]
    also = tuple(pair for one in responses for pair in one.also_billed)
    return structs.replace(
        responses[-1], usage=_sum(usages), also_billed=also, incomplete=len(usages) < seen
    )


def _sum(usages: list[Usage]) -> Usage | None:
    if not usages:
        return None
    sums: dict[str, Any] = {}
    for usage in usages:
        for name in usage.__struct_fields__:
            value = getattr(usage, name)
            if value is not None:
                sums[name] = sums.get(name, 0) + value
    return Usage(**sums)


_TERMINAL = frozenset({"completed", "incomplete", "failed", "cancelled"})
_MOST_SETTLED = 10_000
_settled_ids: OrderedDict[tuple[str | None, str], None] = OrderedDict()


def settled(request: Request, response: Response | None) -> tuple[Response | None, bool]:
    """What of an answer counts: a retrieval pays once, for a response made in the background."""
    if response is None or request.operation != "fetch_response":
        return response, False
    if (
        response.background
        and response.usage is not None
        and response.id is not None
        and response.status in _TERMINAL
        and _is_first((request.server_address, response.id))
    ):
        return response, True
    return structs.replace(response, usage=None), False


def _is_first(key: tuple[str | None, str]) -> bool:
    """Whether this response was not paid for yet, by this process."""
    before = len(_settled_ids)
    _settled_ids.setdefault(key)
    if len(_settled_ids) > _MOST_SETTLED:
        _settled_ids.popitem(last=False)
        return True
    return len(_settled_ids) > before
