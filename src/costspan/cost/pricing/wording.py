"""An explanation of a price as lines that a person reads, and as plain data for a script."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from costspan.call import Cost, plain
from costspan.cost.pricing.explain import Explanation, Rated
from costspan.cost.pricing.provenance import Variant

Line = tuple[str, str]
"""A topic, empty where it is the one above, and what is to be said of it."""

PARTS = ("input", "cache_read", "cache_write", "output", "tools")
_PERS = {10**6: "million", 10**9: "billion", 3600: "hour of", 1000: "1,000"}


def lines(found: Explanation) -> list[Line]:
    """The explanation, the price itself first."""
    if found.source == "none":
        return list(_unknown(found))
    return [
        *_rates(found),
        *_origin(found),
        *_times(found),
        *_choices(found),
        *_lacking(found),
        *_cost(found),
    ]


def _unknown(found: Explanation) -> Iterator[Line]:
    asked = found.question
    of = f" of {found.provider}" if found.provider else ""
    yield "price", f"none is known for {asked.model}{of}"
    yield "table", found.prices_as_of
    if found.meant_provider is not None:
        yield "provider", f"nobody knows {asked.provider}; did you mean {found.meant_provider}?"
    if found.also_sold_by:
        yield "sold by", _listed(found.also_sold_by)
    if found.nearest:
        yield "nearest", _listed(found.nearest)
    yield "add one", f'Prices(overrides={{"{asked.model}": Rate(input=..., output=...)}})'
    yield "", "or, in the file under [prices.overrides],"
    yield "", f'"{asked.model}" = {{ input = ..., output = ... }}'


def _rates(found: Explanation) -> Iterator[Line]:
    if found.flat_usd_per_hour is not None:
        yield "USD", _flat(found.flat_usd_per_hour)
        return
    bands = [_bands(found, rated) for rated in found.rates]
    width = max(map(len, bands), default=0)
    topic = "USD"
    for band, rated in zip(bands, found.rates, strict=True):
        yield topic, f"{band:{width}}  per {_PERS[rated.per]} {_name(rated.count)}"
        topic = ""
    if not bands:
        yield "USD", "the row has no rate that costspan can use"
    if found.starts:
        steps = ", ".join(f"{start:,}" for start in found.starts)
        yield "size", f"a prompt of more than {steps} tokens has the later rate for the whole call"


def _flat(per_hour: Decimal) -> str:
    return f"{plain(per_hour)} per hour that the call runs" if per_hour else "free"


def _bands(found: Explanation, rated: Rated) -> str:
    """The rate of every size, each once; the one that holds is marked where counts were given."""
    if len(set(rated.usd)) == 1:
        return plain(rated.usd[0])
    amounts = [plain(one) for one in rated.usd]
    if found.cost is not None:
        amounts[found.band] = f"[{amounts[found.band]}]"
    return " / ".join(amounts)


def _name(count: str) -> str:
    return count.replace("_", " ").removesuffix(" seconds")


def _origin(found: Explanation) -> Iterator[Line]:
    if found.source == "override":
        yield "from", f'your own rate, "{found.key}"'
        return
    if found.source == "assumed":
        yield "from", "the rate that you assume for models that nobody knows"
        return
    yield "row", f"{found.row} of {found.lender or found.seller}, {found.match}: {found.rule}"
    if found.lender:
        yield "", f"{found.seller} has no row of its own for it"
    yield "table", found.prices_as_of
    asked = found.question
    if asked.provider is None:
        why = "as no --provider was given" if asked.host is None else f"by the host {asked.host}"
        yield "provider", f"{found.provider}, {why}"
    others = tuple(one for one in found.also_sold_by if one != found.lender)
    if others:
        yield "also by", _listed(others)


def _times(found: Explanation) -> Iterator[Line]:
    if found.source != "table":
        return
    yield "since", str(found.since or "as long as the table goes back")
    if found.hours is not None:
        yield "hours", f"{found.hours}, each day"
    if found.next_start is not None:
        yield "changes", str(found.next_start)


def _choices(found: Explanation) -> Iterator[Line]:
    asked = found.question
    given = {"tier": asked.tier, "speed": asked.speed}
    taken = [one for one in found.variants if one.in_force and given[one.fact] == one.value]
    for variant in taken:
        yield variant.fact, f"{variant.value}, whose rates began {variant.since or 'with the row'}"
    others = [one for one in found.variants if one not in taken]
    if others:
        yield "also for", "; ".join(map(_choice, others))


def _choice(variant: Variant) -> str:
    began = f" since {variant.since}" if variant.since else ""
    if not variant.in_force:
        began = f" from {variant.since}" if variant.since else " at other hours"
    return f"--{variant.fact} {variant.value}{began}"


def _lacking(found: Explanation) -> Iterator[Line]:
    for fact in found.lacks:
        yield "lacks", f"rates for this {fact}: the plain ones are taken, and the call is partial"
    lifetimes = "cache_write_" if "cache_write_tokens" in found.unrated else "\0"
    named = [one for one in found.unrated if one == "cache_write_tokens" or lifetimes not in one]
    if named:
        counts = ", ".join(_name(one).removesuffix(" tokens") for one in named)
        yield "no rate", f"{counts}: a call that has one of them is partial"


def _cost(found: Explanation) -> Iterator[Line]:
    cost = found.cost
    if cost is None:
        if found.flat_usd_per_hour and found.question.usage is not None:
            yield "call", "say with --seconds how long it ran"
        return
    counts = _counts(found)
    topic = "call"
    for part, dollars in () if found.flat_usd_per_hour is not None else _parts(cost):
        if dollars or counts.get(part):
            count = f", {counts[part]:,} tokens" if part in counts else ""
            yield topic, f"{plain(dollars):<13}  {_name(part)}{count}"
            topic = ""
    total = "no figure" if cost.total_usd is None else f"{plain(cost.total_usd):<13}  USD in all"
    missing = f", missing {', '.join(cost.missing)}" if cost.missing else ""
    yield topic, f"{total}, {cost.status}{missing}"


def _parts(cost: Cost) -> Iterator[tuple[str, Decimal]]:
    for part in PARTS:
        dollars = getattr(cost, f"{part}_usd")
        if dollars is not None:
            yield part, dollars


def _counts(found: Explanation) -> dict[str, int]:
    """The tokens of each part, where they are billed."""
    usage = found.question.usage
    if usage is None or found.flat_usd_per_hour is not None:
        return {}
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    return {
        "input": (usage.input_tokens or 0) - read - written,
        "cache_read": read,
        "cache_write": written,
        "output": usage.output_tokens or 0,
    }


_LISTED = 8


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def as_json(found: Explanation) -> str:
    """The explanation as one JSON object; dollars are numbers with all their digits."""
    facts = {name: getattr(found, name) for name in found.__struct_fields__}
    question = facts.pop("question")
    facts = {"model": question.model, **facts, "cost": _dollars(found.cost)}
    facts["at"] = question.at
    text = msgspec.json.Encoder(decimal_format="number").encode(facts)
    return msgspec.json.format(text, indent=2).decode()


def _dollars(cost: Cost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    parts = {f"{part}_usd": getattr(cost, f"{part}_usd") for part in PARTS}
    return {
        "status": cost.status,
        "missing": cost.missing,
        "total_usd": cost.total_usd,
        **parts,
    }
