"""What of a call decides how it is priced, besides its model: packed into one number by DuckDB.

Of each count only its sign matters here: what a tariff has no rate for is missing in one call as in
a thousand. So a million calls have a few shapes.
"""

from __future__ import annotations

from msgspec import Struct

from costspan.call import Usage
from costspan.report.statement import BY_TIME

COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_tokens",
    "written": "cache_write_tokens",
    "hour": "cache_write_1h_tokens",
    "reasoning": "reasoning_tokens",
    "searches": "web_searches",
}
"""The counts of a line that are billed, and their fields."""

_USAGE = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cache_read_tokens",
    "written": "cache_write_tokens",
    "hour": "cache_write_1h_tokens",
    "reasoning": "reasoning_tokens",
    "searches": "web_searches",
}

_EVEN = {"input": 9, "output": 9, "cached": 1, "written": 2}
_ODD = {"input": 1, "output": 9, "cached": 5, "written": 5, "hour": 9}

_BITS = 2
_UNKNOWN = 3
_FLAGS = {
    "is_odd": "corrects IS NULL AND (coalesce(cached, 0)::HUGEINT + coalesce(written, 0) > "
    "coalesce(input, 0) OR coalesce(hour, 0) > coalesce(written, 0))",
    "is_correction": "corrects IS NOT NULL",
    "is_flat": f"({BY_TIME}) OR (status = 'priced' AND prices_as_of IS NULL AND cost_usd = 0)",
    "is_unpriced": "cost_usd IS NULL",
    "is_partial": "status = 'partial'",
    "is_not_billed": "status = 'not_billed'",
}

IS_FLAT = f"(shape >> {_BITS * len(COUNTS) + list(_FLAGS).index('is_flat')} & 1) = 1"
"""Whether the price of a call asks for no counts, as SQL over its shape."""

FIELDS = frozenset(COUNTS.values()) | {
    *("corrects", "status", "prices_as_of", "cost_usd", "tools_usd"),
    *("estimated_input_tokens", "estimated_output_tokens"),
}
"""The fields of a line that are read for it."""


class Shape(Struct, frozen=True):
    """A call but for its numbers.

    `signs` are -1, 0, 1 or None of each of `COUNTS`; `is_odd` says that they contradict each other,
    `is_flat` that the price asks for none of them.
    """

    signs: dict[str, int | None]
    is_odd: bool
    is_correction: bool
    is_flat: bool
    is_unpriced: bool
    is_partial: bool
    is_not_billed: bool

    @property
    def usage(self) -> Usage:
        """Counts of such a call: small ones, that hang together if the call's do."""
        small = _ODD if self.is_odd else _EVEN
        counts = ((name, sign and abs(sign)) for name, sign in self.signs.items())
        return Usage(**{_USAGE[name]: n and n * small.get(name, 1) for name, n in counts})


def counts_of() -> dict[str, str]:
    """Each of `COUNTS` as SQL over a line: what was guessed stands for what was not reported."""
    found = dict(COUNTS)
    for name in ("input", "output"):
        field = COUNTS[name]
        found[name] = f"CASE WHEN status = 'estimated' THEN coalesce({field}, estimated_{field}) "
        found[name] += f"ELSE {field} END"
    return found


def packed() -> str:
    """The shape as SQL, over the columns of `COUNTS` and the fields of a line."""
    signs = [
        f"(coalesce(sign({name}) + 1, {_UNKNOWN})::INTEGER << {_BITS * place})"
        for place, name in enumerate(COUNTS)
    ]
    start = _BITS * len(COUNTS)
    flags = [
        f"(coalesce({says}, false)::INTEGER << {start + place})"
        for place, says in enumerate(_FLAGS.values())
    ]
    return " + ".join((*signs, *flags))


def unpacked(number: int) -> Shape:
    """The shape that `packed` made a number of."""
    signs: dict[str, int | None] = {}
    for name in COUNTS:
        number, digit = number >> _BITS, number & (1 << _BITS) - 1
        signs[name] = None if digit == _UNKNOWN else digit - 1
    flags = {name: bool(number >> place & 1) for place, name in enumerate(_FLAGS)}
    return Shape(signs, **flags)


def usage_of(counts: tuple[int | None, ...]) -> Usage:
    """The counts of one call, in the order of `COUNTS`."""
    return Usage(**dict(zip(_USAGE.values(), counts, strict=True)))
