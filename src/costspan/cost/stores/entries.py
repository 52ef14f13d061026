"""What a shared store writes of one call: whole numbers under the keys that sums are asked by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from costspan.call import Call, Cost, usd, whole_characters
from costspan.cost.ledger import NONE, OTHER
from costspan.cost.stores.contract import Charge
from costspan.totals import Figures, Summary, figures_of

STATS = (
    "calls",
    "errors",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "unpriced_calls",
    "alerts",
    "runtime_nanos",
    "cost_micros",
    "cost_picos",
)
"""The numbers that are summed up. A cost is `cost_micros` (10^-6 USD) and `cost_picos` (what is
left of it, 10^-12 USD) together, so that no sum of costs leaves 64 bits."""

TOTAL = ("total", "")
"""Dimension and key of the sums of everything."""

Key = tuple[str, str]
Amounts = tuple[int, ...]

_PICOS_PER_MICRO = 10**6
_MOST_COUNTED, _MOST_NANOS = 10**12, 10**16
"""Of one call: tokens or millionths of a dollar, and its time. No call comes near that, and what a
server made up may be far more: sums of it would leave 64 bits."""
_COUNTED = STATS[:8]
_NOTHING = dict.fromkeys(STATS, 0)


class Settlement(Struct, frozen=True, gc=False):
    """One thing to be counted, once.

    Args:
        token: its name; what was reserved under it is free again.
        keys: under which dimensions and keys it counts; the total stands for itself.
        amounts: what it adds to each number of `STATS`.
        charges: what it adds to counters.
    """

    token: str
    keys: tuple[Key, ...]
    amounts: Amounts
    charges: tuple[Charge, ...] = ()


def settlement_of(call: Call, cost: Cost, charges: Sequence[Charge], token: str) -> Settlement:
    """A finished call, as it is to be counted."""
    one = Figures(*figures_of(call, cost))
    micros, picos = divmod(one.picos, _PICOS_PER_MICRO)
    counted = [_within(getattr(one, name), _MOST_COUNTED) for name in _COUNTED]
    nanos = _within(round(one.runtime_seconds * 1e9), _MOST_NANOS)
    amounts = (*counted, nanos, _within(micros, _MOST_COUNTED), picos)
    return Settlement(token, keys_of(call), amounts, tuple(charges))


def _within(amount: int, most: int) -> int:
    return max(-most, min(amount, most))


def correction(call: Call, token: str, **amounts: int) -> Settlement:
    """A change of some numbers of `STATS` under the keys of `call`."""
    return Settlement(token, keys_of(call), tuple({**_NOTHING, **amounts}.values()))


def keys_of(call: Call) -> tuple[Key, ...]:
    """The dimensions and keys that a call counts under."""
    keys = [
        ("agent", _key(call.agent)),
        ("session", _key(call.session)),
        ("user", _key(call.user)),
        ("endpoint", _key(call.endpoint)),
        ("model", _key(call.model)),
        ("provider", _key(call.request.provider)),
        ("trace", f"{call.trace_id:032x}" if call.trace_id else NONE),
    ]
    for tag, value in call.tags.items() if call.tags else ():
        keys.append((f"tag:{_key(tag)}", _key(str(value))))
    return tuple(keys)


def _key(text: str | None) -> str:
    return whole_characters(text) if text else NONE


def summed(entries: Iterable[tuple[Iterable[Key], Sequence[int]]]) -> dict[Key, list[int]]:
    """The sums of some entries, by key, the total among them."""
    sums: dict[Key, list[int]] = {}
    for keys, amounts in entries:
        for key in (TOTAL, *((dimension, name) for dimension, name in keys)):
            known = sums.get(key)
            sums[key] = list(amounts) if known is None else _added(known, amounts)
    return sums


class Room(Protocol):
    """What a store knows of the keys that it keeps."""

    def known(self, key: Key) -> bool:
        """Whether it keeps this one."""

    def count(self, dimension: str) -> int:
        """How many keys a dimension has."""

    def dimensions(self) -> int:
        """How many dimensions there are."""


def bounded(sums: Mapping[Key, list[int]], room: Room, most: int) -> dict[Key, list[int]]:
    """`sums` with what there is no room for under `(other)`.

    Args:
        most: how many keys a dimension may have, and how many dimensions there may be.
    """
    kept: dict[Key, list[int]] = {}
    counts: dict[str, int] = {}
    for (dimension, name), amounts in sums.items():
        key = (dimension, name)
        if name != OTHER and not room.known(key):
            if dimension not in counts:
                counts[dimension] = room.count(dimension)
            if counts[dimension] >= most:
                key = (dimension, OTHER)
            elif counts[dimension] == 0 and _is_one_too_many(dimension, room, most):
                continue
            else:
                counts[dimension] += 1
        before = kept.get(key)
        kept[key] = amounts if before is None else _added(before, amounts)
    return kept


def _is_one_too_many(dimension: str, room: Room, most: int) -> bool:
    return dimension.startswith("tag:") and room.dimensions() >= most


def _added(some: Sequence[int], more: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(some, more, strict=True)]


def summary_of(numbers: Sequence[int]) -> Summary:
    """The record that users see, of the numbers in the order of `STATS`."""
    *counted, nanos, micros, picos = numbers
    known = dict(zip(_COUNTED, counted, strict=True))
    return Summary(
        runtime_seconds=nanos / 1e9, cost_usd=usd(micros * _PICOS_PER_MICRO + picos), **known
    )


def by_cost(rows: Mapping[str, Sequence[int]]) -> dict[str, Summary]:
    """Sums by key, the dearest first."""
    sums = {key: summary_of(numbers) for key, numbers in rows.items()}
    return dict(sorted(sums.items(), key=lambda item: item[1].cost_usd, reverse=True))
