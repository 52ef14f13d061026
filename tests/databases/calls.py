"""Real calls of two days and two endpoints, whose spans the databases are asked about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan

from costspan import CostTracker, Prices, Rate, attribution
from costspan.testing import LLMServer
from tests.instrumentation import rig

CALLS = (
    ("gpt-5.2", "review", "tokens=1000/100"),  # 1,000 x 1.75 + 100 x 14 = 3,150 millionths
    ("gpt-5.2", "review", "tokens=2000/200"),  # 6,300
    ("gpt-5.2", "answer", "tokens=100/10"),  # 315
    ("tiny", "answer", "tokens=7/0"),  # 7 x 0.02 = 0.14, which is written 1.4e-07
    ("nobody-prices-this", "answer", "tokens=5/5"),
    ("gpt-5.2", "answer", "status=429"),
)


@contextmanager
def calling(**settings: Any) -> Iterator[list[ReadableSpan]]:
    """The calls are made, and their spans given."""
    costs = CostTracker(prices=Prices(overrides={"tiny": Rate(input=0.02, output=0)}))
    with LLMServer() as server, rig.watched(costs=costs, **settings) as spans:
        client = openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0)
        for model, endpoint, scenario in CALLS:
            with attribution(endpoint=endpoint, agent="reviewer"):
                _call(client, model, scenario)
        client.close()
        yield spans.wait(len(CALLS))


def _call(client: openai.OpenAI, model: str, scenario: str) -> None:
    asked = {
        "model": model,
        "messages": rig.ASK["messages"],
        "extra_headers": {"x-costspan-scenario": scenario},
    }
    if scenario.startswith("status"):
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(**asked)
    else:
        client.chat.completions.create(**asked)
