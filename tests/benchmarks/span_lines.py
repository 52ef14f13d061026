"""Spans as lines of a file, encoded and written: ours, OpenTelemetry's exporter, and protobuf.

usage: python -m tests.benchmarks.span_lines

Prints microseconds for a span as JSON, [least, median] by writer; a writer that is not installed
is left out. All write the same spans: what costspan puts on a call of the OpenAI SDK, 512 a batch,
each with ids of its own.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind

from tests.benchmarks import clock, subjects

BATCH, BATCHES, ROUNDS = 512, 4, 9

Write = Callable[[Sequence[ReadableSpan]], Any]


def _batches() -> list[list[ReadableSpan]]:
    provider, exporter = subjects.make_provider(everywhere=False)
    from tests.benchmarks import workload

    with subjects.switched_on("ours", provider):
        workload.CALLS["openai"](None)()
    made, attributes = exporter.last, dict(exporter.last.attributes)
    tracer = TracerProvider(
        resource=Resource.create({"service.name": "my-agents"}), shutdown_on_exit=False
    ).get_tracer("costspan", "0.1.0")

    def one(number: int) -> ReadableSpan:
        attributes["gen_ai.response.id"] = f"chatcmpl-{number:024d}"
        span = tracer.start_span(made.name, kind=SpanKind.CLIENT, attributes=attributes)
        span.end()
        return span  # type: ignore[return-value]

    return [[one(BATCH * n + m) for m in range(BATCH)] for n in range(BATCHES)]


def _writers(folder: Path) -> dict[str, Write]:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    from costspan import JsonlSpanExporter

    found: dict[str, Write] = {
        "ours": JsonlSpanExporter(folder / "ours").export,
        "protobuf, encoded only": lambda spans: encode_spans(spans).SerializeToString(),
    }
    try:
        from opentelemetry.exporter.otlp.json.file.trace_exporter import FileSpanExporter
    except ImportError:
        return found
    return found | {"official": FileSpanExporter(path=str(folder / "theirs.jsonl")).export}


def _microseconds(write: Write, batches: list[list[ReadableSpan]]) -> float:
    with clock.uncollected():
        start = time.thread_time()
        for batch in batches:
            write(batch)
        return (time.thread_time() - start) * 1e6 / (BATCH * BATCHES)


def main() -> None:
    """Measure each writer, in turns."""
    subjects.prepare_environment("ours")
    batches = _batches()
    with tempfile.TemporaryDirectory() as folder:
        writers = _writers(Path(folder))
        clock.settle_down()
        taken: dict[str, list[float]] = {name: [] for name in writers}
        for _ in range(ROUNDS):
            for name, write in writers.items():
                taken[name].append(_microseconds(write, batches))
        (path,) = (Path(folder) / "ours").iterdir()
        lines = path.read_bytes()
    if lines.count(b'"spanId"') != BATCH * BATCHES * ROUNDS:
        raise SystemExit("not every span has its line: the figure would say nothing")
    print(json.dumps({name: [min(t), statistics.median(t)] for name, t in taken.items()}))


if __name__ == "__main__":
    main()
