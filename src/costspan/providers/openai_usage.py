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
from costspan.providers.operation import Body, count, fields, items, number, text

_AMOUNTS = (int, float, str, Decimal)
_COSTS = frozenset({"cost", "cost_in_usd_ticks"})
_SELLERS_OWN = frozenset({"citation_tokens", "prompt_audio_seconds"})
_TICKS_PER_USD = 10**10


def read_usage(value: Any) -> Usage | None:
    """`CompletionUsage` or `ResponseUsage`; cache reads and writes are inside the input count.

    Of a transcription: its tokens, or the seconds that it heard.
    """
    if value is None:
        return None
    usage = fields(value)
    get, chat = usage.get, "prompt_tokens" in usage
    tokens_in = count(get("prompt_tokens" if chat else "input_tokens"))
    tokens_out = count(get("completion_tokens" if chat else "output_tokens"))
    if tokens_in is None and tokens_out is None:
        return _heard(usage)
    inside = fields(
        get("prompt_tokens_details") or get("input_tokens_details") or get("input_token_details")
    )
    outside = fields(get("completion_tokens_details") or get("output_tokens_details"))
    cached = count(inside.get("cached_tokens"))
    if cached is None:
        cached = _first(usage, "prompt_cache_hit_tokens", "cached_tokens")
    # Read one by one: a loop over a table of names takes up to 1.8 times as long.
    found = Usage(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        total_tokens=count(get("total_tokens")),
        cache_read_tokens=cached,
        cache_write_tokens=count(inside.get("cache_write_tokens")),
        reasoning_tokens=count(outside.get("reasoning_tokens")),
        input_text_tokens=count(inside.get("text_tokens")),
        input_audio_tokens=count(inside.get("audio_tokens")),
        input_image_tokens=count(inside.get("image_tokens")),
        input_video_tokens=count(inside.get("video_tokens")),
        output_text_tokens=count(outside.get("text_tokens")),
        output_audio_tokens=count(outside.get("audio_tokens")),
        output_image_tokens=count(outside.get("image_tokens")),
    )
    if "cache_write_tokens_details" in inside:
        found = _with_lifetimes(found, fields(inside["cache_write_tokens_details"]))
    if chat and not _SELLERS_OWN.isdisjoint(usage):
        return _with_sellers_counts(found, usage)
    return _with_all_output(found)


def _with_lifetimes(usage: Usage, written: Body) -> Usage:
    return structs.replace(
        usage,
        cache_write_30m_tokens=count(written.get("ttl_30m_tokens")),
        cache_write_12h_tokens=count(written.get("ttl_12h_tokens")),
    )


def _heard(usage: Body) -> Usage | None:
    seconds = number(usage.get("seconds"))
    if usage.get("type") != "duration" or seconds is None or not 0 <= seconds < math.inf:
        return None
    return Usage(input_audio_seconds=seconds)


def _with_sellers_counts(found: Usage, usage: Body) -> Usage:
    """What only Perplexity and Mistral count in a chat.

    Perplexity's deep research counts the tokens of its citations and of its reasoning beside the
    output, and it bills its searches; Mistral tells the seconds that it heard.
    """
    if "prompt_audio_seconds" in usage:
        found = structs.replace(found, input_audio_seconds=count(usage["prompt_audio_seconds"]))
    cited = count(usage.get("citation_tokens"))
    if cited is None:
        return _with_all_output(found)
    thought = count(usage.get("reasoning_tokens"))
    return structs.replace(
        found,
        output_tokens=(found.output_tokens or 0) + cited + (thought or 0),
        citation_tokens=cited,
        reasoning_tokens=thought,
        web_searches=count(usage.get("num_search_queries")),
    )


def _with_all_output(found: Usage) -> Usage:
    """Reasoning put into the output, where the total shows that it was counted beside it: xAI."""
    thought = found.reasoning_tokens
    if not thought:
        return found
    output = (found.output_tokens or 0) + thought
    if found.total_tokens != (found.input_tokens or 0) + output:
        return found
    return structs.replace(found, output_tokens=output)


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
    if _COSTS.isdisjoint(usage):
        return None
    cost = usage.get("cost")
    if cost is None:
        ticks = count(usage.get("cost_in_usd_ticks"))
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
