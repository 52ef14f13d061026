"""Callers that all start at once, each with a call that a budget may refuse.

As a program, `python -m tests.instrumentation.racers COUNT CASE STORE URL ...` takes any number of
cases. For each it says `ready`, waits for a line, races with so many threads and says what became
of each call.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any
from unittest.mock import patch

import openai

from costspan import Budget, BudgetExceeded, CostTracker, Instrumentor
from costspan.cost.stores import contract
from tests.cost.budgets.desk import took
from tests.instrumentation.budgeted import tracker

TEXT = "word " * 100
ASK: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
STATED: Any = {**ASK, "max_tokens": 100}
STREAMED: Any = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
ORDERS = {"stated": "tokens=20/100", "typical": "tokens=100/2000", "streamed": "echo"}
ASKED = {"stated": STATED, "typical": ASK, "streamed": STREAMED}
MADE, CUT = "made", "cut"


def size(ask: Any) -> int:
    """Bytes of what is asked, as JSON."""
    said = {key: value for key, value in ask.items() if not key.startswith("stream")}
    return len(json.dumps(said, separators=(",", ":"), sort_keys=True))


LIMITS = {
    "stated": Budget("b", usd="0.0115", action="block"),
    "typical": Budget("b", usd="0.05", action="block"),
    "streamed": Budget("b", tokens=3000, action="block", cut_streams=True),
}
"""See the tests for what each lets through."""

LEARNT = 20
"""Calls after which it is known what is usual, of which each puts out three tokens."""


def costs_of(case: str, store: str) -> CostTracker:
    """A tracker whose store is waited for, however many race for it: what is tested is the race."""
    with patch.object(contract, "DEADLINE_SECONDS", 30.0):
        return tracker(LIMITS[case], store=store, on_store_error="block")


def learn(costs: CostTracker, case: str) -> None:
    """Let this process know that a stream is short, so that the next ones pass what is reserved."""
    for _ in range(LEARNT if case == "streamed" else 0):
        costs.settle(took(0, 3))


def call(client: openai.OpenAI, case: str) -> str:
    """What becomes of one call."""
    chunks = []
    try:
        answer = client.chat.completions.create(**ASKED[case])
        if case == "streamed":
            for chunk in answer:
                chunks += [chunk]
    except BudgetExceeded as exceeded:
        return CUT if chunks else exceeded.reason
    return MADE


async def call_async(client: openai.AsyncOpenAI, case: str) -> str:
    chunks = []
    try:
        answer = await client.chat.completions.create(**ASKED[case])
        if case == "streamed":
            async for chunk in answer:
                chunks += [chunk]
    except BudgetExceeded as exceeded:
        return CUT if chunks else exceeded.reason
    return MADE


def options(case: str, url: str) -> dict[str, Any]:
    headers = {"x-costspan-scenario": ORDERS[case]}
    return {"base_url": url, "api_key": "any", "max_retries": 0, "default_headers": headers}


def threads(case: str, url: str, count: int) -> Counter[str]:
    """So many threads behind a barrier."""
    became: Counter[str] = Counter()
    barrier = Barrier(count)
    with openai.OpenAI(**options(case, url)) as client:

        def race() -> None:
            barrier.wait()
            became[call(client, case)] += 1

        _all_at_once([race] * count)
    return became


def _all_at_once(races: list[Callable[[], None]]) -> None:
    running = [Thread(target=race) for race in races]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


async def tasks(case: str, url: str, count: int) -> Counter[str]:
    """So many tasks behind an event."""
    go = asyncio.Event()
    async with openai.AsyncOpenAI(**options(case, url)) as client:

        async def race() -> str:
            await go.wait()
            return await call_async(client, case)

        racing = [asyncio.create_task(race()) for _ in range(count)]
        await asyncio.sleep(0)
        go.set()
        return Counter(await asyncio.gather(*racing))


def left(costs: CostTracker) -> Decimal:
    """What is left of the budget; less than nothing where the limit was passed."""
    (budget,) = costs.budgets
    now = time.time_ns() // 10**6
    counter = budget.window.counter(budget.name, "", now)
    (standing,) = costs._store.standings([counter], now)
    assert standing.held == 0
    return budget.amount(budget.limit - standing.spent)


def main(count: int, *words: str) -> None:
    for case, store, url in zip(words[::3], words[1::3], words[2::3], strict=True):
        costs = costs_of(case, store)
        Instrumentor().instrument(costs=costs)
        learn(costs, case)
        costs.remaining("b")
        _say("ready")
        sys.stdin.readline()
        became = threads(case, url, count)
        costs.flush(60)
        _say(became)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
