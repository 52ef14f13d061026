"""What stands in a playing process: the peers, one provider, one ledger, and where spans go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costspan import CostSpanProcessor, CostTracker, Instrumentor
from costspan.testing import LLMServer
from tests.peers import callers
from tests.peers.peers import PEERS, Peer, global_provider
from tests.peers.play import OURS
from tests.peers.spans import Spans
from tests.peers.surfaces import Surface


class Bench:
    """Peers that are on, in the order of their names."""

    def __init__(self, names: Sequence[str]) -> None:
        self.spans = Spans()
        self._costs = CostTracker()
        self._taken = 0
        self._peers = [PEERS[name] for name in names if name != OURS]
        # Our own instrumentation adds the processor by itself.
        added = () if OURS in names else (CostSpanProcessor(self._costs),)
        provider = self._make_provider(added)
        for name in names:
            if name == OURS:
                Instrumentor().instrument(costs=self._costs)
            else:
                PEERS[name].switch_on(provider)

    def _make_provider(self, added: Sequence[Any]) -> Any:
        makers = [peer.provider for peer in self._peers if peer.provider is not global_provider]
        # Where a peer wraps the processors, the ledger's has to come before the exporter.
        return [*makers, global_provider][0]([*added, self.spans])

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions of all peers."""
        return tuple(package for peer in self._peers for package in peer.packages)

    def covers(self, surface: Surface) -> bool:
        """Whether every peer has spans for it, or the framework can make the call."""
        caller = self._caller()
        if caller is not None:
            return surface.method in caller.methods and not surface.is_async
        return all(surface.method in peer.methods for peer in self._peers)

    def _caller(self) -> Peer | None:
        """The peer whose framework makes the calls, where there is one."""
        return next((peer for peer in self._peers if peer.call is not callers.by_sdk), None)

    def call(self, surface: Surface, server: LLMServer) -> None:
        """Make one call."""
        caller = self._caller()
        (callers.by_sdk if caller is None else caller.call)(surface, server)

    def lines(self) -> list[Any]:
        """The lines that the ledger has gained."""
        lines = self._costs.records
        gained, self._taken = lines[self._taken :], len(lines)
        return gained
