"""A Slack message for a call that costs more than two cents: needs OPENAI_API_KEY and the address
of an incoming webhook in SLACK_WEBHOOK_URL.

The message says which budget, who, how much of how much, the model, the tokens and the last calls;
`trace_url` makes it lead to the call's trace.
"""

import os

from openai import OpenAI

from costspan import Budget, CostTracker, Instrumentor, LogAlerts, SlackAlerts, attribution

slack = SlackAlerts(
    os.environ["SLACK_WEBHOOK_URL"],
    trace_url="https://jaeger.example.com/trace/{trace_id}",
)
costs = CostTracker(
    budgets=[Budget("single call", usd=0.02, per="call")],
    alerts=[LogAlerts(), slack],
)
Instrumentor().instrument(costs=costs)

with attribution(agent="poet", endpoint="/ode", session="evening") as spent:
    OpenAI().chat.completions.create(
        model="gpt-5.2",
        messages=[{"role": "user", "content": "Write an ode to a trace, in twenty stanzas."}],
    )

# Alerts leave on a thread of their own. The end of the process waits two seconds for them.
delivered = costs.flush()
print(f"{spent.calls} call, ${spent.cost_usd:.6f}; {slack} told: {delivered}")
