"""price_of: one answer, or its counts, priced without any instrumentation."""

from __future__ import annotations

import time
from typing import Any

from msgspec import structs

from costspan.call import Call, Cost, Request, Response, Usage
from costspan.cost.pricing.prices import Prices
from costspan.errors import ConfigurationError
from costspan.providers import shapes


def price_of(
    response: Any,
    provider: str | None = None,
    model: str | None = None,
    *,
    service_tier: str | None = None,
) -> Cost:
    """Price an answer, or counts that you have; needs no instrumentation.

    Args:
        response: an OpenAI-, Anthropic- or Gemini-shaped answer, as the SDK's object, a dict or a
            decoded JSON body; or a `costspan.call.Usage`.
        provider: who bills it (`openai`, `groq`, `azure.ai.openai`, ...); guessed from the shape of
            an answer, needed with a `Usage`.
        model: used where the response does not name one.
        service_tier: how it was served, where the response does not say it: `batch`, `flex`, ...

    Returns:
        Its cost; `total_usd` is None where no price is known.

    Raises:
        ConfigurationError: the shape is not known, or a `Usage` came without its provider.
    """
    api, answer = _answer(response, provider)
    if service_tier is not None:
        answer = structs.replace(answer, service_tier=service_tier)
    biller = provider or {"gemini": "gcp.gemini"}.get(api, api)
    now = time.time_ns()
    request = Request(operation="chat", provider=biller, api=api, model=model)
    return _default_prices().cost(
        Call(request=request, response=answer, started_at=now, ended_at=now, runtime_seconds=0.0)
    )


def _answer(response: Any, provider: str | None) -> tuple[str, Response]:
    if not isinstance(response, Usage):
        return shapes.read(response)
    if provider is None:
        raise ConfigurationError(
            "price_of(Usage(...)) cannot tell who bills it: "
            'name the provider and the model, as in price_of(usage, "openai", "gpt-5.2")'
        )
    return "", Response(usage=response)


_prices_of_table: Prices | None = None


def _default_prices() -> Prices:
    global _prices_of_table
    if _prices_of_table is None:
        _prices_of_table = Prices()
    return _prices_of_table
