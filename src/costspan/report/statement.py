"""The one SQL statement of a report: what it reads of each line, and what it sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from costspan.report.conditions import Condition
from costspan.report.vocabulary import TAG, field_of, key_of, quoted, text, type_of

_NEEDED = (
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

NOTES = 5
"""How many columns of the statement's rows say what was passed over."""

_SUMMED = """
input_tokens output_tokens total_tokens cached_tokens cache_write_tokens reasoning_tokens
cost_usd input_usd cache_read_usd cache_write_usd output_usd tools_usd
""".split()
_READ = {*_NEEDED, *_SUMMED, "error", "corrects", "time_to_first_token_ms"}

_TOTAL = "coalesce(total_tokens, coalesce(input_tokens, output_tokens) + "
_TOTAL += "CASE WHEN input_tokens IS NULL THEN 0 ELSE coalesce(output_tokens, 0) END)"
_TIMED = "FILTER (output_tokens > 0 AND corrects IS NULL)"

_COUNTS = (
    "count(*)",
    "count(error)",
    "count(*) FILTER (status = 'unpriced')",
    "count(*) FILTER (status = 'partial')",
    "count(*) FILTER (status = 'estimated')",
)
_SUMS = tuple(f"sum({_TOTAL if name == 'total_tokens' else name})" for name in _SUMMED)
_FOR_RATES = (
    "sum(runtime_seconds)",
    "sum(input_tokens) FILTER (cached_tokens IS NOT NULL)",
    "sum(cached_tokens) FILTER (input_tokens IS NOT NULL)",
    f"sum(output_tokens) {_TIMED}",
    f"sum(runtime_seconds) {_TIMED}",
)


def statement(
    files: Iterable[Path],
    by: Sequence[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before: datetime | None = None,
    where: Condition | None = None,
    is_exact: bool = True,
) -> str:
    """The statement.

    Its rows are: whether they are of calls; of the time before `since`; of all keys together; how
    many lines say that lines were lost, and how many were; how many lines are of another kind; the
    files of lines that are of none; the newest version; the figures, in the order of `Figures`; and
    the keys.

    Args:
        by: checked words.
        since, until: calls that ended from, and before.
        before: calls from then on to `since` are summed apart.
        is_exact: percentiles are exact; else close, in little memory.
    """
    keys = [f"k{index}" for index in range(len(by))]
    named = "".join(f", {key_of(word)}::VARCHAR AS {key}" for word, key in zip(by, keys, strict=True))
    sets = ", ".join(["is_call", "is_before", *keys])
    return f"""
SELECT is_call, is_before, {"grouping(k0) = 1" if keys else "true"},
    count(*) FILTER (kind = 'gap'), sum(lost) FILTER (kind = 'gap'),
    count(*) FILTER (kind IS NOT NULL AND kind <> 'gap'),
    list(DISTINCT filename) FILTER (NOT is_call AND kind IS NULL), max(schema),
    {", ".join((*_COUNTS, *_SUMS, *_FOR_RATES, *_percentiles(is_exact), *keys))}
FROM (
    SELECT *, {_before(since if before else None)} AS is_before{named}
    FROM (
        SELECT *, filename, kind IS NULL AND coalesce(schema > 0, false)
            AND {" AND ".join(f"{name} IS NOT NULL" for name in _NEEDED)} AS is_call
        FROM {_lines(files, by, where)})
    WHERE NOT is_call OR ({_window(before or since, until)} AND {where.sql if where else "true"}))
GROUP BY GROUPING SETS (({sets}){", (is_call, is_before)" if keys else ""})
"""


def _percentiles(is_exact: bool) -> tuple[str, str]:
    function = "quantile_cont" if is_exact else "approx_quantile"
    return (
        f"{function}(latency_ms, [0.5, 0.95, 0.99])",
        f"{function}(time_to_first_token_ms, [0.5, 0.95, 0.99])",
    )


def _before(since: datetime | None) -> str:
    return f"coalesce(is_call AND timestamp < {_instant(since)}, false)" if since else "false"


def _window(since: datetime | None, until: datetime | None) -> str:
    parts = [f"timestamp >= {_instant(since)}"] if since else []
    parts += [f"timestamp < {_instant(until)}"] if until else []
    return " AND ".join(parts) or "true"


def _instant(moment: datetime) -> str:
    return f"TIMESTAMP {text(moment.isoformat(' '))}"


def _lines(files: Iterable[Path], by: Sequence[str], where: Condition | None) -> str:
    """The lines as a table. A line that is no JSON object is a row of NULLs."""
    fields = {field_of(word) for word in by} | (where.fields if where else set()) | _READ
    tags = {word[len(TAG) :] for word in by if word.startswith(TAG)} | (where.tags if where else set())
    types = {name: type_of(name) for name in sorted(fields - {"tags"})}
    types |= {"kind": "VARCHAR", "lost": "BIGINT"}
    if tags:
        types["tags"] = f"STRUCT({', '.join(f'{quoted(tag)} VARCHAR' for tag in sorted(tags))})"
    columns = ", ".join(f"{quoted(name)}: {text(kind)}" for name, kind in types.items())
    names = ", ".join(text(str(path)) for path in files)
    return (
        f"read_json([{names}], format='newline_delimited', ignore_errors=true, "
        f"columns={{{columns}}})"
    )

