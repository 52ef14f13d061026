"""Several instrumentations in one process: each call's dollars are counted once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.peers.play import OURS
from tests.peers.surfaces import SURFACES

TOGETHER: dict[str, tuple[str, ...]] = {
    "bench-official": (
        f"{OURS}+opentelemetry",
        f"opentelemetry+{OURS}",
        "opentelemetry+anthropic-sdk",
        f"{OURS}+opentelemetry+anthropic-sdk",
    ),
    "peer-logfire": (f"{OURS}+logfire", f"logfire+{OURS}", "logfire+anthropic-sdk"),
    "bench-openllmetry": (f"{OURS}+openllmetry", f"openllmetry+{OURS}"),
    "bench-openinference": (
        f"{OURS}+openinference",
        f"openinference+{OURS}",
        "openinference+anthropic-sdk",
    ),
    "peer-openlit": (f"{OURS}+openlit", f"openlit+{OURS}"),
    "peer-frameworks": (
        f"{OURS}+pydantic-ai",
        f"pydantic-ai+{OURS}",
        f"{OURS}+langchain-openinference",
        f"langchain-openinference+{OURS}",
        "langchain-openllmetry+langchain-openinference",
        "langchain-openinference+agents-opentelemetry",
        f"{OURS}+agents-openinference",
        "agents-openinference+agents-opentelemetry",
    ),
}
"""By environment, what is switched on there, in this order."""

_USD = {surface.name: surface.usd for surface in SURFACES}


def miscounted(call: Mapping[str, Any], *, ours: bool) -> str | None:
    """In words, where the ledger has not one line of a call; None where it is right.

    Args:
        ours: whether our own instrumentation was on, so that every price is to be exact.
    """
    lines = call["ledger"]
    if len(call["served"]) != 1 or call["fault"]:
        return f"{call['surface']}: {call['fault'] or 'not served once'}"
    if len(lines) != 1:
        return f"{call['surface']}: counted {len(lines)} times"
    told = lines[0]["usd"]
    if ours and (told is None or Decimal(told) != _USD[call["surface"]]):
        return f"{call['surface']}: {told} USD for {_USD[call['surface']]}"
    return None
