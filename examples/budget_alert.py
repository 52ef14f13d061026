"""Be told of every call that costs more than two cents: needs ANTHROPIC_API_KEY.

A sink is any callable of one `Alert`, sync or async: it runs on a thread of its own, after the
call has returned. Without sinks alerts are WARNING lines of the logger `costspan.alerts`.
"""

from anthropic import Anthropic

from costspan import Alert, Budget, CostTracker, Instrumentor, LogAlerts, attribution


def tell(alert: Alert) -> None:
    """What you would send to your chat or pager; an alert never carries message content."""
    print(f"{alert.agent}: {alert.model} cost ${alert.cost_usd:.6f}, limit ${alert.limit_usd:.2f}")


costs = CostTracker(
    budgets=[
        Budget("single call", usd=0.02, per="call", where={"agent": "poet*"}),
        Budget("any call", usd=1, per="call", alerts=[LogAlerts()]),
    ],
    alerts=[tell],
)
Instrumentor().instrument(costs=costs)

with attribution(agent="poet", session="evening") as spent:
    Anthropic().messages.create(
        model="claude-opus-4-5",
        max_tokens=2000,
        messages=[{"role": "user", "content": "Write an ode to a trace, in twenty stanzas."}],
    )

costs.flush()
print(f"{spent.calls} call, ${spent.cost_usd:.6f}")
