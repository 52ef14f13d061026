"""From a store's address to the store."""

from __future__ import annotations

from costspan.cost.stores.contract import Store
from costspan.cost.stores.memory import MemoryStore
from costspan.errors import ConfigurationError


def opened(address: str) -> Store:
    """The store of an address.

    Raises:
        ConfigurationError: there is none of that kind.
    """
    if address == "memory":
        return MemoryStore()
    raise ConfigurationError("CostTracker(store=...) is not available yet: 'memory'")
