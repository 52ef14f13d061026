"""Calls with a stated cost, as stores are given them."""

from typing import Any

from costspan.call import Call, Cost
from costspan.cost.stores.contract import Charge, Claim, Counter, Notice
from tests.cost.calls import finished

NOW = 1_900_000_000_000
"""Milliseconds since the epoch: 2030-03-17 17:46:40 UTC, later than the clock of any machine here,
so that nothing is old enough to be tidied away."""

MINUTE = 60_000
HOUR = 60 * MINUTE

CALL = finished(input_tokens=1000, output_tokens=200)
MONTH = Counter("the month", "")


def call(model: str = "gpt-4o-mini", **facts: Any) -> Call:
    return finished(model, **{"input_tokens": 1000, "output_tokens": 200, **facts})


def cost(picos: int) -> Cost:
    return Cost(status="priced", total=picos)


def counter(scope: str = "", budget: str = "ticket", **times: int) -> Counter:
    return Counter(budget, scope, **times)


def claim(amount: int, limit: int, of: Counter = MONTH) -> Claim:
    return Claim(of, amount, limit)


def charge(amount: int, of: Counter = MONTH) -> Charge:
    return Charge(of, amount)


def notice(key: str = "the month", level: int = 1, **facts: Any) -> Notice:
    given = {"lease": NOW + MINUTE, "at": NOW, "budget": "the month", "scope": "", **facts}
    return Notice(key=key, level=level, **{"alert": b'{"usd": 1}', **given})
