"""What Prometheus records every minute: what was added to each amount, whoever added it.

`increase()` and `rate()` say nothing of a series' first value, and many programs make one call and
end. So a minute is taken as the last value in it less the last value before it, and as the whole
value where there was none before. A value that fell is that of a process that began again.

The windows end `SETTLED` seconds ago, when every scrape in them is done. Those of two evaluations
touch, so that nothing is counted twice or left out between them.
"""

from dataclasses import dataclass

WINDOW = 60
"""Seconds between two evaluations, and so what each of them covers."""

SETTLED = 10
"""Seconds after which a scrape is done or given up, by Prometheus's default."""

PROCESS = (
    "instance",
    "service_instance_id",
    "otel_scope_name",
    "otel_scope_version",
    "otel_scope_schema_url",
)
"""Labels of one process or of the library, which no amount is asked for by."""

_CALLS = "gen_ai_client_inference_duration_seconds"
_OTHER_CALLS = "gen_ai_client_operation_duration_seconds"
_TOKENS = "gen_ai_client_inference_usage"


@dataclass(frozen=True)
class Recorded:
    """One recording rule.

    Attributes:
        name: of the series.
        about: what a value of it is, with its unit.
        expr: how it is made, in PromQL.
    """

    name: str
    about: str
    expr: str


def added(counter: str) -> str:
    """What was added to a counter within the window, its first value included."""
    return _difference(counter, f"{_before(counter)} <= {_now(counter)}")


def changed(amount: str) -> str:
    """As `added`, for an amount that may fall."""
    return _difference(amount, _before(amount))


def highest(*gauges: str) -> str:
    """The most that any process says, under whichever of these names."""
    return f"max without ({', '.join(PROCESS)}) ({' or '.join(gauges)})"


def _now(series: str) -> str:
    return f"last_over_time({series}[{WINDOW}s] offset {SETTLED}s)"


def _before(series: str) -> str:
    return f"last_over_time({series}[1h] offset {WINDOW + SETTLED}s)"


def _difference(series: str, before: str) -> str:
    return f"""sum without ({", ".join(PROCESS)}) (
  {_now(series)}
  - (
    {before}
    or {_now(series)} * 0
  )
)"""


RECORDED = (
    Recorded("costspan:cost_usd:added1m", "USD", added("costspan_cost_USD_total")),
    Recorded(
        "costspan:cost_incomplete:added1m",
        "calls whose cost is unpriced, partial or estimated",
        added("costspan_cost_incomplete_total"),
    ),
    Recorded(
        "costspan:cache_savings_usd:added1m",
        "USD that caches saved; less than 0 where writing to them cost more",
        changed("costspan_cache_savings_USD"),
    ),
    Recorded(
        "costspan:calls:added1m",
        "calls, failed ones included",
        # Embeddings are in the second; so is all of it under the older names, and twice under both.
        f"{added(f'{_CALLS}_count')}\nor\n{added(f'{_OTHER_CALLS}_count')}",
    ),
    Recorded("costspan:retries:added1m", "requests sent again", added("costspan_retries_total")),
    Recorded(
        "costspan:duration_seconds_bucket:added1m",
        "calls by the seconds that they took at most (le)",
        added(f"{_CALLS}_bucket"),
    ),
    Recorded(
        "costspan:first_chunk_seconds_bucket:added1m",
        "streams by the seconds to their first chunk at most (le)",
        added("gen_ai_client_inference_time_to_first_chunk_seconds_bucket"),
    ),
    Recorded(
        "costspan:input_tokens:added1m",
        "tokens in, those of caches included",
        added(f"{_TOKENS}_input_tokens_total"),
    ),
    Recorded(
        "costspan:output_tokens:added1m",
        "tokens out, those of reasoning included",
        added(f"{_TOKENS}_output_tokens_total"),
    ),
    Recorded(
        "costspan:cache_read_tokens:added1m",
        "tokens in that were read from a cache",
        added(f"{_TOKENS}_cache_read_input_tokens_total"),
    ),
    Recorded(
        "costspan:cache_write_tokens:added1m",
        "tokens in that were written to a cache",
        added(f"{_TOKENS}_cache_write_input_tokens_total"),
    ),
    Recorded(
        "costspan:reasoning_tokens:added1m",
        "tokens out that were reasoning",
        added(f"{_TOKENS}_reasoning_output_tokens_total"),
    ),
    Recorded(
        "costspan:budget_used:ratio",
        "share of its limit that a budget's fullest scope has used, 1 = used up",
        # The collector ends the names of shares in _ratio, the SDK's own exporter does not.
        highest("costspan_budget_used_ratio", "costspan_budget_used"),
    ),
    Recorded(
        "costspan:budget_limit_usd",
        "USD that a budget allows",
        highest("costspan_budget_limit_USD"),
    ),
    Recorded(
        "costspan:budget_alerts:added1m",
        "times that a budget was crossed",
        added("costspan_budget_alerts_total"),
    ),
    Recorded(
        "costspan:budget_refusals:added1m",
        "calls that a budget refused, and streams that it cut off",
        added("costspan_budget_refusals_total"),
    ),
    Recorded(
        "costspan:alerts_undelivered:added1m",
        "alerts that a sink did not get",
        added("costspan_alerts_undelivered_total"),
    ),
)
