"""What the answers of one call add up to."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from costspan.call import Request, Response, Usage


def combined(request: Request, responses: tuple[Response, ...], seen: int) -> Response | None:
    """What the billed answers of one call add up to, of which `seen` came; usually there is one.

    Retrievals bill nothing, so that the last answer says it all. The sum of others is no response
    that could be retrieved: it has no `status`. What other models than the last counted is billed
    beside it, at their own prices.
    """
    if seen < 2:
        return responses[0] if responses else None
    if not responses or request.operation == "fetch_response":
        return responses[-1] if responses else None
    last = next((one for one in reversed(responses) if one.model), responses[-1])
    told = [(one.model or last.model, one.usage) for one in responses if one.usage is not None]
    also = [(of or one.model, usage) for one in responses for of, usage in one.also_billed]
    return structs.replace(
        last,
        usage=_sum([usage for model, usage in told if model == last.model]),
        also_billed=(*[one for one in told if one[0] != last.model], *also),
        incomplete=len(told) < seen,
        status=None,
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
