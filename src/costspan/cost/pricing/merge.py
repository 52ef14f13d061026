"""Which rows of a fetched table are taken, and which are held back.

Prices are fetched from a place that has been wrong before: old data has overwritten right data
there. So a table is refused whole where it is older or mostly different, and a row that would
change a price by more than a factor of two is held back: the row in use stays in its place.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from costspan.cost.pricing.compare import Change, changes
from costspan.cost.pricing.table import Table

MOST_FACTOR = Decimal(2)
_Held = Mapping[tuple[str, str], Sequence[Change]]


class TableRefused(Exception):
    """The fetched table is not taken: `kind` is a word for it, the text says why."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def merged(in_use: Table, fetched: Table) -> tuple[Table, list[Change]]:
    """The table to use from now on, and the changes that are held back.

    Raises:
        TableRefused: nothing of the fetched table is taken.
    """
    newest, present = fetched.newest_change, in_use.newest_change
    if present is not None and (newest is None or newest < present):
        raise TableRefused(
            "an older table",
            f"its newest price is of {newest}, that of the one in use of {present}",
        )
    held, known = _held_back(in_use, fetched)
    if 2 * len(held) > known:
        raise TableRefused(
            "a strange table",
            f"it would take the price from {len(held)} of {known} models, or change it by more "
            f"than a factor of {MOST_FACTOR}",
        )
    if not held:
        return fetched, []
    source = f"{fetched.source}, {len(held)} held back"
    rows = _with_rows_of(in_use, fetched, held)
    table = Table(rows, source, fetched.fetched_on)
    left, _ = _held_back(in_use, table)
    if left:
        # Rules overlap: a row that stays may match models that had a row of their own before it.
        table = Table(_with_providers_of(in_use, rows, left), source, fetched.fetched_on)
    return table, [change for changed in held.values() for change in changed]


def _held_back(in_use: Table, fetched: Table) -> tuple[_Held, int]:
    """The rows in use that stay as they are, each with why, and how many rows there are."""
    held: dict[tuple[str, str], list[Change]] = {}
    known = 0
    for provider, info in in_use.models():
        found = in_use.find(provider, info.id)
        if found is None or found[1] is not info:
            continue  # another row stands before it
        known += 1
        other = fetched.find(provider, info.id)
        changed = changes(provider, info.id, info, None if other is None else other[1])
        wild = [change for change in changed if is_wild(change)]
        if wild:
            held[provider, info.id] = wild
    return held, known


def is_wild(change: Change) -> bool:
    """Whether a rate is lost, becomes or was free, or changes by more than a factor of two."""
    if change.before is None:
        return change.after == 0
    if change.factor is None:
        return True
    return not 1 / MOST_FACTOR <= change.factor <= MOST_FACTOR


def _with_rows_of(in_use: Table, fetched: Table, held: _Held) -> list[Any]:
    """The fetched providers, with the rows in use in place of those that are held back."""
    providers = {provider.id: provider for provider in fetched.providers}
    for old in in_use.providers:
        kept = [info for info in old.models if (old.id, info.id) in held]
        if not kept:
            continue
        # Copies: the rows that the library itself uses are not ours to change.
        provider = copy.copy(providers.get(old.id, old))
        provider.models = list(provider.models) if old.id in providers else []
        for info in kept:
            _put(info, provider.models)
        providers[old.id] = provider
    return list(providers.values())


def _with_providers_of(in_use: Table, rows: list[Any], left: _Held) -> list[Any]:
    """The same rows, but for the providers of `left` all of those in use."""
    names = {provider for provider, _ in left}
    kept = [provider for provider in in_use.providers if provider.id in names]
    return [*(provider for provider in rows if provider.id not in names), *kept]


def _put(info: Any, models: list[Any]) -> None:
    """Put a row where its own id finds it first; the row of the same id goes."""
    at = next((n for n, other in enumerate(models) if other.is_match(info.id)), len(models))
    models.insert(at, info)
    models[:] = [other for other in models if other is info or other.id != info.id]
