"""What it costs to begin: import, first use, switching on, and the first call.

usage: python -m tests.benchmarks.startup sdk|clean|first|first-bare

`sdk`: CPU milliseconds of each step in a process that has imported the app's SDKs already.
`clean`: what each step opened and imported in a process that has not: sockets and SDKs.
`first`: CPU microseconds of the first and the tenth call after `instrument()`, where the SDK itself
was used before.
`first-bare`: the same with costspan switched off again. That the SDK's own code has left the caches
by then is in both.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

SDKS = ("openai", "anthropic", "google.genai")
USED_BEFORE = 10
TENTH = 10


def _steps() -> dict[str, Callable[[], Any]]:
    def first_use() -> None:
        importlib.import_module("costspan").Instrumentor()

    def switch_on() -> None:
        importlib.import_module("costspan").Instrumentor().instrument()

    return {
        "import costspan": lambda: importlib.import_module("costspan"),
        "first use of Instrumentor": first_use,
        "instrument()": switch_on,
    }


def steps_beside_the_sdks() -> dict[str, float]:
    """CPU milliseconds of this thread by step."""
    for name in ("openai", "anthropic", "pydantic"):
        importlib.import_module(name)
    taken = {}
    for name, step in _steps().items():
        start = time.thread_time()
        step()
        taken[name] = (time.thread_time() - start) * 1e3
    return taken


def steps_alone() -> dict[str, list[str]]:
    """By step, the socket events of the interpreter's audit and the SDKs that are imported."""
    events: list[str] = []
    sys.addaudithook(lambda event, _: events.append(event) if "socket." in event else None)
    found = {}
    for name, step in _steps().items():
        step()
        found[name] = sorted({*events, *(f"import {sdk}" for sdk in SDKS if sdk in sys.modules)})
    return found


def first_and_tenth(*, off: bool = False) -> dict[str, list[float]]:
    """CPU microseconds of the first and the tenth call, by SDK.

    Args:
        off: costspan is switched on, and off again before the first call.
    """
    from tests.benchmarks import clock, subjects, workload

    subjects.prepare_environment("ours")
    provider, _ = subjects.make_provider()
    calls = {name: workload.CALLS[name](None) for name in ("openai", "anthropic")}
    for call in calls.values():
        for _ in range(USED_BEFORE):
            call()
    with clock.uncollected():
        with subjects.switched_on("ours", provider):
            if not off:
                return _taken(calls)
        return _taken(calls)


def _taken(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    found = {}
    for name, call in calls.items():
        taken = []
        for _ in range(TENTH):
            start = time.thread_time()
            call()
            taken.append((time.thread_time() - start) * 1e6)
        found[name] = [taken[0], taken[-1]]
    return found


MODES: dict[str, Callable[[], Any]] = {
    "sdk": steps_beside_the_sdks,
    "clean": steps_alone,
    "first": first_and_tenth,
    "first-bare": lambda: first_and_tenth(off=True),
}

if __name__ == "__main__":
    print(json.dumps(MODES[sys.argv[1]]()))
