"""Parts of what costspan does with one call, by themselves.

usage: python -m tests.benchmarks.parts    prints microseconds as JSON: [least, median] by part
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from itertools import cycle
from typing import Any

from tests.benchmarks import clock, subjects

TIMES = 1000
ROUNDS = 15
DISTINCT = 500
"""Calls that differ in their trace, as real ones do."""


def _settled_calls(name: str) -> tuple[Any, Any, Any]:
    """The tracker, the call and the cost of one measured call."""
    from costspan import Budget, CostTracker, Instrumentor, attribution
    from tests.benchmarks import workload

    costs = CostTracker(budgets=[Budget("one call", usd=5, per="call")])
    seen: list[tuple[Any, Any]] = []
    costs.writers = (lambda call, cost: seen.append((call, cost)),)
    provider, _ = subjects.make_provider(everywhere=False)
    Instrumentor().instrument(tracer_provider=provider, costs=costs)
    with attribution(agent="reviewer", session="ticket-17"):
        workload.CALLS[name](None)()
    Instrumentor().uninstrument()
    costs.writers = ()
    return costs, *seen[-1]


def _taken(run: Callable[[], Any]) -> list[float]:
    """Microseconds of one of many runs: the fastest round and the median one."""

    def many() -> None:
        for _ in range(TIMES):
            run()

    rounds = [spent / TIMES for spent in clock.microseconds(many, ROUNDS)]
    return [min(rounds), statistics.median(rounds)]


def _library_price(call: Any) -> Callable[[], Any]:
    """The same pricing by genai-prices itself."""
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=call.usage.input_tokens,
        cache_read_tokens=call.usage.cache_read_tokens,
        output_tokens=call.usage.output_tokens,
    )
    provider = call.request.provider
    return lambda: calc_price(usage, model_ref=call.model, provider_id=provider)


def _pricing(name: str) -> dict[str, list[float]]:
    costs, call, cost = _settled_calls(name)
    price = _library_price(call)
    if price().total_price != cost.total_usd:
        raise SystemExit(f"{name}: genai-prices says {price().total_price}, not {cost.total_usd}")
    clock.settle_down()
    return {
        f"price {name}": _taken(lambda: costs.prices.cost(call)),
        f"genai-prices {name}": _taken(price),
    }


def _unknown() -> dict[str, list[float]]:
    from msgspec import structs

    costs, call, _ = _settled_calls("openai")
    answer = structs.replace(call.response, model="a-model-of-mine")
    stray = structs.replace(call, response=answer)
    if costs.prices.cost(stray).status != "unpriced":
        raise SystemExit("a-model-of-mine has a price: the figure would say nothing")
    clock.settle_down()
    return {"price unknown": _taken(lambda: costs.prices.cost(stray))}


def _settling() -> dict[str, list[float]]:
    from msgspec import structs

    from costspan.attributed import Attribution
    from costspan.export.calls import CallsFile, LocalFiles
    from costspan.totals import Totals

    costs, call, cost = _settled_calls("openai")
    calls = cycle([structs.replace(call, trace_id=n, span_id=n) for n in range(1, DISTINCT + 1)])
    who = Attribution(agent="reviewer", session="ticket-17", spent=(Totals(),))
    budget = costs.budgets[0]
    with tempfile.TemporaryDirectory() as folder:
        file = CallsFile(LocalFiles(folder))
        clock.settle_down()
        return {
            "settle": _taken(lambda: costs.settle(next(calls), None, who)),
            "budget": _taken(lambda: budget.crossed(call, cost)),
            "line": _taken(lambda: file(next(calls), cost)),
        }


def main() -> None:
    """Measure each part."""
    subjects.prepare_environment("ours")
    print(json.dumps({**_pricing("openai"), **_pricing("anthropic"), **_unknown(), **_settling()}))


if __name__ == "__main__":
    main()
