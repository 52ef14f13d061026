"""Which interpreter plays which peers, and how a playing process is run.

`COSTSPAN_PEERS` names the environments and their interpreters, `bench-official=/path/python ...`;
`make peers` sets it. Without it they are looked for in `.venv`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds for one process

_FRAMEWORKS = (
    "pydantic-ai",
    "langchain-openllmetry",
    "langchain-openinference",
    "agents-opentelemetry",
    "agents-openinference",
)

ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "bench-official": ("opentelemetry", "anthropic-sdk"),
    "peer-official-older": ("opentelemetry", "anthropic-sdk"),
    "peer-logfire": ("logfire",),
    "peer-logfire-older": ("logfire",),
    "bench-openllmetry": ("openllmetry",),
    "peer-openllmetry-older": ("openllmetry",),
    "bench-openinference": ("openinference",),
    "peer-openinference-older": ("openinference",),
    "peer-openlit": ("openlit",),
    "peer-openlit-older": ("openlit",),
    "peer-frameworks": _FRAMEWORKS,
    "peer-frameworks-older": _FRAMEWORKS,
}
"""Newest releases first, each before the older one."""


class Unplayed(Exception):
    """A process gave no answer; says the last line of what it wrote."""


def interpreter(environment: str) -> Path | None:
    """The environment's Python; None where it is not there."""
    given = dict(item.split("=", 1) for item in os.environ.get("COSTSPAN_PEERS", "").split())
    if given:
        return Path(given[environment]) if environment in given else None
    path = ROOT / ".venv" / environment / "bin" / "python"
    return path if path.exists() else None


def played(python: Path, names: str) -> dict[str, Any]:
    """What a process of `play.py` printed.

    Args:
        names: the peers to switch on, as `play.py` takes them.

    Raises:
        Unplayed: it failed.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "COSTSPAN_"))}
    command = [str(python), "-W", "ignore", "-m", "tests.peers.play", names]
    done = subprocess.run(
        command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=PATIENCE
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it ended"]
        raise Unplayed(f"{names}: {lines[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
