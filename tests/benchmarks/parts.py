"""Parts of what costspan does with one call, by themselves.

usage: python -m tests.benchmarks.parts    prints microseconds as JSON: [least, median] by part
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from itertools import count, cycle
from typing import Any

from tests.benchmarks import clock, subjects

TIMES = 1000
ROUNDS = 15
DISTINCT = 500
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "server.address": "api.openai.com",
}
ANSWERED = {
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 80,
    "gen_ai.usage.cache_read.input_tokens": 1000,
}
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


def _taken(run: Callable[[], Any], times: int = TIMES) -> list[float]:
    """Microseconds of one of many runs: the fastest round and the median one."""

    def many() -> None:
        for _ in range(times):
            run()

    rounds = [spent / times for spent in clock.microseconds(many, ROUNDS)]
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


def _span_of_another(processed: bool) -> Callable[[], Any]:
    """Makes one chat span as another instrumentation does, with or without our processor."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanKind

    from costspan import CostSpanProcessor, CostTracker

    provider = TracerProvider(shutdown_on_exit=False)
    if processed:
        provider.add_span_processor(CostSpanProcessor(CostTracker()))
    tracer = provider.get_tracer("opentelemetry.instrumentation.genai.openai")
    numbers = count()  # a response is counted once

    def make() -> None:
        span = tracer.start_span("chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=ASKED)
        span.set_attributes({**ANSWERED, "gen_ai.response.id": f"chatcmpl-{next(numbers)}"})
        span.end()
        # Asked of both, as to ask is not what is measured.
        if ("costspan.cost.total" in span.attributes) is not processed:  # type: ignore[attr-defined]
            raise SystemExit(
                "a span of another is priced only with us, or else nothing is measured"
            )

    return make


def _foreign() -> dict[str, list[float]]:
    bare, priced = _span_of_another(False), _span_of_another(True)
    clock.settle_down()
    took, more = _taken(bare), _taken(priced)
    return {"foreign span": [after - before for before, after in zip(took, more, strict=True)]}


def _metrics() -> dict[str, list[float]]:
    """What a collection takes for each call and chunk that waits, beyond one of which none does."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    from costspan import settings
    from costspan.attributed import Attribution
    from costspan.instrumentation.metrics import Meters

    _, call, cost = _settled_calls("openai")
    meters = Meters(subjects.make_meters(), "0", settings.read(), None)
    spans = [
        NonRecordingSpan(SpanContext(n, n, False, TraceFlags(TraceFlags.SAMPLED)))
        for n in range(1, DISTINCT + 1)
    ]
    passed = meters.chunk_timer(call.request, Attribution(agent="reviewer"), spans[0])
    assert passed is not None

    def put_calls() -> None:
        for span in spans:
            meters.record(call, cost, span)

    def put_chunks() -> None:
        for _ in range(DISTINCT):
            passed()

    clock.settle_down()
    nothing = min(clock.microseconds(subjects.collect, ROUNDS))
    return {
        "metrics of a call": _collected(put_calls, nothing),
        "metrics of a chunk": _collected(put_chunks, nothing),
    }


def _collected(put: Callable[[], None], nothing: float) -> list[float]:
    """Microseconds for each of what `put` leaves to a collection, which takes `nothing` else."""
    rounds = clock.microseconds(subjects.collect, ROUNDS, before=put)
    return [(one - nothing) / DISTINCT for one in (min(rounds), statistics.median(rounds))]


def _settling() -> dict[str, list[float]]:
    from msgspec import structs

    from costspan.attributed import Attribution
    from costspan.export.calls import CallsFile
    from costspan.export.local_files import LocalFiles
    from costspan.totals import Totals

    costs, call, cost = _settled_calls("openai")
    calls = cycle([structs.replace(call, trace_id=n, span_id=n) for n in range(1, DISTINCT + 1)])
    who = Attribution(agent="reviewer", session="ticket-17", spent=(Totals(),))
    with tempfile.TemporaryDirectory() as folder:
        file = CallsFile(LocalFiles(folder))
        clock.settle_down()
        return {
            "settle": _taken(lambda: costs.settle(next(calls), None, who)),
            "line": _taken(lambda: file(next(calls), cost)),
        }


def _files() -> dict[str, list[float]]:
    """The calling thread's time for a line by durability, and a batch encoded and written."""
    from msgspec import structs

    from costspan.export.appender import Appender
    from costspan.export.calls import CallsFile
    from costspan.export.local_files import LocalFiles
    from costspan.export.schema import encoded

    _, call, cost = _settled_calls("openai")
    several = [structs.replace(call, trace_id=n, span_id=n) for n in range(1, DISTINCT + 1)]
    calls, took = cycle(several), {}
    with tempfile.TemporaryDirectory() as folder:
        for durability in ("call", "batch", "fsync"):
            file = CallsFile(LocalFiles(f"{folder}/{durability}", durability=durability))
            clock.settle_down()
            took[f"line {durability}"] = _taken(lambda file=file: file(next(calls), cost))
            file.close()
        appender = Appender(LocalFiles(f"{folder}/export"))
        clock.settle_down()
        batches = _taken(
            lambda: appender.append_all([encoded(one, cost) for one in several], call.ended_at),
            times=10,
        )
        appender.close()
    return {**took, "export": [one / DISTINCT for one in batches]}


def main() -> None:
    """Measure each part."""
    subjects.prepare_environment("ours")
    print(
        json.dumps(
            {
                **_pricing("openai"),
                **_pricing("anthropic"),
                **_unknown(),
                **_foreign(),
                **_metrics(),
                **_settling(),
                **_files(),
            }
        )
    )


if __name__ == "__main__":
    main()
