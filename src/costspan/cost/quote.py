"""price_of: the price of one answer, without any instrumentation."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from costspan.call import Call, Cost, Request
from costspan.cost.prices import Prices
from costspan.providers import shapes


def price_of(response: Any, provider: str | None = None, model: str | None = None) -> Cost:
    """Price any OpenAI-, Anthropic- or Gemini-shaped response; needs no instrumentation.

    Args:
        response: the SDK's object, a dict of the same shape, or a decoded JSON body.
        provider: who bills it (`openai`, `groq`, `azure.ai.openai`, ...); guessed from the shape.
        model: used where the response does not name one.

    Returns:
        Its cost; `total_usd` is None where no price is known.

    Raises:
        ConfigurationError: the shape is not known.
    """
    api, answer = shapes.read(response)
    biller = provider or {"gemini": "gcp.gemini"}.get(api, api)
    now = time.time_ns()
    request = Request(operation="chat", provider=biller, api=api, model=model)
    return _bundled_prices().cost(
        Call(request=request, response=answer, started_at=now, ended_at=now, runtime_seconds=0.0)
    )


@cache
def _bundled_prices() -> Prices:
    return Prices()
