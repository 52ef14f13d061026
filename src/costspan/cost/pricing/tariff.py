"""One row of a price table, compiled to whole numbers, and the arithmetic of one call.

A rate is counted in attodollars (10^-18 USD) per unit, as an exact fraction, and each part of a
call is rounded once, half to even, to whole picodollars. Where the rates of a row are whole
picodollars, as nearly all are, nothing needs rounding and plain integers do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from msgspec import Struct

from costspan.call import Usage
from costspan.cost.pricing.billed import (
    CACHE,
    KEYS,
    MEASURES,
    NEEDS_OWN_RATE,
    SPECIAL,
    WHOLES,
    is_special,
)

ATTOS_PER_PICO = 10**6
PARTS = ("input", "cache_read", "cache_write", "output", "tools")
Counts = dict[str, int | Fraction]
"""Reported counts by the table's words; seconds need not be whole."""

_MEASURED = frozenset(field for group in MEASURES for field in group)


class Parts(Struct, gc=False):
    """Picodollars of one usage, by part, and the names of what could not be priced."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    tools: int = 0
    missing: tuple[str, ...] = ()


class Unit(Struct, frozen=True, kw_only=True):
    """One priced count.

    Args:
        key: the table's name of the count.
        part: index into `PARTS`.
        attos: attodollars per unit, one for each band of the tariff.
        within: keys of the priced counts that are parts of this one.
        overlaps: pairs of keys whose common part this is, and must be reported if both are.
    """

    key: str
    part: int
    attos: tuple[Fraction, ...]
    within: tuple[str, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()


class Tariff:
    """The rates of one model, for one service tier, until `valid_until` (seconds since the epoch).

    `starts` are the prompt sizes above which the next band of rates holds for the whole call.
    `plain` are counts of `NEEDS_OWN_RATE` that this row does bill at the rate of their whole.
    `least_seconds` is the shortest audio that is billed. `lacks` names what makes the rates wrong.
    """

    __slots__ = (
        "_basic",
        "_is_whole",
        "_measures",
        "_needs_input",
        "_prices_input",
        "_prices_output",
        "_unrated",
        "_unrated_cache",
        "lacks",
        "least_seconds",
        "match",
        "model",
        "prices_as_of",
        "starts",
        "units",
        "valid_until",
    )

    def __init__(
        self,
        *,
        model: str | None,
        match: str,
        prices_as_of: str | None,
        units: Sequence[Unit],
        starts: Sequence[int] = (),
        lacks: tuple[str, ...] = (),
        plain: Collection[str] = (),
        least_seconds: int = 0,
        valid_until: float = float("inf"),
    ) -> None:
        self.model = model
        self.match = match
        self.prices_as_of = prices_as_of
        self.units = tuple(units)
        self.starts = tuple(starts)
        self.lacks = lacks
        self.least_seconds = least_seconds
        self.valid_until = valid_until
        keys = frozenset(unit.key for unit in units)
        self._prices_input = "input_tokens" in keys
        self._prices_output = "output_tokens" in keys
        self._measures = _measures(keys)
        self._needs_input = self._prices_input or not self._measures
        self._unrated = tuple(
            field for field in NEEDS_OWN_RATE if KEYS.get(field) not in keys and field not in plain
        )
        self._unrated_cache = tuple(field for field in self._unrated if field in CACHE)
        # Many rows have no rate for cache writes, as their providers charge nothing for them.
        self._is_whole = (
            self._prices_input
            and self._prices_output
            and not lacks
            and "cache_read_tokens" not in self._unrated_cache
        )
        self._basic = _basic_rates(self.units, len(self.starts) + 1)

    def parts(self, usage: Usage) -> Parts:
        """What `usage` costs. Lacking counts are named; nothing is invented for them."""
        if self._basic is None or is_special(usage):
            return self._general_parts(usage)
        total = usage.input_tokens or 0
        read = usage.cache_read_tokens or 0
        written = usage.cache_write_tokens or 0
        hour = usage.cache_write_1h_tokens or 0
        band = self._band(total) if self.starts else 0
        fresh_rate, read_rate, write_rate, hour_rate, output_rate, _ = self._basic[band]
        if read + written > total or hour > written:
            output = (usage.output_tokens or 0) * output_rate
            return Parts(output=output, missing=(*self.lacks, "consistent_usage"))
        return Parts(
            (total - read - written) * fresh_rate,
            read * read_rate,
            (written - hour) * write_rate + hour * hour_rate,
            (usage.output_tokens or 0) * output_rate,
            0,
            # Of counts that are not 0 a whole row misses nothing, but for what it has no rate for.
            ()
            if self._is_whole
            and total
            and usage.output_tokens
            and not (written and self._unrated_cache)
            else self._missing(usage, self._unrated_cache),
        )

    def per_token(self, prompt: int) -> tuple[int, ...] | None:
        """Picodollars in a prompt of that size, of one token and of one search.

        They are of input, cache reads, cache writes, those for an hour, output, and web searches.
        None where they are no whole numbers, or not all: a call is priced as a whole then.
        """
        return None if self._basic is None else self._basic[self._band(prompt)]

    def needs(self, fact: str, usage: Usage) -> bool:
        """Whether the price of `usage` hangs on a fact that nobody told, such as a dearer part."""
        whole = WHOLES.get(fact)
        if whole is None:
            return True
        rates = {unit.key: unit.attos for unit in self.units}
        return bool(getattr(usage, whole)) and rates.get(fact) not in (None, rates.get(whole))

    def _band(self, tokens: int) -> int:
        band = 0
        for start in self.starts:
            if tokens <= start:
                break
            band += 1
        return band

    def _general_parts(self, usage: Usage) -> Parts:
        counts = self._counts(usage)
        missing = [*self._missing(usage, self._unrated), *self._unmeasured(counts)]
        band = self._band(usage.input_tokens or 0)
        sums = [Fraction(0)] * len(PARTS)
        leaves: Counts = {}
        for unit in self.units:
            missing += _unreported(unit, counts)
            leaf = _leaf(unit, counts, leaves)
            leaves[unit.key] = leaf  # what has no rate is still a part of the wholes around it
            leaf -= self._unrated_within(unit.key, usage)
            if leaf < 0:
                return Parts(missing=(*self.lacks, "consistent_usage"))
            sums[unit.part] += leaf * unit.attos[band]
        whole = [_picos(attos) for attos in sums]
        fresh, read, written, output, tools = whole
        return Parts(fresh, read, written, output, tools, tuple(dict.fromkeys(missing)))

    def _counts(self, usage: Usage) -> Counts:
        """What was reported; audio that is too short to be billed as such, as what it is billed."""
        counts: Counts = {}
        for field, key in KEYS.items():
            value = getattr(usage, field)
            if value is not None:
                counts[key] = value if type(value) is int else Fraction(str(value))
        heard = counts.get("audio_seconds") or counts.get("input_audio_seconds")
        if heard and self.least_seconds:
            billed = max(heard, self.least_seconds)
            counts["audio_seconds"] = counts["input_audio_seconds"] = billed
        return counts

    def _unrated_within(self, key: str, usage: Usage) -> int:
        """How much of a whole must not be billed at its rate, as its part has none of its own."""
        return sum(
            getattr(usage, field) or 0 for field in self._unrated if WHOLES.get(field) == key
        )

    def _missing(self, usage: Usage, unrated: tuple[str, ...]) -> tuple[str, ...]:
        """Names of what is billed and was not reported, or was reported and has no rate."""
        missing = self.lacks
        if usage.input_tokens is None:
            missing = (*missing, "input_tokens") if self._needs_input else missing
        elif usage.input_tokens and not self._prices_input:
            missing = (*missing, "input_tokens")
        if not self._prices_output:
            unpaid = ("output_tokens", "output_images")
            missing = (*missing, *(field for field in unpaid if getattr(usage, field)))
        elif usage.output_tokens is None:
            missing = (*missing, "output_tokens")
        for field in unrated:
            if getattr(usage, field):
                missing = (*missing, field)
        return missing

    def _unmeasured(self, counts: Counts) -> list[str]:
        """What the row bills in place of tokens, and was not reported."""
        return [rated[0] for rated in self._measures if counts.keys().isdisjoint(rated)]


def _measures(keys: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """What a row is sure to bill beside or in place of tokens: a part may be absent, a session not.

    Where tokens are billed too, audio that is heard is one more kind of input, as an image is.
    """
    rated = (tuple(field for field in group if field in keys) for group in MEASURES)
    tokens = "input_tokens" in keys
    return tuple(one for one in rated if one and (not tokens or one == ("audio_seconds",)))


def _unreported(unit: Unit, counts: Counts) -> list[str]:
    if unit.key in counts:
        return []
    return [unit.key for one, other in unit.overlaps if counts.get(one) and counts.get(other)]


def _leaf(unit: Unit, counts: Counts, leaves: Counts) -> int | Fraction:
    """How much of a count is in none of its priced parts."""
    if unit.key == "requests":
        return 1
    if unit.key in _MEASURED and unit.key not in counts:
        return 0
    return counts.get(unit.key, 0) - sum(leaves[key] for key in unit.within)


_BASIC_KEYS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "web_searches",
)
_COMMON_KEYS = frozenset({*_BASIC_KEYS, *(KEYS[field] for field in SPECIAL if field in KEYS)})


def _basic_rates(units: Sequence[Unit], bands: int) -> list[tuple[int, ...]] | None:
    """Picodollars of the common counts by band; None where the row needs the general way."""
    rates = {unit.key: unit.attos for unit in units}
    if not _COMMON_KEYS.issuperset(rates):
        return None
    nothing = (Fraction(0),) * bands
    table = []
    for band in range(bands):
        # A count without a rate of its own is named as missing, and billed at none.
        row = [rates.get(key, nothing)[band] for key in _BASIC_KEYS]
        if any(rate.denominator > 1 or rate.numerator % ATTOS_PER_PICO for rate in row):
            return None
        table.append(tuple(rate.numerator // ATTOS_PER_PICO for rate in row))
    return table


def _picos(attos: Fraction) -> int:
    """Attodollars as picodollars, rounded half to even."""
    return round(attos / ATTOS_PER_PICO)
