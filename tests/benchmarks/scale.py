"""What one call takes of disks, networks and stores: the figures that docs/scale.md reckons with.

usage: python -m tests.benchmarks.scale    prints JSON

Bytes are the same on every machine. Calls a second are on the wall, of all processes together, and
only say how stores compare on this machine.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.benchmarks.reported import _lines
from tests.benchmarks.span_lines import BATCH, _batches

SECONDS = 4.0
PROCESSES = (1, 4, 8)
CALLS = 5_000
PATIENCE = 30.0


def line_bytes() -> dict[str, float]:
    """A line of the calls file, plain and in a file that was compressed."""
    lines = _lines()
    plain = _with_random_ids(b"".join(lines))
    packed = gzip.compress(plain)
    return {"line": len(plain) / len(lines), "line, gzip": len(packed) / len(lines)}


def _with_random_ids(text: bytes) -> bytes:
    """With ids that a compressor cannot foresee, as those of real calls."""
    return re.sub(
        rb"[0-9a-f]{16,}", lambda id_: os.urandom(len(id_[0])).hex()[: len(id_[0])].encode(), text
    )


def span_bytes() -> dict[str, float]:
    """A span by OTLP in protobuf, in batches of 512, plain and compressed."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    batches = [_with_random_ids(encode_spans(batch).SerializeToString()) for batch in _batches()]
    spans = BATCH * len(batches)
    packed = sum(len(gzip.compress(batch)) for batch in batches)
    return {"span": sum(map(len, batches)) / spans, "span, gzip": packed / spans}


def series() -> dict[str, int]:
    """Series in Prometheus of one model, agent and endpoint, when one call was streamed."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from costspan import Instrumentor, attribution
    from tests.instrumentation import rig

    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    Instrumentor().instrument(meter_provider=meters)
    with attribution(agent="a", endpoint="e"), rig.openai_client(rig.answer_chat) as client:
        client.chat.completions.create(**rig.ASK)
        list(client.chat.completions.create(**rig.ASK, stream=True))
    data: Any = reader.get_metrics_data()
    points = [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    Instrumentor().uninstrument()
    meters.shutdown()
    # A bucket each, +Inf among them, then the sum and the count.
    buckets = [len(p.bucket_counts) + 2 for p in points if hasattr(p, "bucket_counts")]
    return {"series": len(points) - len(buckets) + sum(buckets), "points": len(points)}


def _work(url: str, name: int, start: Any, counted: Any) -> None:
    """Reserve and settle, as a call with one blocking budget does, for some seconds."""
    from costspan.cost.stores.opening import open_store
    from tests.benchmarks.stores import _steps

    store = open_store(url, PATIENCE)
    _, budgeted = _steps(store)
    made = _renamed(budgeted, store, name)
    made()
    start.wait()
    calls, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        made()
        calls += 1
    counted.put(calls)
    store.close()


def _renamed(budgeted: Callable[[], None], store: Any, name: int) -> Callable[[], None]:
    """The same step with tokens that no other process has: a token is counted once."""
    reserve, settle = store.reserve, store.settle
    store.reserve = lambda token, *rest: reserve(f"{name} {token}", *rest)
    store.settle = lambda *rest: settle(*rest[:-1], f"{name} {rest[-1]}")
    return budgeted


def calls_a_second(url: str, processes: int) -> float:
    """Of all processes together."""
    spawned = get_context("spawn")
    start, counted = spawned.Barrier(processes), spawned.Queue()
    workers = [
        spawned.Process(target=_work, args=(url, n, start, counted)) for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    calls = sum(counted.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    return calls / SECONDS


def _filled(url: str, scopes: int) -> None:
    """Some thousand calls, each with a budget, in as many scopes as are asked for."""
    from costspan.cost.stores.contract import Charge, Counter
    from costspan.cost.stores.opening import open_store
    from tests.benchmarks.stores import _CALL, _COST

    store = open_store(url, PATIENCE)
    for number in range(CALLS):
        counter = Counter("one ticket", f"ticket-{number % scopes}")
        store.settle(_CALL, _COST, (), [Charge(counter, 1)], f"call {number}")
    store.close()


def kept_bytes() -> dict[str, float]:
    """What a store keeps of a call for a day, and of a scope of a budget, such as a session."""
    from tests.cost.stores.servers import REDIS

    found = {}
    for kind, taken in {"sqlite": _of_sqlite, **({"redis": _of_redis} if REDIS else {})}.items():
        one, many = taken(1), taken(CALLS)
        found[f"{kind}: bytes a call"] = one / CALLS
        found[f"{kind}: bytes a scope"] = (many - one) / CALLS
    return found


def _of_sqlite(scopes: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        _filled(f"sqlite:///{folder}/costs.db", scopes)
        return float(sum(path.stat().st_size for path in Path(folder).iterdir()))


def _of_redis(scopes: int) -> float:
    import redis

    from tests.cost.stores.servers import redis_server

    with redis_server() as server, redis.Redis.from_url(server.url) as client:
        before = client.info("memory")["used_memory"]
        _filled(server.url, scopes)
        return float(client.info("memory")["used_memory"] - before)


def stores() -> dict[str, float]:
    """Calls a second of processes that share one budget."""
    from tests.cost.stores.servers import POSTGRES, REDIS, postgres_server, redis_server

    found = {}
    for processes in PROCESSES:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/costs.db"
            found[f"sqlite: {processes} processes"] = calls_a_second(url, processes)
        if REDIS is not None:
            with redis_server(appendfsync="everysec") as server:
                found[f"redis: {processes} processes"] = calls_a_second(server.url, processes)
        if POSTGRES is not None:
            with postgres_server() as server:
                found[f"postgres: {processes} processes"] = calls_a_second(server.url, processes)
    return found


def main() -> None:
    """Measure each, or what is named."""
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "line": line_bytes, "span": span_bytes, "series": series,
        "kept": kept_bytes, "stores": stores,
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name in sys.argv[1:] or parts:
        found |= parts[name]()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
