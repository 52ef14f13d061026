"""Alerts for tests, and a patience that no test should need."""

from decimal import Decimal

from costspan import Alert
from costspan.alerts.alert import LastCall

PATIENCE = 20.0
AT = 1_795_345_445_123_456_789  # 2026-11-22T11:04:05.123456789Z

LAST_CALLS = (
    LastCall(
        at=AT - 2_000_000_000,
        model="gpt-5.2",
        agent="code_reviewer",
        endpoint="/review",
        input_tokens=1200,
        output_tokens=300,
        cost_usd=Decimal("0.0063"),
        trace_id="0af7651916cd43dd8448eb211c80319c",
    ),
    LastCall(at=AT, model="nope-1", error="openai.RateLimitError"),
)


def alert(**facts) -> Alert:
    """One that reached 80 % of a month's budget, with what `facts` change."""
    return Alert(
        **{
            "budget": "the month",
            "per": "user",
            "scope": "u1",
            "limit": Decimal(500),
            "spent": Decimal("412.5"),
            "threshold": 0.8,
            "window": "month",
            "resets_at": 1_796_083_200_000_000_000,  # 2026-12-01T00:00:00Z
            "forecast": Decimal(620),
            "key": "the month/u1/2026-11",
            "model": "gpt-5.2",
            "provider": "openai",
            "agent": "code_reviewer",
            "session": "ticket-17",
            "user": "u1",
            "endpoint": "/review",
            "cost_usd": Decimal("0.0123"),
            "input_tokens": 4200,
            "output_tokens": 340,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "at": AT,
            "last_calls": LAST_CALLS,
            **facts,
        }
    )
