"""Several instrumentations in one process: each call's dollars are counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.peers.play import NATIVE, OURS
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
        "pydantic-ai+anthropic-sdk",
        f"{OURS}+langchain-openllmetry",
        f"langchain-openllmetry+{OURS}",
        "langchain-openllmetry+opentelemetry",
        f"{OURS}+langchain-openinference",
        f"langchain-openinference+{OURS}",
        "langchain-openinference+opentelemetry",
        "langchain-openinference+anthropic-sdk",
        f"{OURS}+agents-openinference",
        f"agents-openinference+{OURS}",
        f"{OURS}+agents-opentelemetry",
        "agents-openinference+opentelemetry",
    ),
}
"""By environment, what is switched on there, in this order."""

_USD = {surface.name: surface.usd for surface in SURFACES}


def miscounts(names: str, calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """In words, of which calls the ledger has not one line with the right price.

    Args:
        names: what was switched on. Where costspan or the Anthropic SDK is among them the price is
            to be whole; others leave out what a cache write costs.
    """
    whole = bool({OURS, NATIVE}.intersection(names.split("+")))
    return [f"{call['surface']}: {why}" for call in calls if (why := _miscounted(call, whole))]


def _miscounted(call: Mapping[str, Any], whole: bool) -> str | None:
    lines = call["ledger"]
    if call["fault"] or len(call["served"]) != 1:
        return call["fault"] or f"{len(call['served'])} requests were served"
    if len(lines) != 1:
        return f"counted {len(lines)} times"
    told, right = lines[0]["usd"], _USD[call["surface"]]
    if lines[0]["status"] == "partial" and not whole:
        return None
    return None if told is not None and Decimal(told) == right else f"{told} USD for {right}"
