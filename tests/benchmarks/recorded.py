"""The spans that costspan makes of the measured calls, for an app's own code to make the same.

usage: python -m tests.benchmarks.recorded    prints them as JSON
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from tests.benchmarks import subjects

Spans = dict[str, tuple[str, dict[str, Any], dict[str, Any]]]
"""By case: the name, the attributes at the start, and those that are set at the end."""


LABELS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
    "gen_ai.agent.name",
)


class HandMeasured:
    """Records the two histograms that instrumentations of GenAI mostly have: time and tokens."""

    def __init__(self, meter: Any) -> None:
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=(0.01, 0.04, 0.16, 0.64, 2.56, 10.24, 40.96),
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            explicit_bucket_boundaries_advisory=tuple(4**power for power in range(14)),
        )

    def record(self, told: dict[str, Any], span: Any) -> None:
        """Record one call, of which `told` are the attributes."""
        seconds = (time.time_ns() - span.start_time) / 1e9
        labels = {name: told[name] for name in LABELS if name in told}
        context = trace.set_span_in_context(span)
        self._duration.record(seconds, labels, context)
        for kind in ("input", "output"):
            tokens = told[f"gen_ai.usage.{kind}_tokens"]
            self._tokens.record(tokens, {**labels, "gen_ai.token.type": kind}, context)


class HandWritten:
    """Makes the spans that an app would write by hand, with what costspan recorded.

    Args:
        meter: where the calls' metrics go; None for nowhere.
    """

    def __init__(self, provider: Any, spans: Spans, meter: Any = None) -> None:
        self._tracer = provider.get_tracer("app")
        self._spans = spans
        self._measured = None if meter is None else HandMeasured(meter)

    def around(self, name: str, chunks: int | None, call: Callable[[], Any]) -> Callable[[], None]:
        """`call` inside such a span."""
        title, first, rest = self._facts(name, chunks)
        told = {**first, **rest}

        def run() -> None:
            span = self._tracer.start_span(title, kind=SpanKind.CLIENT, attributes=first)
            call()
            self._end(span, rest, told)

        return run

    def around_async(
        self, name: str, chunks: int | None, call: Callable[[], Awaitable[Any]]
    ) -> Callable[[], Awaitable[None]]:
        """`call` inside such a span."""
        title, first, rest = self._facts(name, chunks)
        told = {**first, **rest}

        async def run() -> None:
            span = self._tracer.start_span(title, kind=SpanKind.CLIENT, attributes=first)
            await call()
            self._end(span, rest, told)

        return run

    def _end(self, span: Any, rest: dict[str, Any], told: dict[str, Any]) -> None:
        span.set_attributes(rest)
        if self._measured is not None:
            self._measured.record(told, span)
        span.end()

    def _facts(self, name: str, chunks: int | None) -> tuple[str, dict[str, Any], dict[str, Any]]:
        title, first, rest = self._spans[_key(name, chunks)]
        return title, _with_tuples(first), _with_tuples(rest)


def _key(name: str, chunks: int | None) -> str:
    return name if chunks is None else f"{name} stream"


def _with_tuples(attributes: dict[str, Any]) -> dict[str, Any]:
    """As costspan passes them: JSON knows only lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}


def record() -> Spans:
    """Make each call once with costspan on."""
    from tests.benchmarks import workload  # the SDKs read the environment on import

    provider, exporter = subjects.make_provider()
    beginnings = subjects.Beginnings()
    provider.add_span_processor(beginnings)
    loop = asyncio.new_event_loop()
    spans: Spans = {}
    with subjects.switched_on("ours", provider):
        for name, make in workload.CALLS.items():
            for chunks in (None, workload.SHORT):
                made = make(chunks)()
                if name in workload.ASYNC:
                    loop.run_until_complete(made)
                span, first = exporter.last, beginnings.attributes
                rest = {k: v for k, v in span.attributes.items() if k not in first}
                spans[_key(name, chunks)] = (span.name, first, rest)
    loop.close()
    return spans


if __name__ == "__main__":
    subjects.prepare_environment("ours")
    print(json.dumps(record()))
