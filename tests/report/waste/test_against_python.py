"""Waste in DuckDB is what the rules say of each call, told once more in Python."""

import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.call import Call, Request, Response, Usage
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import Rate
from costspan.export.schema import encoded
from costspan.report.selection import asked
from costspan.report.waste.query import ask
from costspan.report.waste.rules import CLASSES
from tests.report.folders import write

PRICES = Prices(overrides={"m": Rate(input=10, output=20, cache_read=1, cache_write="12.5"),
                           "gpu": Rate(gpu_usd_per_hour=3600)})  # fmt: skip
NOON = 1_795_176_000
SECOND = 10**9


def drawn(chance: random.Random, number: int) -> Call:
    """A call of a few sessions in half an hour, of a few sizes: many are alike."""
    size = chance.choice([100, 4095, 4096, 4100, 9000])
    read = chance.choice([0, 0, 0, None, 50])
    outcome = chance.choice(["complete"] * 8 + ["failed", "abandoned"])
    usage = Usage(
        input_tokens=size,
        output_tokens=chance.choice([10, 10, 10, None]),
        cache_read_tokens=read,
        cache_write_tokens=chance.choice([None, 0, 0, size // 3, size - 50]),
    )
    return Call(
        request=Request(
            operation="chat", provider="p", model=chance.choice(["m", "m", "m", "gpu"])
        ),
        response=Response(usage=usage, finish_reasons=(chance.choice(["stop"] * 5 + ["length"]),)),
        session=chance.choice(["s", "t", None]),
        trace_id=chance.choice([1, 2, 3]),
        agent=chance.choice(["a", "a", "b"]),
        outcome=outcome,
        error="e" if outcome == "failed" else None,
        billed=chance.choice([True] * 9 + [False]),
        started_at=NOON * SECOND,
        ended_at=(NOON + chance.randrange(1800)) * SECOND,
        runtime_seconds=float(chance.choice([0, 1, 30, 400])),
        span_id=number + 1,
        corrects=chance.choice([0] * 20 + [chance.randrange(1, 150)]),
    )


def asker(one: Call) -> tuple[object, ...]:
    place = ("s", one.session) if one.session is not None else ("t", one.trace_id)
    return (*place, one.agent, one.request.model)


def before(one: Call, calls: list[Call], minutes: int) -> list[Call]:
    """The answered calls of the same asker that ended so long before this one began, or less."""
    begun = one.ended_at - max(round(one.runtime_seconds * 10**6), 1) * 1000
    return [
        other
        for other in calls
        if asker(other) == asker(one)
        and other.outcome == "complete"
        and not other.corrects
        and begun - minutes * 60 * SECOND <= other.ended_at <= begun
    ]


def is_cut(one: Call) -> bool:
    return "length" in one.response.finish_reasons


def saved(one: Call, calls: list[Call]) -> Decimal | None:
    """What a cache would have saved, by the rates above."""
    earlier = [c for c in before(one, calls, 5) if c.usage.input_tokens >= 4096]
    usage, cost = one.usage, PRICES.cost(one)
    if not earlier or usage.input_tokens < 4096 or usage.cache_read_tokens != 0:
        return None
    if cost.status != "priced" or one.request.model == "gpu":
        return None
    latest = max(other.ended_at for other in earlier)
    sizes = {other.usage.input_tokens for other in earlier if other.ended_at == latest}
    assert len(sizes) == 1, "two calls ended at once: the test must not draw these"
    (prefix,) = sizes
    if prefix > usage.input_tokens:
        return None
    written = min(prefix, usage.cache_write_tokens or 0)
    return (written * Decimal("11.5") + (prefix - written) * Decimal(9)) / 10**6


def judged(one: Call, calls: list[Call]) -> tuple[str | None, Decimal]:
    cost = PRICES.cost(one)
    corrected = {other.corrects for other in calls}
    nothing = (None, Decimal(0))
    if not cost.total or one.corrects or one.span_id in corrected:
        return nothing
    if one.outcome != "complete":
        return one.outcome, cost.total_usd
    same = [c for c in before(one, calls, 10) if c.usage.input_tokens == one.usage.input_tokens]
    if any(not is_cut(other) for other in same):
        return "repeated", cost.total_usd
    if is_cut(one):
        return "cut_short", cost.total_usd
    amount = saved(one, calls)
    return nothing if amount is None else ("cache_missed", amount)


def apart(calls: list[Call]) -> list[Call]:
    """Of calls that end at the same moment one: which one came just before is nobody's to say."""
    return list({one.ended_at: one for one in calls}.values())


@pytest.mark.parametrize("seed", range(6))
def test_every_call(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    calls = apart([drawn(chance, number) for number in range(150)])
    write(tmp_path, *(encoded(one, PRICES.cost(one)).decode().rstrip() for one in calls))

    waste = ask(asked([tmp_path], ("agent",)), PRICES)

    expected: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for one in calls:
        name, usd = judged(one, calls)
        if name is not None:
            expected[one.agent, name].append(usd)
    found = {
        (row.keys[0], name): (row.sums.of(name))
        for row in waste.rows
        for name in CLASSES
        if row.sums.of(name)[0]
    }
    assert found == {key: (len(usd), sum(usd)) for key, usd in expected.items()}
    assert len({name for _, name in found}) >= 4
    total = waste.total
    assert total.calls == len(calls)
    assert total.waste_usd == sum(usd for _, usd in found.values()) <= total.cost_usd
