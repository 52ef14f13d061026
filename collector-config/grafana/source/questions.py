"""What panels ask, in PromQL: amounts out of what is recorded, quantiles, and who is chosen."""

CHOSEN = 'job=~"$service", gen_ai_request_model=~"$model", gen_ai_agent_name=~"$agent"'
"""The calls that the dashboard's variables choose."""

SERVICES = 'job=~"$service"'
"""Of these, what has no model and no agent: budgets."""

RANGE = "$__range"
"""From the start of the dashboard's range until its end."""

BAR = "$__interval"
"""From one bar to the next."""

MINUTE = "1m"
"""The least width of a bar: what is recorded is recorded every minute."""

JUST_NOW = "5m"

MODEL = "gen_ai_request_model"
AGENT = "gen_ai_agent_name"
ENDPOINT = "costspan_endpoint"
TEAM = "costspan_tag_team"

COST = "costspan:cost_usd:added1m"
CALLS = "costspan:calls:added1m"
SAVINGS = "costspan:cache_savings_usd:added1m"
DURATION = "gen_ai_client_inference_duration_seconds"
FIRST_CHUNK = "gen_ai_client_inference_time_to_first_chunk_seconds"
PER_CHUNK = "gen_ai_client_inference_time_per_output_chunk_seconds"


def total(recorded: str, span: str, *by: str, only: str = "", of: str = CHOSEN) -> str:
    """What was added within `span`, by these labels.

    `only` is one more condition, as `costspan_cost_status="unpriced"`.
    """
    where = f"{of}, {only}" if only else of
    grouped = f" by ({', '.join(by)})" if by else ""
    return f"sum{grouped} (sum_over_time({recorded}{{{where}}}[{span}]))"


def largest(expr: str, count: int = 10) -> str:
    """The largest of these, the first of them first."""
    return f"sort_desc(topk({count}, {expr} > 0))"


def share(part: str, whole: str) -> str:
    """How much of the whole its part is, between 0 and 1: 0 where there is no part."""
    return f"({part} or {whole} * 0) / ({whole} > 0)"


def quantile(level: float, recorded: str, span: str, *by: str) -> str:
    """Below how many seconds so much of all calls stayed, one-call programs included."""
    return f"histogram_quantile({level}, {total(recorded, span, 'le', *by)})"


def quantile_by_time(level: float, histogram: str) -> str:
    """The same at each moment, out of the histogram itself, which has exemplars."""
    rate = f"rate({histogram}_bucket{{{CHOSEN}}}[$__rate_interval])"
    return f"histogram_quantile({level}, sum by (le) ({rate}))"
