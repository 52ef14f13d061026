"""What is asked of a price book: this room knows no price itself."""

from __future__ import annotations

from typing import Protocol

from costspan.call import Call, Cost, Usage


class Priced(Protocol):
    """What a tariff says of counts."""

    missing: tuple[str, ...]


class Tariff(Protocol):
    """The rates of one model for one service tier; above each of `starts` tokens others hold."""

    model: str | None
    starts: tuple[int, ...]
    valid_until: float

    def per_token(self, prompt: int) -> tuple[int, ...] | None:
        """Picodollars of a token of input, cache read, write, write for an hour and output, and of
        a web search; None where a call must be priced as a whole."""

    def parts(self, usage: Usage) -> Priced:
        """What counts cost, and what of them has no price."""


class Book(Protocol):
    """Prices, of any moment."""

    def tariff_of(self, call: Call) -> Tariff | None:
        """The rates that hold for a call; None where nobody knows its model."""

    def cost(self, call: Call) -> Cost:
        """What a call costs."""
