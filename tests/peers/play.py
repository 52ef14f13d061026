"""A process in which peers are switched on, beside a `CostSpanProcessor`, and make calls.

usage: python -m tests.peers.play NAME[+NAME...]

The names are those of `peers.PEERS`, and `costspan` for its own instrumentation; they are switched
on in this order. Prints one JSON object: `versions`; `faults`, what costspan swallowed; and
`calls`, of each surface the spans in the order of their ends, the lines of the ledger, what the
server served, and `fault`, the call's exception.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

SETTINGS = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "no_content",
    "TRACELOOP_TRACE_CONTENT": "false",
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
    "LANGSMITH_TRACING": "false",
}
NATIVE, NATIVE_SPANS = "anthropic-sdk", "ANTHROPIC_OPEN_TELEMETRY"
OURS = "costspan"
SDKS = ("openai", "anthropic", "opentelemetry-sdk")
COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
LINE = (*COUNTS, "cache_write_1h_tokens", "provider", "operation", "model", "status", "missing")


def main(names: Sequence[str]) -> None:
    """Play them and print what they gave."""
    answer, sys.stdout = sys.stdout, sys.stderr  # some peers print
    os.environ.update(SETTINGS)
    if NATIVE not in names:
        os.environ[NATIVE_SPANS] = "false"
    from costspan import guard
    from tests.peers.bench import Bench  # the SDKs and peers read the environment on import

    bench = Bench(names)
    calls = list(play(bench))
    found = [f"costspan swallowed {guard.faults()} faults of its own"] if guard.faults() else []
    installed = versions(*bench.packages, *SDKS)
    json.dump({"versions": installed, "calls": calls, "faults": found}, answer)


def versions(*packages: str) -> dict[str, str]:
    """What is installed of them."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def play(bench: Any) -> Iterator[dict[str, Any]]:
    """Make every call that the peers cover."""
    from costspan.testing import LLMServer
    from tests.peers.surfaces import SURFACES

    with LLMServer() as server:
        for surface in SURFACES:
            if bench.covers(surface):
                yield _play_one(bench, surface, server)


def _play_one(bench: Any, surface: Any, server: Any) -> dict[str, Any]:
    server.tally.clear()
    fault = None
    try:
        bench.call(surface, server)
    except Exception as exc:  # a peer that breaks the call is a finding
        fault = f"{type(exc).__name__}: {exc}"
    return {
        "surface": surface.name,
        "fault": fault,
        "spans": bench.spans.take(),
        "ledger": [_line(line) for line in bench.lines()],
        "served": [{name: getattr(one, name) for name in COUNTS} for one in server.tally],
    }


def _line(line: Any) -> dict[str, Any]:
    """A line of the ledger; its dollars as text, to their last digit."""
    usd = None if line.cost_usd is None else str(line.cost_usd)
    return {name: getattr(line, name) for name in LINE} | {"usd": usd}


if __name__ == "__main__":
    main(sys.argv[1].split("+"))
