"""Finished calls, as the instrumentation would hand them over."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from costspan import Prices
from costspan.call import Call, Request, Response, Usage

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""When the calls of these tests ended, so that a price that changes later changes no test."""

REQUEST_FIELDS = ("server_address", "server_port", "billable", "operation", "stream", "parameters")
RESPONSE_FIELDS = (
    "service_tier",
    "speed",
    "inference_geo",
    "reported_cost_usd",
    "also_billed",
    "preview",
)
CALL_FIELDS = frozenset(Call.__struct_fields__) - {"request", "response"}


def finished(
    model: str | None = "gpt-4o-mini", provider: str = "openai", at: datetime = AT, **facts: Any
) -> Call:
    """A call of `model`. `facts` are fields of Usage, or else of Request, Response or Call."""
    request = {name: facts.pop(name) for name in REQUEST_FIELDS if name in facts}
    response = {name: facts.pop(name) for name in RESPONSE_FIELDS if name in facts}
    call = {name: facts.pop(name) for name in CALL_FIELDS & facts.keys()}
    usage = Usage(**facts) if facts else None
    ended = round(at.timestamp() * 1e6) * 1000
    return Call(
        request=Request(**{"operation": "chat", **request}, provider=provider, model=model),
        response=Response(usage=usage, **response),
        **{"started_at": ended - 10**9, "ended_at": ended, "runtime_seconds": 1.0, **call},
    )


def thousand_tokens(
    prices: Prices, model: str = "gpt-4o-mini", provider: str = "openai"
) -> Decimal | None:
    """US dollars for 1,000 tokens of input."""
    return prices.cost(finished(model, provider, input_tokens=1000, output_tokens=0)).total_usd
