"""The processors that `instrument()` adds by itself: one for each provider that spans go to.

The SDK has no way to take a processor off a provider. So each stays where it is, at rest while
costspan is switched off, and serves again when it is switched on.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from costspan.guard import quietly

if TYPE_CHECKING:
    from costspan.cost.foreign.processor import CostSpanProcessor
    from costspan.cost.tracker import CostTracker


class ForeignSpans:
    """Has the spans of every provider that it meets priced by the tracker in use."""

    def __init__(self) -> None:
        self._costs: CostTracker | None = None
        self._joined: list[tuple[weakref.ref[Any], CostSpanProcessor]] = []

    def serve(self, costs: CostTracker | None) -> None:
        """Count with `costs` from now on; with None, let every span pass as it is."""
        self._costs = costs
        self._joined = [pair for pair in self._joined if pair[0]() is not None]
        for _, processor in self._joined:
            processor.serve(None)

    def prices(self, provider: Any) -> bool:
        """Whether the spans of `provider` are priced as they end."""
        return any(
            known() is provider and processor.costs is not None for known, processor in self._joined
        )

    def join(self, provider: Any) -> None:
        """Price the spans of `provider` too, if it is one of an SDK."""
        if self._costs is None or not callable(getattr(provider, "add_span_processor", None)):
            return
        with quietly("joining a tracer provider"):
            for known, processor in self._joined:
                if known() is provider:
                    processor.serve(self._costs)
                    return
            # Imported here: it brings the SDK, which an app that has no provider may do without.
            from costspan.cost.foreign.processor import CostSpanProcessor

            processor = CostSpanProcessor(self._costs)
            provider.add_span_processor(processor)
            self._joined.append((weakref.ref(provider), processor))
