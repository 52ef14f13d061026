"""A comparison in DuckDB is what the price book says of each call, to the last digit."""

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from costspan.call import Call, Request, Response
from costspan.report.query import Question
from costspan.report.query import ask as report
from tests.report.as_if.settled import NOON, PRICES, call, compared

MODELS = [
    ("gpt-4o", "openai"),
    ("gpt-5.2", "openai"),
    ("gpt-5.5-pro", "openai"),
    ("text-embedding-3-small", "openai"),
    ("gpt-4o", "azure.ai.openai"),
    ("claude-sonnet-4-5", "anthropic"),
    ("claude-haiku-4-5", "anthropic"),
    ("gemini-2.5-pro", "gcp.gemini"),
    ("deepseek-chat", "deepseek"),
    ("plain", "vllm"),
    ("tiny", "vllm"),
    ("free", "vllm"),
    ("by-second", "vllm"),
    ("nobody knows", "vllm"),
]
TIERS = [None, None, "default", "batch", "flex", "priority"]
PLAIN = frozenset(("input", "output", "read", "written", "hour", "reasoning", "web_searches"))


def drawn(chance: random.Random) -> Call:
    """Any call: of any model, tier and time, with any counts."""
    model, provider = chance.choice(MODELS)
    size = chance.choice([0, 7, 1000, 199_999, 200_000, 200_001, 272_001])
    counts = {"input": size, "output": chance.choice([0, 1, 999])}
    if chance.random() < 0.5:
        counts["read"] = chance.randrange(size + 1) // 2
    if chance.random() < 0.3:
        counts["written"] = chance.randrange(size + 1) // 2
        counts["hour"] = counts["written"] // chance.choice([1, 2, size + 1])
    counts |= {"reasoning": 1} if chance.random() < 0.2 else {}
    counts |= {"web_searches": chance.randrange(3)} if chance.random() < 0.2 else {}
    counts |= {"input_audio": size // 3} if chance.random() < 0.1 else {}
    if chance.random() < 0.1:
        del counts[chance.choice(list(counts))]
    return call(
        model,
        provider,
        at=NOON + chance.randrange(-500, 2) * 43_000 * 10**9,
        service_tier=chance.choice(TIERS),
        speed=chance.choice([None, None, None, "fast"]),
        billed=chance.choice([True, True, True, True, False]),
        agent=chance.choice(["a", "b", None]),
        reported_cost_usd=Decimal("0.25") if chance.random() < 0.05 else None,
        **counts,
    )


def told(one: Call) -> Call:
    """The call as its line tells it."""
    response = one.response
    usage = response.usage and structs.replace(response.usage, input_audio_tokens=None)
    bare = Response(model=response.model, service_tier=response.service_tier, usage=usage)
    return structs.replace(one, response=bare)


def as_claude(one: Call) -> Call:
    request = Request(operation="chat", provider="anthropic", model="claude-sonnet-4-5")
    response = structs.replace(one.response, model="claude-sonnet-4-5")
    return structs.replace(one, request=request, response=response)


def in_a_batch(one: Call) -> Call:
    return structs.replace(one, response=structs.replace(one.response, service_tier="batch"))


def uncached(one: Call) -> Call:
    usage = one.usage
    if usage is None or not (usage.cache_read_tokens or usage.cache_write_tokens):
        return one
    none = {f"cache_{what}_tokens": 0 for what in ("read", "write", "write_1h")}
    return structs.replace(
        one, response=structs.replace(one.response, usage=structs.replace(usage, **none))
    )


CHANGED = {
    ("claude-sonnet-4-5",): as_claude,
    ("batch",): in_a_batch,
    ("no-cache",): uncached,
    ("claude-sonnet-4-5", "batch", "no-cache"): lambda one: uncached(in_a_batch(as_claude(one))),
}


def expected(one: Call, change: Callable[[Call], Call]) -> tuple[str, Decimal, Decimal]:
    """What becomes of a call, what it was and what it would be, of the price book alone."""
    was, own, other = PRICES.cost(one), told(one), change(told(one))
    is_flat = was.status == "priced" and was.prices_as_of is None and was.tools == was.total
    is_of_the_same = own.request.provider == other.request.provider and own.model == other.model
    if is_of_the_same and (own.response == other.response or is_flat):
        return "kept", was.total_usd or 0, was.total_usd or 0
    if was.status == "not_billed":
        return "kept", Decimal(0), Decimal(0)
    if was.total is None:
        return "refused", Decimal(0), Decimal(0)
    would_be = PRICES.cost(other)
    is_explained = is_flat or PRICES.cost(own).total == was.total
    if was.status == "partial" or would_be.missing or not is_explained:
        return "refused", was.total_usd, was.total_usd
    return "converted", was.total_usd, would_be.total_usd


@pytest.mark.parametrize("words", CHANGED, ids=" ".join)
@pytest.mark.parametrize("seed", range(3))
def test_each_call(tmp_path: Path, words: tuple[str, ...], seed: int):
    chance = random.Random(seed)
    calls = [drawn(chance) for _ in range(400)]
    change = CHANGED[words]

    found = compared(tmp_path, calls, *words, by=("agent",))

    judged = [(one, *expected(one, change)) for one in calls]
    kinds = Counter(kind for _, kind, *_ in judged)
    assert min(kinds[kind] for kind in ("kept", "refused", "converted")) > 5
    for row in found.rows:
        own = [rest for one, *rest in judged if one.agent == row.keys[0]]
        sums = row.sums
        assert sums.calls == len(own)
        assert sums.converted_calls == sum(kind == "converted" for kind, *_ in own)
        assert sums.unconverted_calls == sum(kind == "refused" for kind, *_ in own)
        for figure, place in ((sums.was_usd, 1), (sums.as_if_usd, 2)):
            assert figure == sum(one[place] for one in own if one[0] != "refused")
        refused = sum(one[1] for one in own if one[0] == "refused")
        assert (sums.unconverted_usd or 0) == refused
        assert sums.was_usd + refused == sums.cost_usd
    assert sum(one.calls for one in found.refused) == kinds["refused"]
    assert found.total.cost_usd == report(Question([tmp_path])).total.cost_usd
