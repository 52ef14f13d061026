"""An agent that cannot stop: 47 calls for one ticket, stopped at the thirteenth.

    python examples/runaway_loop.py        against a local server, or OpenAI with OPENAI_API_KEY

The tool that the agent calls always fails, and the agent always asks the model again. Nothing is
wrong with any one call; the sum is the trouble.
"""

import os
from contextlib import nullcontext

from openai import OpenAI

from costspan import Budget, BudgetExceeded, CostTracker, Instrumentor, attribution
from costspan.testing import LLMServer

CALLS = 47
# What each call takes on the local server: gpt-5.2 at 20,000 x 1.75 and 1,000 x 14 USD a million.
HEADERS = {"x-costspan-scenario": "tokens=20000/1000"}

budgets = [
    Budget("loop", calls=12, per="session", window="1m", action="block"),
    Budget("one ticket", usd=2.00, per="session", action="block"),
]


def agent(client, ticket):
    """Ask until the tool works, which it never does. Gives the answers and the dollars."""
    answers = 0
    with attribution(agent="fixer", session=ticket) as spent:
        try:
            while answers < CALLS:
                client.chat.completions.create(
                    model="gpt-5.2",
                    max_completion_tokens=1000,
                    messages=[{"role": "user", "content": "The tool failed. Call it again."}],
                )
                answers += 1
        except BudgetExceeded as stopped:
            print(f"stopped by {stopped.budget!r} in {stopped.scope}: {stopped}")
    print(f"{answers} of {CALLS} calls, {spent.cost_usd:.3f} USD")
    return answers, f"{spent.cost_usd:.3f}"


local = not os.environ.get("OPENAI_API_KEY")
with LLMServer() if local else nullcontext() as server:
    where = {"base_url": server.openai_url, "api_key": "none", "default_headers": HEADERS}
    with OpenAI(**where if local else {}) as client:
        alerts = []  # or SlackAlerts(...): see docs/alerts.md
        costs = CostTracker(budgets=budgets, alerts=[alerts.append])
        Instrumentor().instrument(costs=costs)
        answers, dollars = agent(client, "ticket-17")
        costs.flush()
        print(*(f"alert: {alert.text}" for alert in alerts), sep="\n")
        assert answers == 12
        if local:  # and what it would have come to, which nobody should pay for
            assert dollars == "0.588"
            Instrumentor().uninstrument()
            Instrumentor().instrument()
            assert agent(client, "ticket-18") == (47, "2.303")
