"""The dashboard of dollars: how much, how fast, whose, and which calls were dear."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import TextBoxVariable
from grafana_foundation_sdk.models import dashboard as models

from pages import Row, chosen, page, traces
from panels import COUNT, USD, bars, number, ranking, rows, spans
from questions import (
    AGENT,
    BAR,
    CALLS,
    COST,
    ENDPOINT,
    JUST_NOW,
    MODEL,
    RANGE,
    SAVINGS,
    TEAM,
    largest,
    total,
)

INCOMPLETE = "costspan:cost_incomplete:added1m"
STATUS = "costspan_cost_status"


def spend() -> models.Dashboard:
    """The dashboard."""
    return page(
        "costspan-spend",
        "LLM spend",
        "US dollars of LLM calls: now, today, this month, and by model, agent, endpoint and team.",
        [_calendar(), _range(), _whose(), _unknown(), _dearest()],
        [*chosen(), traces(), _dear()],
    )


def _calendar() -> Row:
    spent = total(COST, RANGE)
    days_left = "(days_in_month() - $__range_s / 86400)"
    return "Now, today, this month", [
        number(
            "Spend rate",
            f"{total(COST, JUST_NOW)} * 12",
            USD,
            "US dollars per hour, at the pace of the last five minutes.",
            steps=[(10, "yellow"), (50, "red")],
        ),
        number(
            "Today",
            spent,
            USD,
            "US dollars since midnight in the dashboard's time zone, whatever its range.",
            since="now/d",
        ),
        number(
            "This month",
            spent,
            USD,
            "US dollars since the first of the month, whatever the range, as far back as "
            "Prometheus keeps its data (--storage.tsdb.retention.time).",
            since="now/M",
        ),
        number(
            "This month, forecast",
            f"{spent} + {total(COST, '1d')} * {days_left}",
            USD,
            "US dollars at the end of the month if each day that is left costs what the last 24 "
            "hours did. Too low on the first day of data.",
            since="now/M",
        ),
    ]


def _range() -> Row:
    return "In the chosen time", [
        number("Spent", total(COST, RANGE), USD, "US dollars in the dashboard's range."),
        number(
            "A call on average",
            f"{total(COST, RANGE)} / ({total(CALLS, RANGE)} > 0)",
            USD,
            "US dollars per call, failed ones included.",
        ),
        number(
            "Saved by caches",
            total(SAVINGS, RANGE),
            USD,
            "US dollars that the input read from prompt caches or written to them would have cost "
            "more as plain input. Less than 0: the writes cost more than the reads saved.",
            steps=[(-1e9, "red"), (0, "green")],
        ),
        number(
            "Calls without a whole cost",
            total(INCOMPLETE, RANGE),
            COUNT,
            "Calls whose dollars are not known (unpriced), not all known (partial) or in part a "
            "guess (estimated). The sums here are too low by what these cost.",
            steps=[(1, "yellow")],
        ),
    ]


def _whose() -> Row:
    return "Who spends it", [
        _spend_by("model", MODEL, "by the model that was asked"),
        _spend_by("agent", AGENT, 'by the agent of the attribution; "" has none'),
        _most("endpoint", ENDPOINT, "The ten dearest endpoints of the attribution, in US dollars."),
        _most(
            "team",
            TEAM,
            "The ten dearest teams, in US dollars: the tag `team` of the attribution, with "
            'instrument(metric_labels=("agent", "endpoint", "tag:team")).',
        ),
    ]


def _spend_by(word: str, label: str, how: str) -> Any:
    return bars(
        f"Spend by {word}",
        [(f"{total(COST, BAR, label)} > 0", f"{{{{{label}}}}}")],
        USD,
        f"US dollars {how}. Each bar is what came since the bar before it, so that they add up.",
    )


def _most(word: str, label: str, about: str) -> Any:
    spent = total(COST, RANGE, label)
    return ranking(f"Spend by {word}", largest(spent), f"{{{{{label}}}}}", USD, about)


def _unknown() -> Row:
    return "What the sums lack", [
        bars(
            "Calls without a whole cost",
            [(f"{total(INCOMPLETE, BAR, STATUS)} > 0", f"{{{{{STATUS}}}}}")],
            COUNT,
            "Calls by what their cost is: unpriced (no price for the model), partial (something "
            "that is billed has no price) or estimated (a broken-off stream).",
        ),
        rows(
            "Models without a whole cost",
            largest(total(INCOMPLETE, RANGE, "gen_ai_provider_name", MODEL, STATUS), 20),
            {
                "gen_ai_provider_name": "provider",
                MODEL: "model",
                STATUS: "cost",
                "Value": "calls",
            },
            COUNT,
            "Calls by model. A price of your own ends it: "
            'Prices(overrides={"MODEL": Rate(input=..., output=...)}).',
        ),
    ]


def _dearest() -> Row:
    return "Which calls were dear", [
        spans(
            "Calls dearer than $dear USD",
            "{ span.costspan.cost.total > $dear } | select(span.costspan.cost.total, "
            "span.gen_ai.request.model, span.gen_ai.agent.name, span.costspan.endpoint)",
            "Spans of calls, found by TraceQL in Tempo; each leads to its trace. Only what the "
            "sampler kept is there.",
        )
    ]


def _dear() -> TextBoxVariable:
    return TextBoxVariable("dear").label("Dear from USD").default_value("0.05")
