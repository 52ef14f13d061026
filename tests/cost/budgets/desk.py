"""A tracker whose prices are easy to reckon with, requests to it, and calls that it settles.

Model `m` takes 1 USD for a million tokens in and 10 USD for a million out: 1,000 in and 100 out are
0.002 USD.
"""

from typing import Any

from costspan import Budget, CostTracker, Prices, Rate
from costspan.attributed import Attribution
from costspan.call import Call, Request, Reservation, Response, Usage
from costspan.cost.budgets.counting import Outcome

NOW = 1_900_000_000_000
"""Milliseconds since the epoch: 2030-03-17 17:46:40 UTC, a Sunday."""

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
NOBODY = Attribution()


def tracker(*budgets: Budget, **settings: Any) -> CostTracker:
    """A tracker that knows `m`, at 1 and 10 USD for a million, and `n` at half of that."""
    rates = {"m": Rate(input=1, output=10), "n": Rate(input="0.5", output=5)}
    given = {"prices": Prices(overrides=rates), "alerts": [], **settings}
    return CostTracker(budgets=list(budgets), **given)


def asks(size: int | None = 1000, limit: int | None = 100, **facts: Any) -> Request:
    """A request of `size` bytes that states a `limit` of tokens of output."""
    given = {"operation": "chat", "provider": "openai", "model": "m", **facts}
    return Request(input_size=size, output_limit=limit, **given)


def took(
    tokens_in: int | None,
    tokens_out: int | None,
    *,
    request: Request | None = None,
    at: int = NOW,
    who: Attribution = NOBODY,
    **facts: Any,
) -> Call:
    """A call that ended at `at` (milliseconds), with so many tokens; None where nobody told."""
    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
    known = tokens_in is not None or tokens_out is not None
    answer = {"usage": usage if known else None, **facts.pop("response", {})}
    given = {"agent": who.agent, "session": who.session, "user": who.user}
    return Call(
        request=request or asks(),
        response=Response(**answer),
        started_at=(at - SECOND) * 10**6,
        ended_at=at * 10**6,
        runtime_seconds=1.0,
        **{**given, "endpoint": who.endpoint, "tags": who.tags, **facts},
    )


def settle(
    costs: CostTracker, call: Call, reservation: Reservation | None = None
) -> tuple[Call, Any, Outcome]:
    """Settle a call; gives what follows from it, too."""
    return costs.account(call, reservation)


def spend(costs: CostTracker, tokens_in: int, tokens_out: int, **facts: Any) -> Outcome:
    """One call without a reservation."""
    return settle(costs, took(tokens_in, tokens_out, **facts))[2]
