"""What the answers of one call add up to."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from costspan.call import Request, Response, Usage


def combined(request: Request, responses: tuple[Response, ...], seen: int) -> Response | None:
    """What the billed answers of one call add up to, of which `seen` came; usually there is one.

    Retrievals bill nothing, so that the last answer says it all. The sum of others is no response
    that could be retrieved: it has no `status`.
    """
    if seen < 2:
        return responses[0] if responses else None
    if not responses or request.operation == "fetch_response":
        return responses[-1] if responses else None
    usages = [one.usage for one in responses if one.usage is not None]
    also = tuple(pair for one in responses for pair in one.also_billed)
    return structs.replace(
        responses[-1],
        usage=_sum(usages),
        also_billed=also,
        incomplete=len(usages) < seen,
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
