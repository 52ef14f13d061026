"""Many calls from many processes through a real collector: nothing is lost, memory stays flat.

COSTSPAN_LOAD_SECONDS says for how long (2 by default, a minute in `make proof`). What it measured
is a line of the log: `-o log_cli=true -o log_cli_level=INFO`.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from costspan.testing import LLMServer
from tests.servers.arrived import spans_in
from tests.servers.programs import ended, started
from tests.servers.running import COLLECTOR, CONFIGS, Server, awaited, needs_collector, running

SECONDS = float(os.environ.get("COSTSPAN_LOAD_SECONDS", "2"))
PROCESSES = 8
SPANS_A_SECOND = 5000
MIB = 2**20
GROWTH = 16 * MIB
"""More than this, from the middle of a process's run to its end, is a leak."""

pytestmark = [
    *needs_collector,
    pytest.mark.timeout(0),
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]
logger = logging.getLogger(__name__)

MEASURED = """
import json, time
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from costspan import record_call
from tests.servers.exporters import exporter_to

seconds, processes, rate = (float(word) for word in sys.argv[2:5])
provider = TracerProvider()
exporter = exporter_to(*sys.argv[5:], gzip=True, timeout=60)
provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=65536))
trace.set_tracer_provider(provider)

def resident():
    provider.force_flush()  # what waits to be sent is no leak
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def run(one):
    one()  # what is loaded at the first call is no growth
    began, made, halfway = time.monotonic(), 1, 0
    while (passed := time.monotonic() - began) < seconds:
        # Late enough for all that is filled once, such as the last thousand records.
        if not halfway and passed > seconds / 2:
            halfway = resident()
        if rate and made > rate / processes * passed:
            time.sleep(0.002)
            continue
        one()
        made += 1
    spent = Instrumentor().costs.summary()
    picos = int(spent.cost_usd * 10**12)
    print(json.dumps([made, spent.calls, picos, halfway or resident(), resident()]))
"""
BY_THE_SDK = MEASURED + "run(call)"
BY_RECORD_CALL = (
    MEASURED
    + """
def one():
    with record_call(model="gpt-4o-mini", provider="openai") as recorded:
        recorded.set_usage(input_tokens=1000, output_tokens=200)
run(one)
"""
)


@pytest.mark.parametrize(
    ("source", "rate", "protocol"),
    [(BY_THE_SDK, 0, "http"), (BY_RECORD_CALL, SPANS_A_SECOND, "grpc")],
    ids=["sdk", "recorded"],
)
def test_nothing_is_lost(
    tmp_path: Path, server: LLMServer, source: str, rate: int, protocol: str
) -> None:
    """As many spans with as many dollars as the processes counted, each once."""
    collector = Server(COLLECTOR, CONFIGS / "load.yaml", tmp_path)
    with running(collector):
        said, logged = together(collector, server, source, rate, protocol)
        made = sum(one["made"] for one in said)
        size = awaited(lambda: settled_size(collector.spans_path), "spans")
        peak = peak_of(collector)
    came = spans_in(collector.spans_path)

    report(said, protocol, "SDK" if rate == 0 else "record_call", peak, size)
    assert "Queue full" not in logged  # what the SDK does not take, it says
    assert [one["counted"] for one in said] == [one["made"] for one in said]
    assert len(came) == len({span.span_id for span in came}) == made
    dollars = sum(round(span.attributes["costspan.cost.total"] * 10**12) for span in came)
    assert dollars == sum(one["picos"] for one in said)
    assert max(one["end"] - one["halfway"] for one in said) < GROWTH


def together(
    collector: Server, server: LLMServer, source: str, rate: int, protocol: str
) -> tuple[list[dict[str, Any]], str]:
    """What each of the processes said, which ran side by side, and what they all logged."""
    address = collector.at[f"OTLP_{protocol.upper()}"]
    words = (str(SECONDS), str(PROCESSES), str(rate), protocol, address)
    programs = [started(source, server.openai_url, *words) for _ in range(PROCESSES)]
    outcomes = [ended(program, SECONDS + 200) for program in programs]
    names = ("made", "counted", "picos", "halfway", "end")
    said = [dict(zip(names, json.loads(out), strict=True)) for out, _ in outcomes]
    return said, "".join(logged for _, logged in outcomes)


def settled_size(path: Path) -> int | None:
    """Bytes of a file that has stopped growing: the exporter writes at least each 100 ms."""
    before = path.stat().st_size
    time.sleep(1)
    return before if path.stat().st_size == before > 0 else None


def peak_of(collector: Server) -> int:
    """The most memory that the collector had, in bytes."""
    assert collector.process is not None
    text = Path(f"/proc/{collector.process.pid}/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def report(said: list[dict[str, Any]], protocol: str, kind: str, peak: int, size: int) -> None:
    made = sum(one["made"] for one in said)
    grown = [(one["end"] - one["halfway"]) / MIB for one in said]
    logger.info(
        "%s over %s: %d spans by %d processes in %g s = %.0f a second; in its second half each "
        "grew by %.1f to %.1f MiB, to at most %.0f MiB; the collector had at most %.0f MiB, "
        "wrote %.0f MB",
        kind,
        protocol,
        made,
        PROCESSES,
        SECONDS,
        made / SECONDS,
        min(grown),
        max(grown),
        max(one["end"] for one in said) / MIB,
        peak / MIB,
        size / 1e6,
    )
