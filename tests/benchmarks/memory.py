"""The memory of streams that are open, and what streams leave behind that were dropped unread.

usage: python -m tests.benchmarks.memory open bare|span|ours
       python -m tests.benchmarks.memory dropped bare|ours
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.benchmarks import subjects

OPEN = 1000
DROPPED = 10_000
WARM = 1100
"""Dropped before counting starts: costspan keeps the last 1,000 calls on purpose."""

SUBJECT = sys.argv[2]
subjects.prepare_environment(SUBJECT)

from opentelemetry.trace import SpanKind  # noqa: E402 - the SDKs read the environment on import

from tests.benchmarks import workload  # noqa: E402


def _opened(name: str, provider: Any, spans: dict[str, Any]) -> Callable[[], Any]:
    """A function that opens a stream, and with `span` a span beside it."""
    open_stream = workload.STREAMS[name](workload.SHORT)
    if SUBJECT != "span":
        return open_stream
    title, first, _ = spans[f"{name} stream"]
    tracer = provider.get_tracer("app")
    return lambda: (
        tracer.start_span(title, kind=SpanKind.CLIENT, attributes=first),
        open_stream(),
    )


def bytes_of_open_streams(provider: Any) -> dict[str, float]:
    """Bytes of one open stream, its first chunk read, by SDK."""
    spans = json.load(sys.stdin)
    found = {}
    for name in workload.STREAMS:
        opened = _opened(name, provider, spans)
        for _ in range(10):
            opened()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        streams = [opened() for _ in range(OPEN)]
        gc.collect()
        found[name] = (tracemalloc.get_traced_memory()[0] - before) / OPEN
        tracemalloc.stop()
        del streams
    return found


def left_by_dropped_streams(provider: Any, exporter: subjects.NullExporter) -> dict[str, Any]:
    """What is left of streams that were opened, read for one chunk and dropped."""
    opened = [make(workload.SHORT) for make in workload.STREAMS.values()]
    # One trace, so that the sums by trace, which are kept on purpose, do not grow.
    with provider.get_tracer("app").start_as_current_span("work"):
        _drop(opened, WARM)
        threads, objects = threading.active_count(), _objects()
        # Last, as what is counted so far takes some itself.
        blocks, spans = sys.getallocatedblocks(), exporter.count
        _drop(opened, DROPPED)
        return {
            "blocks": sys.getallocatedblocks() - blocks,
            "spans": exporter.count - spans,
            "threads": threading.active_count() - threads,
            "objects": dict(_objects() - objects),
        }


def _drop(opened: list[Callable[[], Any]], times: int) -> None:
    for number in range(times):
        opened[number % len(opened)]()
    if SUBJECT == "ours":
        from costspan.instrumentation.settlement import settlement

        settlement.drain()
    gc.collect()


def _objects() -> Counter[str]:
    """How many objects of costspan's own classes there are, by class."""
    names = (f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return Counter(name for name in names if name.startswith("costspan."))


def main(what: str) -> None:
    """Measure with the subject on."""
    provider, exporter = subjects.make_provider()
    with subjects.switched_on(SUBJECT, provider):
        if what == "open":
            print(json.dumps(bytes_of_open_streams(provider)))
        else:
            print(json.dumps(left_by_dropped_streams(provider, exporter)))


if __name__ == "__main__":
    main(sys.argv[1])
