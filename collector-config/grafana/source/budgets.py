"""The dashboard of budgets: how full they are, what they stopped, and who was told."""

from grafana_foundation_sdk.models import dashboard as models

from pages import Row, page, service
from panels import COUNT, SHARE, USD, Steps, bars, lines, number, ranking, rows
from questions import BAR, RANGE, SERVICES, total

USED = "costspan:budget_used:ratio"
LIMIT = "costspan:budget_limit_usd"
CROSSED = "costspan:budget_alerts:added1m"
REFUSED = "costspan:budget_refusals:added1m"
UNDELIVERED = "costspan:alerts_undelivered:added1m"
NAME, PER = "costspan_budget_name", "costspan_budget_per"
FILLING: Steps = [(0.8, "yellow"), (1, "red")]
_NAMED = f"{{{{{NAME}}}}}"
_FULLEST = f"max by ({NAME}) ({USED}{{{SERVICES}}})"


def budgets() -> models.Dashboard:
    """The dashboard."""
    return page(
        "costspan-budgets",
        "LLM budgets",
        "How full the budgets of LLM calls are, what they refused, and whether alerts arrived.",
        [_numbers(), _used(), _stopped()],
        service(),
    )


def _numbers() -> Row:
    return "In the chosen time", [
        number(
            "Fullest budget",
            f"max({USED}{{{SERVICES}}})",
            SHARE,
            "The share of its limit that the fullest scope of any budget has used now.",
            steps=FILLING,
        ),
        number(
            "Times a budget was crossed",
            total(CROSSED, RANGE, of=SERVICES),
            COUNT,
            "Each threshold of each scope counts, in the process that crossed it.",
            steps=[(1, "yellow")],
        ),
        number(
            "Calls refused",
            total(REFUSED, RANGE, of=SERVICES),
            COUNT,
            "Calls that a budget refused before they were made, and streams that it cut off.",
            steps=[(1, "red")],
        ),
        number(
            "Alerts that did not arrive",
            total(UNDELIVERED, RANGE, of=SERVICES),
            COUNT,
            "Alerts that a sink did not get in all its tries; the log says which.",
            steps=[(1, "red")],
        ),
    ]


def _used() -> Row:
    return "How full", [
        ranking(
            "Used",
            f"sort_desc({_FULLEST})",
            _NAMED,
            SHARE,
            "The share of its limit that the fullest scope of a budget has used: 100 % is used up.",
            steps=FILLING,
        ),
        lines(
            "Used, by time",
            [(_FULLEST, _NAMED)],
            SHARE,
            "The same by time. It falls where a window ends.",
            steps=FILLING,
        ),
        rows(
            "Limits",
            f"sort_desc(max by ({NAME}, {PER}) ({LIMIT}{{{SERVICES}}}))",
            {NAME: "budget", PER: "for each", "Value": "limit"},
            USD,
            "What budgets of dollars allow. Those of tokens and calls have no dollars.",
        ),
        rows(
            "Alerts that are firing",
            'ALERTS{alertname=~"Costspan.*", alertstate="firing"}',
            {"alertname": "alert", "severity": "severity", NAME: "budget", "job": "service"},
            COUNT,
            "The rules of rules/alerts.yaml that fire now.",
        ),
    ]


def _stopped() -> Row:
    return "What they stopped", [
        bars(
            "Calls refused",
            [(f"{total(REFUSED, BAR, NAME, of=SERVICES)} > 0", _NAMED)],
            COUNT,
            "Calls that a budget refused, and streams that it cut off, by budget.",
        ),
        bars(
            "Times a budget was crossed",
            [(f"{total(CROSSED, BAR, NAME, of=SERVICES)} > 0", _NAMED)],
            COUNT,
            "Thresholds that were crossed, by budget.",
        ),
    ]
