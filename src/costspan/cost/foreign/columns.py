"""What a span says, read by the attribute names that a family of dialects has had for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from costspan.providers.operation import count

Names = tuple[str, ...]
Pairs = tuple[tuple[str, str], ...]
Said = Mapping[str, Any]
"""What a span says, by our words."""
Told = tuple[dict[str, Any], dict[str, int]]
"""The same, and what it counts by the fields of `Usage`."""

_MOST_PLANS = 128
_MOST_NAMES = 64
"""Attributes of a span whose names are still remembered: some makers number each message."""


class _Plan(Struct, frozen=True, gc=False):
    """What tells what, of the attributes that a span has: by our words, and by fields of `Usage`.

    Pairs of the word or the field and of the attribute's name.
    """

    words: Pairs
    counts: Pairs


class Columns:
    """The attribute names of one family of dialects: what each says, by the names it has had.

    Args:
        usage: pairs of an attribute and the field of `Usage` that it counts.
        operation: attributes that tell it, the oldest first. It says whether a span is read at all,
            and so it is not among what `said` gives.
        names: for each other thing its attributes, the oldest first. `base_url`, `parameters` (a
            JSON object of what was asked), `raw` (the provider's own usage as JSON) and `seconds`
            (how long the call took) are told by some only; `their_cost` is what another
            instrumentation says that the call cost, in US dollars.
    """

    __slots__ = ("_fields", "_places", "_plans", "names", "operation")

    def __init__(self, usage: Pairs, *, operation: Names, **names: Names) -> None:
        self.names = names
        self.operation = tuple(reversed(operation))
        self._fields = frozenset(field for _, field in usage)
        self._plans: dict[Names, _Plan] = {}
        told = [(name, word) for word, alike in names.items() for name in alike]
        self._places = {name: (thing, rank) for rank, (name, thing) in enumerate([*told, *usage])}

    def said(self, attributes: Mapping[str, Any]) -> Told:
        """What a span says; of several names for one thing the newest.

        Spans of one maker mostly have the same names: which of them tell is worked out once.
        """
        names = tuple(attributes)
        plan = self._plans.get(names) or self._plan(names)
        words, counts = {}, {}
        for word, name in plan.words:
            value = words[word] = attributes[name]
            if value is None:
                return self._said_without_none(attributes)
        for field, name in plan.counts:
            value = attributes[name]
            counted = value if type(value) is int and not value >> 63 else count(value)
            if counted is not None:
                counts[field] = counted
            elif value is None:
                return self._said_without_none(attributes)
        return words, counts

    def _said_without_none(self, attributes: Mapping[str, Any]) -> Told:
        """None says nothing, and an older name may."""
        return self.said({k: v for k, v in attributes.items() if v is not None})

    def _plan(self, names: Names) -> _Plan:
        newest = self._newest(name for name in names if name in self._places)
        plan = _Plan(
            tuple(pair for pair in newest if pair[0] not in self._fields),
            tuple(pair for pair in newest if pair[0] in self._fields),
        )
        if len(names) <= _MOST_NAMES:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[names] = plan
        return plan

    def _newest(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Each thing that is told, and the newest of the names that tell it."""
        newest: dict[str, tuple[int, str]] = {}
        for name in names:
            thing, rank = self._places[name]
            newest[thing] = max((rank, name), newest.get(thing, (rank, name)))
        return [(thing, name) for thing, (_, name) in newest.items()]
