"""What a test of code that uses costspan needs: a local server that talks like the providers."""

from __future__ import annotations

from costspan.testing.capture import Captured, capture
from costspan.testing.server import LLMServer

__all__ = ["Captured", "LLMServer", "capture"]
