"""Clients of a local provider under budgets, with model `m` at 1 and 10 USD for a million tokens.

The server answers with as many tokens as the request's header orders: 1,000 in and 100 out here,
which are 0.002 USD.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from costspan import Budget, CostTracker, Prices, Rate
from costspan.testing import LLMServer
from tests.instrumentation.rig import Spans, watched

if TYPE_CHECKING:
    import anthropic
    import openai

ASK: Any = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
RATE = Rate(input=1, output=10)


def tracker(*budgets: Budget, **settings: Any) -> CostTracker:
    rates = {"m": RATE, "claude-m": RATE}
    given = {"prices": Prices(overrides=rates), "alerts": [], **settings}
    return CostTracker(budgets=list(budgets), **given)


@contextmanager
def under(*budgets: Budget, **settings: Any) -> Iterator[tuple[CostTracker, Spans]]:
    """Costspan switched on with these budgets."""
    costs = tracker(*budgets, **settings)
    with watched(costs=costs) as spans:
        yield costs, spans


def client(server: LLMServer, order: str = "tokens=1000/100", **options: Any) -> "openai.OpenAI":
    import openai

    return openai.OpenAI(**_options(server.openai_url, order, options))


def async_client(
    server: LLMServer, order: str = "tokens=1000/100", **options: Any
) -> "openai.AsyncOpenAI":
    import openai

    return openai.AsyncOpenAI(**_options(server.openai_url, order, options))


def claude(
    server: LLMServer, order: str = "tokens=1000/100", **options: Any
) -> "anthropic.Anthropic":
    import anthropic

    return anthropic.Anthropic(**_options(server.anthropic_url, order, options))


def async_claude(
    server: LLMServer, order: str = "tokens=1000/100", **options: Any
) -> "anthropic.AsyncAnthropic":
    import anthropic

    return anthropic.AsyncAnthropic(**_options(server.anthropic_url, order, options))


def _options(url: str, order: str, options: dict[str, Any]) -> dict[str, Any]:
    headers = {"x-costspan-scenario": order}
    return {
        "base_url": url,
        "api_key": "any",
        "default_headers": headers,
        "max_retries": 0,
    } | options
