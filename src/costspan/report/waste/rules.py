"""What counts as waste: the rules, in the order in which they are tried, and their SQL.

They are worded for people in docs/waste.md.
"""

from __future__ import annotations

CLASSES = {
    "failed": "failed, and billed all the same",
    "abandoned": "broken off before their end",
    "repeated": "asked again within ten minutes",
    "cut_short": "ended at the limit of output",
    "cache_missed": "paid in full for what a cache could have held",
}
"""The classes: a call is counted in the first whose rule it fits."""

REPEATED_WITHIN = "INTERVAL 10 MINUTES"

CACHE_LASTS = "INTERVAL 5 MINUTES"
"""The shortest that a provider keeps a prompt without being asked to, Anthropic: five minutes.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching, read 2026-11.
"""

LEAST_PREFIX = 4096
"""Tokens from which on every provider caches: OpenAI from 1,024 on, models of Anthropic and Gemini
from 512 to 4,096 on. Sources, read 2026-11: that page of Anthropic's,
https://ai.google.dev/gemini-api/docs/caching, https://developers.openai.com/api/docs/guides/prompt-caching.
"""

_LIMITS = ("length", "max_tokens", "max_output_tokens", "model_length")
"""How providers call it that an answer ended for its length: OpenAI's two APIs, Anthropic, Gemini
and Mistral, in small letters."""

_SPELT = [*_LIMITS, *map(str.upper, _LIMITS)]

_LONGEST = 1_000_000
"""Seconds. No call takes longer; a line that says so must not lead out of the calendar."""

FIELDS = frozenset(
    (
        *("outcome", "error", "finish_reasons", "runtime_seconds", "operation", "corrects"),
        *("session_id", "trace_id", "agent", "endpoint", "user_id", "span_id", "cached_tokens"),
    )
)
"""The fields of a line that the rules read."""

COLUMNS = {
    "session": "session_id",
    "trace": "CASE WHEN session_id IS NULL THEN trace_id END",
    "called_by": "agent",
    "called_at": "endpoint",
    "called_for": "user_id",
    "operation": "operation",
    "asked": "coalesce(request_model, model)",
    "span": "span_id",
    "corrects": "corrects",
    "took": f"to_microseconds((least(greatest(runtime_seconds::DOUBLE, 1e-6), {_LONGEST}) * 1e6)"
    "::BIGINT)",
    "is_failed": "error IS NOT NULL OR outcome = 'failed'",
    "is_abandoned": "outcome = 'abandoned'",
    "is_cut": f"coalesce(list_has_any(finish_reasons, {_SPELT!r}), false)",
}
"""What is kept of each call, as SQL over its line."""

_WHO = "session, trace, called_by, called_at, called_for, provider, asked, operation"
_ANSWERED = """
SELECT * FROM calls WHERE NOT is_failed AND NOT is_abandoned AND corrects IS NULL AND input > 0
    AND coalesce(session, trace) IS NOT NULL
"""

REPEATED = f"""
CREATE OR REPLACE TEMP TABLE repeated AS SELECT line FROM (
    SELECT line, count(*) FILTER (NOT is_cut) OVER (
        PARTITION BY {_WHO}, input ORDER BY moment
        RANGE BETWEEN (took + {REPEATED_WITHIN}) PRECEDING AND took PRECEDING) AS earlier
    FROM ({_ANSWERED})) WHERE earlier > 0
"""
"""Calls that begin when an answer to as many tokens of the same asker's is there already."""

MISSES = f"""
CREATE OR REPLACE TEMP TABLE misses AS SELECT * FROM (
    SELECT *, arg_max(input, moment) OVER (
        PARTITION BY {_WHO} ORDER BY moment
        RANGE BETWEEN (took + {CACHE_LASTS}) PRECEDING AND took PRECEDING) AS prefix
    FROM ({_ANSWERED}) WHERE input >= {LEAST_PREFIX})
WHERE prefix <= input AND cached = 0
"""
"""Calls that read nothing from a cache, though a shorter one of the same asker came just before."""


def missed(rated: str, usd: str) -> str:
    """The most that each of these calls paid too much, where it is more than nothing.

    Args:
        rated: the calls beside their rates.
        usd: an expression that makes dollars of picodollars, of the name `picos`.
    """
    return f"""
CREATE OR REPLACE TEMP TABLE missed AS SELECT line, {usd} AS usd FROM (
    SELECT line, hours * (own[4] - own[2]) + writes * (own[3] - own[2])
        + (prefix - hours - writes) * (own[1] - own[2]) AS picos
    FROM (SELECT *, least(prefix - hours, coalesce(written, 0) - hours) AS writes
        FROM (SELECT *, least(prefix, coalesce(hour, 0))::HUGEINT AS hours FROM ({rated})
            WHERE reason IS NULL AND own[2] < own[1])))
WHERE picos > 0
"""


JUDGED = """
SELECT *, CASE WHEN class = 'cache_missed' THEN least(usd, cost_usd)
    WHEN class IS NOT NULL THEN cost_usd END AS waste
FROM (SELECT c.*, m.usd, CASE
        WHEN coalesce(cost_usd <= 0, true) OR corrects IS NOT NULL THEN NULL
        WHEN coalesce(span IN (SELECT corrects FROM calls WHERE corrects IS NOT NULL), false)
            THEN NULL
        WHEN is_failed THEN 'failed'
        WHEN is_abandoned THEN 'abandoned'
        WHEN r.line IS NOT NULL THEN 'repeated'
        WHEN is_cut THEN 'cut_short'
        WHEN m.line IS NOT NULL THEN 'cache_missed' END AS class
    FROM calls c LEFT JOIN repeated r USING (line) LEFT JOIN missed m USING (line))
"""
"""Every call with its class, and the dollars of it that are waste; NULL where there is none."""
