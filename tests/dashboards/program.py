"""A program with real SDKs, run by the tests as a process: each line it reads orders something.

    python -m tests.dashboards.program push OTLP_HTTP_ENDPOINT
    python -m tests.dashboards.program pull PORT

`round` makes one call of every kind and is answered with a line of JSON: the calls and dollars so
far, as costspan sums them up. `end` ends.
"""

from __future__ import annotations

import json
import math
import sys
from contextlib import suppress
from typing import Any

import anthropic
import openai
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider

from costspan import Budget, BudgetExceeded, CostTracker, Instrumentor, attribution

GPT, OPUS = "gpt-4o-mini", "claude-opus-4-5"
HELLO: Any = [{"role": "user", "content": "Hello"}]


def told(scenario: str) -> dict[str, dict[str, str]]:
    """What the local provider is to answer."""
    return {"extra_headers": {"x-costspan-scenario": scenario}}


def reader_of(way: str, where: str) -> MetricReader:
    """Metrics by OTLP to a collector, or shown on a port of the program's own."""
    if way == "push":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        exporter = OTLPMetricExporter(f"{where}/v1/metrics")
        return PeriodicExportingMetricReader(exporter, math.inf)
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import start_http_server

    start_http_server(int(where), "127.0.0.1")
    return PrometheusMetricReader(
        resource_attribute_filter=lambda key: key == "service.instance.id"
    )


def one_round() -> None:
    """Every kind of call that a panel shows."""
    with openai.OpenAI(max_retries=2) as gpt, anthropic.Anthropic() as claude:
        chat = gpt.chat.completions
        with attribution(agent="code_reviewer", endpoint="/review", tags={"team": "search"}):
            ask: Any = {"stream": True, "stream_options": {"include_usage": True}}
            list(
                chat.create(
                    model=GPT, messages=HELLO, **ask, **told("tokens=100000/20000;reasoning=9")
                )
            )
            chat.create(
                model=GPT, messages=HELLO, **told("tokens=900000/10;cached=800000;retries=1")
            )
        with attribution(agent="researcher", endpoint="/ask", tags={"team": "docs"}):
            dear: Any = {"model": OPUS, "max_tokens": 9, "messages": HELLO}
            claude.messages.create(**dear, **told("tokens=30000/4000"))
            claude.messages.create(**dear, **told("tokens=30000/10;write5m=2000"))
            gpt.embeddings.create(model="text-embedding-3-small", input="Hello")
        chat.create(model="in-house-7b", messages=HELLO)
        with suppress(openai.BadRequestError):
            chat.create(model=GPT, messages=HELLO, **told("status=400"))
        with attribution(agent="triage", endpoint="/triage"):
            for _ in range(2):
                with suppress(BudgetExceeded):  # all but the first of the program's
                    chat.create(model=GPT, messages=HELLO, **told("tokens=10/10"))


def run(way: str, where: str) -> None:
    """Until it is told to end."""
    meters = MeterProvider([reader_of(way, where)], shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)  # exemplars are of sampled spans
    budgets = [
        Budget("the month", usd=1, window="month", thresholds=(0.5, 1.0)),
        Budget("triage", calls=1, per="agent", where={"agent": "triage"}, action="block"),
    ]
    costs = CostTracker(budgets=budgets)
    Instrumentor().instrument(
        tracer_provider=tracers,
        meter_provider=meters,
        costs=costs,
        metric_labels=("agent", "endpoint", "tag:team"),
    )
    for line in sys.stdin:
        if line.strip() == "end":
            break
        one_round()
        if way == "push":
            meters.force_flush()
        total = costs.summary()
        print(json.dumps({"calls": total.calls, "cost_usd": str(total.cost_usd)}), flush=True)
    meters.shutdown()


if __name__ == "__main__":
    run(*sys.argv[1:])
