"""The one SQL statement of a report: what it reads of each line, and what it sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from costspan.report.conditions import Condition, renamed
from costspan.report.source import DEAR_USD, lines, names_of
from costspan.report.vocabulary import TAG, field_of, key_of, text

NEEDED = (
    "schema",
    "timestamp",
    "provider",
    "operation",
    "status",
    "outcome",
    "latency_ms",
    "runtime_seconds",
)
"""What every version's line of a call has."""

EXACT, APPROXIMATE, LEFT_OUT = PERCENTILES = ("exact", "approximate", "left out")
"""How percentiles are found: from every value, in less memory, or not at all, for want of any."""

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

_TIMED = "FILTER (output_tokens > 0 AND corrects IS NULL)"

_FINITE = "FILTER (isfinite(time_to_first_token_ms))"

_COUNTS = (
    "count(*)",
    "count(error)",
    "count(*) FILTER (status = 'unpriced' OR (cost_usd IS NULL AND status <> 'not_billed'))",
    "count(*) FILTER (status = 'partial')",
    "count(*) FILTER (status = 'estimated')",
)
IS_CALL = " AND ".join(
    [
        *("kind IS NULL", "coalesce(schema > 0, false)"),
        *(f"{name} IS NOT NULL" for name in NEEDED),
        "isfinite(latency_ms)",
    ]
)
"""Whether a line is one of a call."""

_SUMS = tuple(f"sum({TOTAL_TOKENS if name == 'total_tokens' else name})" for name in _SUMMED)
_DEAR = " OR ".join(f"abs({name}) >= {DEAR_USD}" for name in _SUMMED if name.endswith("_usd"))
IS_DEAR = f"coalesce(bool_or({_DEAR}), false)"
"""Whether any call is so dear that lines must be read as text."""

_FOR_RATES = (
    "sum(runtime_seconds)",
    "sum(input_tokens) FILTER (cached_tokens IS NOT NULL)",
    "sum(cached_tokens) FILTER (input_tokens IS NOT NULL)",
    f"sum(output_tokens) {_TIMED}",
    f"sum(runtime_seconds) {_TIMED}",
    f"sum(runtime_seconds) FILTER ({BY_TIME})",
)


def statement(
    files: Iterable[Path],
    by: Sequence[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before: datetime | None = None,
    where: Condition | None = None,
    percentiles: str = EXACT,
    as_text: bool = False,
    breakdowns: Sequence[Sequence[str]] | None = None,
) -> str:
    """The statement.

    Its rows are: whether they are of calls; of the time before `since`; of all keys together; how
    many lines say that lines were lost, and how many were; how many lines are of another kind; the
    file, where they are lines of it that are of none; the newest version; whether a call is so dear
    that lines must be read as text; the figures, in the order of `Figures`; the keys; and which
    breakdown the row belongs to, as `part_of` numbers them.

    Args:
        by: checked words.
        since, until: calls that ended from, and before.
        before: calls from then on to `since` are summed apart.
        percentiles: how they are found, one of `PERCENTILES`.
        as_text: dollars are read as text.
        breakdowns: sum by each of these words of `by`, all in one pass; by all of `by` together
            if left out.
    """
    keys = [f"k{index}" for index in range(len(by))]
    tags = names_of(tags_of(by, where))
    parts = (f", {key_of(word, tags)}::VARCHAR AS k{index}" for index, word in enumerate(by))
    named, asked = "".join(parts), renamed(where, tags) if where else "true"
    sets = [_set(by, words) for words in (breakdowns or [by])]
    part = f"grouping({', '.join(keys)})" if keys else "0"
    return f"""
SELECT is_call, is_before, {part} = {part_of(by, ())},
    count(*) FILTER (kind = 'gap'), sum(greatest(lost, 0)) FILTER (kind = 'gap'),
    count(*) FILTER (kind IS NOT NULL AND kind <> 'gap'),
    broken, max(schema),
    {IS_DEAR},
    {", ".join((*_COUNTS, *_SUMS, *_FOR_RATES, *_percentiles(percentiles), *keys, part))}
FROM (
    SELECT *, {_before(since if before else None)} AS is_before,
        CASE WHEN NOT is_call AND kind IS NULL THEN filename END AS broken{named}
    FROM (
        SELECT *, {IS_CALL} AS is_call FROM {_lines(files, by, where, as_text)})
    WHERE NOT is_call OR ({within(before or since, until)} AND {asked}))
GROUP BY GROUPING SETS ({", ".join(dict.fromkeys([*sets, _set(by, ())]))})
"""


def part_of(by: Sequence[str], words: Sequence[str]) -> int:
    """The number of a breakdown by some words of `by`: a bit for each that is not among them."""
    return sum((word not in words) << place for place, word in enumerate(reversed(by)))


def _set(by: Sequence[str], words: Sequence[str]) -> str:
    keys = (f"k{index}" for index, word in enumerate(by) if word in words)
    return f"({', '.join(['is_call', 'is_before', 'broken', *keys])})"


def _percentiles(kind: str) -> tuple[str, str]:
    if kind == LEFT_OUT:
        return "NULL", "NULL"
    function = "quantile_cont" if kind == EXACT else "approx_quantile"
    return (
        f"{function}(latency_ms, [0.5, 0.95, 0.99])",
        f"{function}(time_to_first_token_ms, [0.5, 0.95, 0.99]) {_FINITE}",
    )


def _before(since: datetime | None) -> str:
    return f"coalesce(is_call AND timestamp < {_instant(since)}, false)" if since else "false"


def within(since: datetime | None, until: datetime | None) -> str:
    """The condition that a call ended in a time."""
    parts = [f"timestamp >= {_instant(since)}"] if since else []
    parts += [f"timestamp < {_instant(until)}"] if until else []
    return " AND ".join(parts) or "true"


def _instant(moment: datetime) -> str:
    return f"TIMESTAMP {text(moment.isoformat(' '))}"


def fields_read(by: Sequence[str], where: Condition | None) -> set[str]:
    """The fields of a line that the statement reads."""
    fields = {field_of(word) for word in by} | READ
    return fields if where is None else fields | where.fields


def _lines(files: Iterable[Path], by: Sequence[str], where: Condition | None, as_text: bool) -> str:
    fields = fields_read(by, where) - {"tags"}
    return lines(files, fields, tags_of(by, where), as_text=as_text)


def tags_of(by: Sequence[str], where: Condition | None) -> set[str]:
    """The keys of tags that are read."""
    found = {word[len(TAG) :] for word in by if word.startswith(TAG)}
    return found if where is None else found | where.tags
