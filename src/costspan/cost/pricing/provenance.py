"""Why a row of the price table was chosen, since when it holds, and what else it offers.

Rows are those of `genai-prices`, read by their attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from costspan.cost.pricing.rows import constraints
from costspan.cost.pricing.table import is_exact

_OPTIONS = {"processing": "tier", "service_tier": "tier", "speed": "speed"}
"""What a variant asks for, and the fact of an answer that tells it."""

_RULES = {
    "equals": "is",
    "starts_with": "begins with",
    "ends_with": "ends with",
    "contains": "contains",
    "regex": "fits the pattern",
}


class Variant(Struct, frozen=True):
    """Other rates of the same row: `fact` (`tier`, `speed`) and its value, and since which day."""

    fact: str
    value: str
    since: date | None
    in_force: bool


def rule(info: Any, model: str) -> str:
    """In words, why the row fits the model."""
    if is_exact(info, model):
        return "the row names this id"
    clause = _fitting(info.match, model.lower())
    return "its date is written otherwise in the row" if clause is None else f"it {_words(clause)}"


def period(info: Any, when: datetime) -> tuple[date | None, str | None]:
    """The day on which the plain rates in force began, and the hours of the day that they hold.

    None where they held for as long as the table goes back, and at any hour.
    """
    for row in reversed(info.prices if isinstance(info.prices, list) else []):
        limit = row.constraint
        if limit is None or limit.active(when):
            hours = hasattr(limit, "start_time")
            clock = f"{limit.start_time:%H:%M} to {limit.end_time:%H:%M} UTC" if hours else None
            return getattr(limit, "start_date", None), clock
    return None, None


def next_start(info: Any, when: datetime) -> date | None:
    """The next day, after `when`, on which one of the row's prices starts."""
    starts = (getattr(one, "start_date", None) for one in constraints(info))
    return min((day for day in starts if day is not None and day > when.date()), default=None)


def variants(info: Any, when: datetime) -> Iterator[Variant]:
    """The other rates that an answer's tier or speed may choose."""
    for variant in info.price_variants or ():
        if len(variant.when) != 1 or not any(vars(variant.prices).values()):
            continue
        ((fact, value),) = variant.when.items()
        if fact in _OPTIONS:
            limit = variant.constraint
            active = limit is None or limit.active(when)
            yield Variant(_OPTIONS[fact], value, getattr(limit, "start_date", None), active)


def _fitting(clause: Any, model: str) -> Any:
    """The innermost part of a rule that fits by itself."""
    for inner in getattr(clause, "or_", ()):
        found = _fitting(inner, model)
        if found is not None:
            return found
    return clause if clause.is_match(model) and not hasattr(clause, "or_") else None


def _words(clause: Any) -> str:
    if hasattr(clause, "and_"):
        return " and ".join(_words(inner) for inner in clause.and_)
    if hasattr(clause, "or_"):
        return " or ".join(_words(inner) for inner in clause.or_)
    ((kind, text),) = vars(clause).items()
    return f'{_RULES.get(kind, kind)} "{text}"'
