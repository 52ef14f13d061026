"""What the memory's store keeps of one counter, and of one reservation."""

from __future__ import annotations

from costspan.cost.stores.contract import Counter, Standing


class Reserved:
    """What is reserved for one call."""

    __slots__ = ("expires", "parts")

    def __init__(self, expires: int) -> None:
        self.expires = expires
        self.parts: list[tuple[Sums, int, int]] = []


class Sums:
    """One counter: amounts spent and held, by bucket."""

    __slots__ = ("held", "spent", "until")

    def __init__(self) -> None:
        self.spent: dict[int, int] = {}
        self.held: dict[int, int] = {}
        self.until = 0

    def add(self, counter: Counter, amount: int) -> int:
        """Add to the counter's bucket; gives the sum that counts then."""
        spent, bucket = self.spent, counter.bucket
        spent[bucket] = spent.get(bucket, 0) + amount
        self.until = max(self.until, counter.until)
        if len(spent) == 1:
            return spent[bucket]
        for old in [one for one in spent if one < counter.since]:
            del spent[old]
        return sum(spent.values())

    def hold(self, bucket: int, amount: int) -> None:
        """Hold more, or less."""
        held = self.held.get(bucket, 0) + amount
        if held > 0:
            self.held[bucket] = held
        else:
            self.held.pop(bucket, None)

    def taken(self, since: int) -> int:
        """What is spent and held from `since` on. Spelled out, as it runs before every call."""
        total = 0
        for bucket, amount in self.spent.items():
            if bucket >= since:
                total += amount
        if self.held:
            for bucket, amount in self.held.items():
                if bucket >= since:
                    total += amount
        return total

    def standing(self, since: int) -> Standing:
        """What counts from `since` on."""
        return Standing(
            sum(amount for bucket, amount in self.spent.items() if bucket >= since),
            sum(amount for bucket, amount in self.held.items() if bucket >= since),
        )
