"""The SQL of a comparison."""

from __future__ import annotations

from costspan.report.rating.rated import judged

SUMS = {
    "calls": "count(*)",
    "converted_calls": "count(*) FILTER (NOT is_kept AND reason IS NULL)",
    "unconverted_calls": "count(reason)",
    "cost_usd": "sum(cost_usd)",
    "unconverted_usd": "sum(cost_usd) FILTER (reason IS NOT NULL)",
    "was_usd": "sum(cost_usd) FILTER (reason IS NULL)",
    "as_if_usd": "sum(other_usd) FILTER (reason IS NULL)",
}
"""The sums of a comparison, and the expressions that they are."""

REFUSED = f"""
SELECT provider, model, reason, count(*), sum(cost_usd) FROM ({judged()}) WHERE reason IS NOT NULL
GROUP BY ALL ORDER BY sum(cost_usd) DESC NULLS LAST, count(*) DESC, provider, model, reason
"""
"""Which calls could not be converted, and why: the dearest first."""


def statement(keys: int) -> str:
    """Whether it is of all keys together, the keys, and `SUMS`."""
    named = [f"k{place}" for place in range(keys)]
    sums = [f"{says} AS {name}" for name, says in SUMS.items()]
    sets = f"({', '.join(named)}), ()" if keys else "()"
    is_total = "grouping(k0) = 1" if keys else "true"
    return f"""
SELECT {", ".join((f"{is_total} AS is_total", *named, *sums))}
FROM ({judged()}) GROUP BY GROUPING SETS ({sets})
"""
