"""The dashboard of calls: how many, how fast, with which tokens, and what went wrong."""

from typing import Any

from grafana_foundation_sdk.models import dashboard as models

from pages import Row, chosen, page
from panels import COUNT, SECONDS, SHARE, USD, Steps, bars, lines, number, ranking, rows
from questions import (
    AGENT,
    BAR,
    CALLS,
    DURATION,
    FIRST_CHUNK,
    MODEL,
    PER_CHUNK,
    RANGE,
    SAVINGS,
    largest,
    quantile,
    quantile_by_time,
    share,
    total,
)

DURATIONS = "costspan:duration_seconds_bucket:added1m"
FIRST_CHUNKS = "costspan:first_chunk_seconds_bucket:added1m"
RETRIES = "costspan:retries:added1m"
FAILED = 'error_type!="", error_type!="costspan.errors.BudgetExceeded"'
"""What a budget refused did not fail: the dashboard of budgets has it."""

INPUT, OUTPUT = "costspan:input_tokens:added1m", "costspan:output_tokens:added1m"
CACHE_READ = "costspan:cache_read_tokens:added1m"
CACHE_WRITE = "costspan:cache_write_tokens:added1m"
REASONING = "costspan:reasoning_tokens:added1m"

SLOW: Steps = [(30, "yellow"), (60, "red")]
SLOW_TO_START: Steps = [(2, "yellow"), (5, "red")]
FAILING: Steps = [(0.01, "yellow"), (0.05, "red")]
_ONE_CALL = (
    "A program that ended after one call is in the numbers above and not in these lines. Dots are "
    "single calls and lead to their traces."
)


def calls() -> models.Dashboard:
    """The dashboard."""
    return page(
        "costspan-calls",
        "LLM calls",
        "Latency, time to the first chunk, tokens, caches, errors and retries of LLM calls.",
        [_numbers(), _speed(), _tokens(), _trouble()],
        chosen(),
    )


def _numbers() -> Row:
    failed = share(total(CALLS, RANGE, only=FAILED), total(CALLS, RANGE))
    return "In the chosen time", [
        number(
            "Calls",
            total(CALLS, RANGE),
            COUNT,
            "Calls, with those that failed or were refused, and embeddings.",
        ),
        number(
            "Failed",
            failed,
            SHARE,
            "The share of calls that failed, without what budgets refused.",
            steps=FAILING,
        ),
        number(
            "Duration, 95 %",
            quantile(0.95, DURATIONS, RANGE),
            SECONDS,
            "19 of 20 calls took at most so many seconds, to the last byte.",
            steps=SLOW,
        ),
        number(
            "First chunk, 95 %",
            quantile(0.95, FIRST_CHUNKS, RANGE),
            SECONDS,
            "19 of 20 streams gave their first chunk within so many seconds.",
            steps=SLOW_TO_START,
        ),
    ]


def _speed() -> Row:
    return "How fast", [
        _quantiles("Duration", DURATION, f"Seconds from request to last byte. {_ONE_CALL}", SLOW),
        _quantiles(
            "Time to the first chunk",
            FIRST_CHUNK,
            f"Seconds from request to first chunk, of streams. {_ONE_CALL}",
            SLOW_TO_START,
        ),
        _quantiles(
            "Time between chunks",
            PER_CHUNK,
            "Seconds from one chunk of a stream to the next: how smoothly it is read.",
            [(0.5, "yellow"), (2, "red")],
        ),
        ranking(
            "Duration by model, 95 %",
            largest(quantile(0.95, DURATIONS, RANGE, MODEL)),
            f"{{{{{MODEL}}}}}",
            SECONDS,
            "19 of 20 calls of the model took at most so many seconds.",
            steps=SLOW,
        ),
    ]


def _quantiles(title: str, histogram: str, about: str, steps: Steps) -> Any:
    levels = ((0.5, "50 %"), (0.95, "95 %"), (0.99, "99 %"))
    exprs = [(quantile_by_time(level, histogram), name) for level, name in levels]
    return lines(title, exprs, SECONDS, about, steps=steps, exemplars=True)


def _tokens() -> Row:
    # Reads and writes of caches are in the input; the bars show each token once.
    plain = f"{total(INPUT, BAR)} - ({_or_none(CACHE_READ)}) - ({_or_none(CACHE_WRITE)})"
    return "Tokens and caches", [
        bars(
            "Tokens",
            [
                (plain, "input"),
                (total(CACHE_READ, BAR), "input read from a cache"),
                (total(CACHE_WRITE, BAR), "input written to a cache"),
                (f"{total(OUTPUT, BAR)} - ({_or_none(REASONING, OUTPUT)})", "output"),
                (total(REASONING, BAR), "output, reasoning"),
            ],
            COUNT,
            "Tokens of answers by kind, each counted once.",
        ),
        bars(
            "Saved by caches",
            [(total(SAVINGS, BAR, MODEL), f"{{{{{MODEL}}}}}")],
            USD,
            "US dollars by model. Below 0 where writing to a cache cost more than reading saved.",
        ),
        ranking(
            "Input read from a cache",
            largest(share(total(CACHE_READ, RANGE, MODEL), total(INPUT, RANGE, MODEL))),
            f"{{{{{MODEL}}}}}",
            SHARE,
            "The share of a model's input that came out of a cache.",
        ),
        ranking(
            "Tokens by agent",
            largest(f"{total(INPUT, RANGE, AGENT)} + {total(OUTPUT, RANGE, AGENT)}"),
            f"{{{{{AGENT}}}}}",
            COUNT,
            "Tokens in and out by the agent of the attribution.",
        ),
    ]


def _or_none(part: str, whole: str = INPUT) -> str:
    return f"{total(part, BAR)} or {total(whole, BAR)} * 0"


def _trouble() -> Row:
    return "Errors and retries", [
        bars(
            "Failed calls",
            [(f"{total(CALLS, BAR, 'error_type', only=FAILED)} > 0", "{{error_type}}")],
            COUNT,
            "Calls by their error: the exception's class as the program sees it.",
        ),
        bars(
            "Retries",
            [(f"{total(RETRIES, BAR, 'gen_ai_provider_name')} > 0", "{{gen_ai_provider_name}}")],
            COUNT,
            "Requests that the SDK sent again, by provider: time that callers waited.",
        ),
        ranking(
            "Failed calls by model",
            largest(share(total(CALLS, RANGE, MODEL, only=FAILED), total(CALLS, RANGE, MODEL))),
            f"{{{{{MODEL}}}}}",
            SHARE,
            "The share of the calls of a model that failed.",
            steps=FAILING,
        ),
        rows(
            "Errors",
            largest(
                total(CALLS, RANGE, "gen_ai_provider_name", MODEL, "error_type", only=FAILED), 20
            ),
            {
                "gen_ai_provider_name": "provider",
                MODEL: "model",
                "error_type": "error",
                "Value": "calls",
            },
            COUNT,
            "Failed calls by provider, model and error, the most frequent first.",
        ),
    ]
