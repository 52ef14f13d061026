"""What a span says, read by the attribute names that a family of dialects has had for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Names = tuple[str, ...]

_MOST_PLANS = 128
_MOST_NAMES = 64
"""Attributes of a span whose names are still remembered: some makers number each message."""


class Columns:
    """The attribute names of one family of dialects: what each says, by the names it has had.

    Args:
        usage: pairs of an attribute and the field of `Usage` that it counts.
        names: for each other thing its attributes, the oldest first. `base_url`, `parameters` (a
            JSON object of what was asked), `raw` (the provider's own usage as JSON) and `seconds`
            (how long the call took) are told by some only; `their_cost` is what another
            instrumentation says that the call cost, in US dollars.
    """

    __slots__ = ("_places", "_plans", "names", "operation", "usage")

    def __init__(self, usage: tuple[tuple[str, str], ...], **names: Names) -> None:
        self.usage = usage
        self.names = names
        self.operation = tuple(reversed(names["operation"]))
        self._places: dict[str, tuple[str, int]] = {}
        self._plans: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
        pairs = [(name, thing) for thing, alike in names.items() for name in alike]
        for rank, (name, thing) in enumerate([*pairs, *usage]):
            self._places[name] = (thing, rank)

    def said(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """What a span says, by our words for it; of several names for one thing the newest.

        Spans of one maker mostly have the same names: which of them count is worked out once.
        """
        if len(attributes) > _MOST_NAMES:
            return self._read(attributes)
        names = tuple(attributes)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._newest(attributes.keys() & self._places.keys())
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[names] = plan
        said = {thing: attributes[name] for thing, name in plan}
        # None says nothing, and an older name for it may.
        return self._read(attributes) if None in said.values() else said

    def _read(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        known = attributes.keys() & self._places.keys()
        plan = self._newest(name for name in known if attributes[name] is not None)
        return {thing: attributes[name] for thing, name in plan}

    def _newest(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Pairs of a thing and the newest of the names that tell it."""
        newest: dict[str, tuple[int, str]] = {}
        for name in names:
            thing, rank = self._places[name]
            newest[thing] = max((rank, name), newest.get(thing, (rank, name)))
        return tuple((thing, name) for thing, (_, name) in newest.items())
