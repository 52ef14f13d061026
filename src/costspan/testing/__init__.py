"""What a test of code that uses costspan needs: a local server that talks like the providers.

The names below are loaded when they are first used: the pytest plugin is in this package, and
pytest loads it in every run.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from costspan.testing.capturing import Captured, capture
    from costspan.testing.metering.accounts import LLMCalls
    from costspan.testing.server import LLMServer

_HOMES = {
    "Captured": "costspan.testing.capturing",
    "LLMCalls": "costspan.testing.metering.accounts",
    "LLMServer": "costspan.testing.server",
    "capture": "costspan.testing.capturing",
}

__all__ = ["Captured", "LLMCalls", "LLMServer", "capture"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'costspan.testing' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
