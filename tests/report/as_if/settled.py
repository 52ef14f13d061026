"""Lines as costspan writes them, and comparisons of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from costspan.call import Call, Request, Response, Usage
from costspan.cost.pricing.named import named
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import Rate
from costspan.export.schema import encoded
from costspan.report.as_if.changes import changes
from costspan.report.as_if.query import Comparison, ask
from costspan.report.selection import asked
from tests.report.folders import write

PRICES = Prices(
    overrides={
        "plain": Rate(input=2, output=10, cache_read="0.2", cache_write="2.5"),
        "half": Rate(input=1, output=5, cache_read="0.1", cache_write="1.25"),
        "tiny": Rate(input="0.0000001", output=1),
        "free": Rate.free(),
        "by-second": Rate(gpu_usd_per_hour=3.6),
    }
)
"""US dollars for a million tokens; a token of "tiny" is a tenth of a picodollar."""

NOON = 1_795_176_000 * 10**9
"""2026-11-20T12:00:00Z in nanoseconds."""


def call(model: str = "plain", provider: str = "openai", at: int = NOON, **facts: Any) -> Call:
    """A call; counts are `input`, `output`, `read`, `written` and so on, others as in `Call`."""
    names = {"read": "cache_read", "written": "cache_write", "hour": "cache_write_1h"}
    counts = {
        f"{names.get(name, name)}_tokens": facts.pop(name)
        for name in ("input", "output", "read", "written", "hour", "reasoning", "input_audio")
        if name in facts
    }
    if "web_searches" in facts:
        counts["web_searches"] = facts.pop("web_searches")
    response = {
        name: facts.pop(name)
        for name in ("service_tier", "reported_cost_usd", "speed")
        if name in facts
    }
    return Call(
        request=Request(operation="chat", provider=provider, model=model),
        response=Response(
            model=facts.pop("answered", model),
            usage=Usage(**counts) if counts else None,
            **response,
        ),
        started_at=at,
        ended_at=at,
        runtime_seconds=1.0,
        **facts,
    )


def compared(
    folder: Path,
    calls: list[Call],
    *words: str,
    by: tuple[str, ...] = (),
    more: Sequence[Path] = (),
    top: int | None = None,
) -> Comparison:
    """What calls would come to that are written to a folder first; `more` are further folders."""
    write(folder, *(encoded(one, PRICES.cost(one)).decode().rstrip() for one in calls))
    what = changes(words, lambda name: named(PRICES, name))
    return ask(asked([folder, *more], by), what, PRICES, top)
