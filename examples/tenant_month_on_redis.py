"""Ten cents a month for each tenant, whichever worker on whichever machine makes the calls.

    pip install 'costspan[openai,redis]'
    COSTSPAN_STORE=redis://localhost:6379/0 python examples/tenant_month_on_redis.py

Two workers serve the same two tenants. Afterwards `costspan budgets` shows the same from anywhere.
"""

import os
from contextlib import nullcontext
from multiprocessing import get_context

from openai import OpenAI

from costspan import Alert, Budget, BudgetExceeded, CostTracker, Instrumentor, attribution
from costspan.testing import LLMServer

TENANTS = ("acme", "globex")
CALLS = 10
# What a call takes on the local server: gpt-5.2 at 10 x 1.75 and 1,000 x 14 USD a million.
HEADERS = {"x-costspan-scenario": "tokens=10/1000"}


def tell(alert: Alert) -> None:
    """Told once for each tenant and month, by the worker that happens to cross."""
    if alert.state == "blocked":
        told = f"{alert.scope} gets no more this month"
    else:
        told = f"{alert.scope} has used {alert.threshold:.0%} of its month"
    print(f"{told}\n", end="", flush=True)  # in one piece, as another worker may print too


def tracker() -> CostTracker:
    """The same in every process: the store holds them together."""
    month = Budget(
        "tenant month",
        usd=0.10,
        per="tag:tenant",
        window="month",
        timezone="Europe/Berlin",
        action="block",
        thresholds=(0.5,),
    )
    return CostTracker(
        budgets=[month],
        alerts=[tell],
        store=os.environ.get("COSTSPAN_STORE", "redis://localhost:6379/0"),
        on_store_error="block",  # rather no answer than a bill that nobody bounds
    )


def work(where: dict) -> None:
    """One worker: ten questions of each tenant, as far as its month reaches."""
    costs = tracker()
    Instrumentor().instrument(costs=costs)
    with OpenAI(**where) as client:
        for tenant in TENANTS:
            with attribution(tags={"tenant": tenant}):
                try:
                    for _ in range(CALLS):
                        client.chat.completions.create(
                            model="gpt-5.2",
                            max_completion_tokens=1000,
                            messages=[{"role": "user", "content": "What is on today?"}],
                        )
                except BudgetExceeded as stopped:
                    if stopped.reason == "store":
                        raise  # nobody knows what is left: try later
                    # else the month is used up; the next tenant has one of its own
    costs.flush()


def main() -> None:
    local = not os.environ.get("OPENAI_API_KEY")
    with LLMServer() if local else nullcontext() as server:
        where = {"base_url": server.openai_url, "api_key": "none", "default_headers": HEADERS}
        workers = [
            get_context("spawn").Process(target=work, args=(where if local else {},))
            for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    costs = tracker()
    for tenant, spent in sorted(costs.summary(by="tag:tenant").items()):
        with attribution(tags={"tenant": tenant}):
            left = costs.remaining("tenant month")
        answers = spent.calls - spent.errors  # a refused call is a call that failed
        print(f"{tenant}: {answers} answers, {spent.cost_usd:.4f} USD, {left:.4f} USD left")


if __name__ == "__main__":
    main()
