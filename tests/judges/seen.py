"""What a judge says of one span, in the same words for all judges."""

from typing import Any

from msgspec import Struct


class Seen(Struct):
    """One span as a judge's API gives it back; None for what it does not tell.

    Args:
        kind: the judge's own word for what the span is.
        asked: the texts of the input messages, as the judge shows them.
        answered: those of the output messages; a tool call is its name.
        their_cost: US dollars, worked out by the judge from tokens and its own prices.
        attributes: what we wrote and the judge has kept under its own name.
    """

    kind: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    asked: list[str]
    answered: list[str]
    their_cost: float | None
    failed: bool
    attributes: dict[str, Any]


class Verdict(Struct):
    """What a judge says of a trace: its spans by span id, and its own sums over them."""

    spans: dict[str, Seen]
    total_cost: float | None
    total_input_tokens: int | None
    session: str | None
    user: str | None
