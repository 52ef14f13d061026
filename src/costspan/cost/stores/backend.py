"""What each kind of shared store supplies: its reading and writing, in single steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from costspan.cost.stores.contract import Bucket, Claim, Counter, Notice, Refusal, Standing
from costspan.cost.stores.entries import Settlement
from costspan.cost.stores.pool import Pool
from costspan.totals import Summary


class Backend(Protocol):
    """The reading and writing of one kind of store. Any thread may call; each call is one step."""

    name: str
    """What log lines call it; holds no address."""

    faults: tuple[type[Exception], ...]
    """What it raises where the store does not do its work."""

    pool: Pool[Any]
    """Its connections."""

    def reason(self, fault: Exception) -> str:
        """What went wrong, without an address, a password or anything that was stored."""

    def reach(self) -> object:
        """Do something harmless."""

    def settle(self, settlement: Settlement, at: int) -> tuple[Sequence[int], bool]:
        """Count it, unless its token was counted before; and say whether it is time to tend."""

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """As in the contract."""

    def prolong(self, token: str, expires: int) -> None:
        """As in the contract."""

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """As in the contract."""

    def buckets(self, budget: str, now: int, least: int) -> list[Bucket]:
        """As in the contract."""

    def claim(self, notice: Notice, now: int) -> bool:
        """As in the contract."""

    def mark(self, key: str, level: int, state: str) -> None:
        """As in the contract."""

    def due(self, now: int) -> list[Notice]:
        """As in the contract."""

    def notices(self, most: int) -> list[Notice]:
        """As in the contract."""

    def reset(self, budget: str, scope: str | None) -> int:
        """As in the contract."""

    def declare(self, budget: str, description: bytes) -> None:
        """As in the contract."""

    def declared(self) -> dict[str, bytes]:
        """As in the contract."""

    def sums(self, dimension: str) -> dict[str, Summary]:
        """By the keys of a dimension, or of `total`."""

    def tend(self, now: int, thoroughly: bool) -> None:
        """Tidy up: add up what was settled, and forget what counts no more.

        Args:
            thoroughly: whether what takes longer is looked for too.
        """
