"""What a span says, read by the attribute names that a family of dialects has had for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from msgspec import Struct

from costspan.providers.operation import count

Names = tuple[str, ...]
Pairs = tuple[tuple[str, str], ...]
Said = Mapping[str, Any]
"""What a span says, by our words."""

ALIKE = frozenset(
    {
        *("provider", "request_model", "model", "address", "port", "base_url", "stream"),
        *("response_model", "finish_reasons", "service_tier", "asked_tier"),
    }
)
"""What many spans of one maker say alike; the rest each says for itself."""
_NO_TEXTS = frozenset({"port", "stream"})

_MOST_PLANS = 128
_MOST_NAMES = 64
"""Attributes of a span whose names are still remembered: some makers number each message."""


class Plan(Struct, frozen=True):
    """How spans are read that have certain attributes.

    Pairs of our word, or the field of `Usage`, and of the attribute that tells it: what is said
    `alike`, what each says for itself (`own`) and what it counts.

    Args:
        values: those of `alike`, as a tuple.
        typed: whether they may be equal, and yet say something else, as True and 1 do.
        known: what was worked out of such values.
    """

    alike: Pairs
    own: Pairs
    counts: Pairs
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    typed: bool
    known: dict[Any, Any]

    def said(self, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the span says for itself; None where it has an attribute that is None."""
        said = {}
        for word, name in self.own:
            value = said[word] = attributes[name]
            if value is None:
                return None
        return said

    def counted(self, attributes: Mapping[str, Any]) -> dict[str, int] | None:
        """What it counts; None where it has an attribute that is None."""
        counts = {}
        for field, name in self.counts:
            value = attributes[name]
            counted = value if type(value) is int and not value >> 63 else count(value)
            if counted is not None:
                counts[field] = counted
            elif value is None:
                return None
        return counts


class Columns:
    """The attribute names of one family of dialects: what each says, by the names it has had.

    Args:
        usage: pairs of an attribute and the field of `Usage` that it counts.
        operation: attributes that tell it, the oldest first. It says whether a span is read at all,
            and so it is not in a plan.
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
        self._plans: dict[Names, Plan] = {}
        told = [(name, word) for word, alike in names.items() for name in alike]
        self._places = {name: (thing, rank) for rank, (name, thing) in enumerate([*told, *usage])}

    def plan(self, attributes: Mapping[str, Any]) -> Plan:
        """How to read a span; of several names for one thing the newest.

        Spans of one maker mostly have the same names: which of them tell is worked out once.
        """
        names = tuple(attributes)
        return self._plans.get(names) or self._planned(names)

    def _planned(self, names: Names) -> Plan:
        newest = self._newest(name for name in names if name in self._places)
        alike = tuple(pair for pair in newest if pair[0] in ALIKE)
        others = [pair for pair in newest if pair[0] not in ALIKE]
        plan = Plan(
            alike=alike,
            own=tuple(pair for pair in others if pair[0] not in self._fields),
            counts=tuple(pair for pair in others if pair[0] in self._fields),
            values=_values(tuple(name for _, name in alike)),
            typed=not _NO_TEXTS.isdisjoint(word for word, _ in alike),
            known={},
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


def _values(names: Names) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Gives the values of some attributes as a tuple, however many there are."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda attributes: tuple(attributes[name] for name in names)
