"""The spans that costspan makes of the measured calls, for an app's own code to make the same.

usage: python -m tests.benchmarks.recorded    prints them as JSON
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry.trace import SpanKind

from tests.benchmarks import subjects

Spans = dict[str, tuple[str, dict[str, Any], dict[str, Any]]]
"""By case: the name, the attributes at the start, and those that are set at the end."""


class HandWritten:
    """Makes the spans that an app would write by hand, with what costspan recorded."""

    def __init__(self, provider: Any, spans: Spans) -> None:
        self._tracer = provider.get_tracer("app")
        self._spans = spans

    def around(self, name: str, chunks: int | None, call: Callable[[], Any]) -> Callable[[], None]:
        """`call` inside such a span."""
        title, first, rest = self._facts(name, chunks)

        def run() -> None:
            span = self._tracer.start_span(title, kind=SpanKind.CLIENT, attributes=first)
            call()
            span.set_attributes(rest)
            span.end()

        return run

    def around_async(
        self, name: str, chunks: int | None, call: Callable[[], Awaitable[Any]]
    ) -> Callable[[], Awaitable[None]]:
        """`call` inside such a span."""
        title, first, rest = self._facts(name, chunks)

        async def run() -> None:
            span = self._tracer.start_span(title, kind=SpanKind.CLIENT, attributes=first)
            await call()
            span.set_attributes(rest)
            span.end()

        return run

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
