"""A process in which one peer is switched on and makes each call once.

usage: python -m tests.peers.play PEER

Prints one JSON object: `versions`, and `calls`, a list of what each surface gave: the spans in the
order of their ends, the ledger's lines, what the server served, and `fault`, the call's exception.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

SETTINGS = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "no_content",
    "TRACELOOP_TRACE_CONTENT": "false",
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
    "OPENAI_AGENTS_DISABLE_TRACING": "0",
    "LANGSMITH_TRACING": "false",
}
NATIVE_SPANS = "ANTHROPIC_OPEN_TELEMETRY"
SDKS = ("openai", "anthropic", "opentelemetry-sdk")


def main(name: str) -> None:
    """Play `name` and print what it gave."""
    answer, sys.stdout = sys.stdout, sys.stderr  # some peers print
    os.environ.update(SETTINGS)
    if name != "anthropic-sdk":
        os.environ[NATIVE_SPANS] = "false"
    from tests.peers.peers import PEERS  # the SDKs and peers read the environment on import
    from tests.peers.spans import Spans

    peer, spans = PEERS[name], Spans()
    peer.switch_on([spans])
    calls = play(peer, spans)
    json.dump({"versions": versions(*peer.packages, *SDKS), "calls": calls}, answer)


def versions(*packages: str) -> dict[str, str]:
    """What is installed of them."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def play(peer: Any, spans: Any) -> list[dict[str, Any]]:
    """Make every call that the peer covers."""
    from costspan.testing import LLMServer
    from tests.peers.surfaces import SURFACES

    with LLMServer() as server:
        return [
            _play_one(peer, surface, server, spans)
            for surface in SURFACES
            if surface.method in peer.methods
        ]


def _play_one(peer: Any, surface: Any, server: Any, spans: Any) -> dict[str, Any]:
    server.tally.clear()
    fault = None
    try:
        peer.call(surface, server)
    except Exception as exc:  # noqa: BLE001 - a peer that breaks the call is a finding
        fault = f"{type(exc).__name__}: {exc}"
    return {
        "surface": surface.name,
        "fault": fault,
        "spans": spans.take(),
        "served": [served_counts(one) for one in server.tally],
    }


def served_counts(served: Any) -> dict[str, Any]:
    """The tokens of one answer."""
    kept = ("path", "model", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    return {name: value for name, value in asdict(served).items() if name in kept}


if __name__ == "__main__":
    main(sys.argv[1])
