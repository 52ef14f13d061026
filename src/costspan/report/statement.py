"""The figures of a report as SQL: what is kept of a line, and what is summed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from costspan.report import percentiles
from costspan.report.percentiles import APPROXIMATE, EXACT
from costspan.report.selection import NEEDED, instant
from costspan.report.source import DEAR_USD

NOTES = 6
"""How many columns of the statement's rows say what was passed over."""

_TOKENS = ("input", "output", "total", "cached", "cache_write", "reasoning")
_DOLLARS = ("cost", "input", "cache_read", "cache_write", "output", "tools")
_SUMMED = (*(f"{name}_tokens" for name in _TOKENS), *(f"{name}_usd" for name in _DOLLARS))
READ = frozenset((*NEEDED, *_SUMMED, "error", "corrects", "prices_as_of", "time_to_first_token_ms"))
"""The fields that are read for the figures."""

BY_TIME = "status = 'priced' AND prices_as_of IS NULL AND tools_usd > 0"
"""Whether a call is priced by the second: a rate of one's own by tokens has no fees by use, a table
has a date, and what the provider names has no parts."""


TOTAL_TOKENS = "coalesce(total_tokens, coalesce(input_tokens, output_tokens) + "
TOTAL_TOKENS += "CASE WHEN input_tokens IS NULL THEN 0 ELSE coalesce(output_tokens, 0) END)"
"""Of a call that knows only one part, that part."""

_KEPT = {name: TOTAL_TOKENS if name == "total_tokens" else name for name in _SUMMED} | {
    **percentiles.VALUES,
    "runtime_seconds": "runtime_seconds",
    "status": "status",
    "is_failed": "error IS NOT NULL",
    "is_timed": "coalesce(output_tokens > 0 AND corrects IS NULL, false)",
    "is_by_time": f"coalesce({BY_TIME}, false)",
}

_COUNTS = (
    "count(*)",
    "count(*) FILTER (is_failed)",
    "count(*) FILTER (status = 'unpriced' OR (cost_usd IS NULL AND status <> 'not_billed'))",
    "count(*) FILTER (status = 'partial')",
    "count(*) FILTER (status = 'estimated')",
)
_SUMS = tuple(f"sum({name})" for name in _SUMMED)
_DEAR = " OR ".join(f"abs({name}) >= {DEAR_USD}" for name in _SUMMED if name.endswith("_usd"))
IS_DEAR = f"coalesce(bool_or({_DEAR}), false)"
"""Whether any call is so dear that lines must be read as text."""

_FOR_RATES = (
    "sum(runtime_seconds)",
    "sum(input_tokens) FILTER (cached_tokens IS NOT NULL)",
    "sum(cached_tokens) FILTER (input_tokens IS NOT NULL)",
    "sum(output_tokens) FILTER (is_timed)",
    "sum(runtime_seconds) FILTER (is_timed)",
    "sum(runtime_seconds) FILTER (is_by_time)",
)


def kept(since: datetime | None = None) -> dict[str, str]:
    """What is kept of each line, by the names that `statement` asks for, as SQL over its fields.

    Args:
        since: calls that ended before are summed apart.
    """
    before = f"coalesce(is_call AND timestamp < {instant(since)}, false)" if since else "false"
    return {**_KEPT, "is_before": before}


def statement(
    rows: str, keys: Sequence[str], sets: Iterable[Sequence[str]], how: str = EXACT
) -> str:
    """The statement.

    Its rows are: whether they are of calls; of the time before `since`; of all keys together; how
    many lines say that lines were lost, and how many were; how many lines are of another kind; the
    file, where they are lines of it that are of none; the newest version; whether a call is so dear
    that lines must be read as text; the figures, in the order of `Figures`; the keys; and which
    set the row belongs to, as `part_of` numbers them.

    Args:
        rows: a table, or a statement in parentheses, of `kept` and what `selection.rows` adds.
        keys: its columns that are summed by.
        sets: which of them together, each its own sums, all in one pass.
        how: of percentiles; APPROXIMATE leaves them to `percentiles.approximate`.
    """
    part = f"grouping({', '.join(keys)})" if keys else "0"
    times = ["NULL"] * len(percentiles.VALUES) if how == APPROXIMATE else percentiles.exact()
    grouped = (f"({', '.join(['is_call', 'is_before', 'broken', *names])})" for names in sets)
    return f"""
SELECT is_call, is_before, {part} = {part_of(keys, ())},
    count(*) FILTER (kind = 'gap'), sum(greatest(lost, 0)) FILTER (kind = 'gap'),
    count(*) FILTER (kind IS NOT NULL AND kind <> 'gap'),
    broken, max(schema), coalesce(bool_or(is_dear), false),
    {", ".join((*_COUNTS, *_SUMS, *_FOR_RATES, *times, *keys, part))}
FROM {rows} GROUP BY GROUPING SETS ({", ".join(dict.fromkeys(grouped))})
"""


def part_of(keys: Sequence[str], names: Sequence[str]) -> int:
    """The number of a set of keys: a bit for each that is not in it."""
    return sum((name not in names) << place for place, name in enumerate(reversed(keys)))
