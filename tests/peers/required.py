"""What has to hold: exact prices of the spans that tell all there is to tell, and nothing of ours
wrong anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.peers.judge import EXACT, OURS, Verdict

ALWAYS_EXACT = ("opentelemetry", "logfire", "anthropic-sdk")
"""The peers of which every plain, cached-read and streamed call is to be exact."""

_WRITES = "cache write"
"""Of what these say: the conventions do not tell for how long a cache was written."""


def faults(peer: str, environment: str, verdicts: Mapping[str, Verdict]) -> list[str]:
    """In words, which verdicts are not what they have to be."""
    return [
        f"{environment}: {peer}: {surface}: {verdict}"
        for surface, verdict in verdicts.items()
        if verdict.word == OURS
        or (peer in ALWAYS_EXACT and _WRITES not in surface and verdict.word != EXACT)
    ]
