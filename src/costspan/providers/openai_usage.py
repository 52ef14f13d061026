"""What the OpenAI SDK's servers count, and what some of them say that it cost.

Fields: `CompletionUsage`, `ResponseUsage` and the usage of a transcription of openai 1.66 to 3.54;
OpenRouter's, Perplexity's and xAI's own figures of a call's cost, DeepSeek's
`prompt_cache_hit_tokens` and Mistral's `prompt_audio_seconds`, as their servers send them.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import structs

from costspan.call import Usage
from costspan.providers.operation import Body, count, counts, fields, items, number, text

_AMOUNTS = (int, float, str, Decimal)
_TICKS_PER_USD = 10**10

_CHAT_COUNTS = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total_tokens",
    "citation_tokens": "citation_tokens",
    "prompt_audio_seconds": "input_audio_seconds",
}
_RESPONSE_COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "total_tokens": "total_tokens",
}
_INPUT_DETAILS = {
    "cached_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "text_tokens": "input_text_tokens",
    "audio_tokens": "input_audio_tokens",
    "image_tokens": "input_image_tokens",
    "video_tokens": "input_video_tokens",
}
_WRITE_LIFETIMES = {
    "ttl_30m_tokens": "cache_write_30m_tokens",
    "ttl_12h_tokens": "cache_write_12h_tokens",
}
_OUTPUT_DETAILS = {
    "reasoning_tokens": "reasoning_tokens",
    "text_tokens": "output_text_tokens",
    "audio_tokens": "output_audio_tokens",
    "image_tokens": "output_image_tokens",
}


def read_usage(value: Any) -> Usage | None:
    """`CompletionUsage` or `ResponseUsage`; cache reads and writes are inside the input count.

    Of a transcription: its tokens, or the seconds that it heard.
    """
    if value is None:
        return None
    usage = fields(value)
    found: dict[str, Any] = counts(
        usage, _CHAT_COUNTS if "prompt_tokens" in usage else _RESPONSE_COUNTS
    )
    if "input_tokens" not in found and "output_tokens" not in found:
        return _heard(usage)
    inside = (
        usage.get("prompt_tokens_details")
        or usage.get("input_tokens_details")
        or usage.get("input_token_details")
    )
    if inside is not None:
        inside = fields(inside)
        found.update(counts(inside, _INPUT_DETAILS))
        if inside.get("cache_write_tokens_details") is not None:
            found.update(counts(fields(inside["cache_write_tokens_details"]), _WRITE_LIFETIMES))
    outside = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    if outside is not None:
        found.update(counts(fields(outside), _OUTPUT_DETAILS))
    if "cache_read_tokens" not in found:
        reads = _first(usage, "prompt_cache_hit_tokens", "cached_tokens")
        if reads is not None:
            found["cache_read_tokens"] = reads
    if "citation_tokens" in found or found.get("reasoning_tokens"):
        _complete_output(usage, found)
    return Usage(**found)


def _heard(usage: Body) -> Usage | None:
    seconds = number(usage.get("seconds"))
    if usage.get("type") != "duration" or seconds is None or not 0 <= seconds < math.inf:
        return None
    return Usage(input_audio_seconds=seconds)


def _complete_output(usage: Body, found: dict[str, Any]) -> None:
    """Put into the output what some servers count beside it.

    xAI does so with its reasoning in chats, as its total shows; Perplexity's deep research with the
    tokens of its citations and of its reasoning, and it bills its searches.
    """
    output = found.get("output_tokens") or 0
    if "citation_tokens" in found:
        found["reasoning_tokens"] = count(usage.get("reasoning_tokens"))
        found["web_searches"] = count(usage.get("num_search_queries"))
        beside = found["citation_tokens"] + (found["reasoning_tokens"] or 0)
    else:
        beside = found["reasoning_tokens"]
        if found.get("total_tokens") != found.get("input_tokens", 0) + output + beside:
            return
    found["output_tokens"] = output + beside


def _first(usage: Body, *names: str) -> int | None:
    for name in names:
        found = count(usage.get(name))
        if found is not None:
            return found
    return None


def reported_cost(value: Any) -> Decimal | None:
    """The price in US dollars that the provider writes into its usage.

    OpenRouter's `cost` is a number: its own bill, to which that of the provider comes where the
    caller brought a key of it (`is_byok`; https://openrouter.ai/docs/use-cases/usage-accounting).
    Perplexity's is an object; xAI counts ticks of 10^-10 USD
    (https://docs.x.ai/developers/cost-tracking).
    """
    usage = fields(value)
    cost = usage.get("cost")
    if cost is None:
        ticks = usage.get("cost_in_usd_ticks")
        if ticks is not None:
            ticks = count(ticks)
        return None if ticks is None else Decimal(ticks) / _TICKS_PER_USD
    amount = _amount(cost if isinstance(cost, _AMOUNTS) else fields(cost).get("total_cost"))
    if amount is None or usage.get("is_byok") is not True:
        return amount
    upstream = _amount(fields(usage.get("cost_details")).get("upstream_inference_cost"))
    return None if upstream is None else amount + upstream


def _amount(value: Any) -> Decimal | None:
    if not isinstance(value, _AMOUNTS) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def drawings(body: Body) -> tuple[tuple[str | None, Usage], ...]:
    """What the image tool used of its own model: a model whose name is not told has no price."""
    used = fields(fields(body.get("tool_usage")).get("image_gen"))
    usage = read_usage(used) if count(used.get("total_tokens")) else None
    if usage is None:
        return ()
    cached = fields(used.get("cached_tokens_details"))
    if usage.output_image_tokens is None:  # the details may be left out; it answers in images
        usage = structs.replace(usage, output_image_tokens=usage.output_tokens)
    usage = structs.replace(usage, cache_image_read_tokens=count(cached.get("cached_image_tokens")))
    tools = [tool for tool in items(body.get("tools")) if tool.get("type") == "image_generation"]
    named = text(tools[0].get("model")) if tools else None
    return ((named or "image_generation", usage),)
