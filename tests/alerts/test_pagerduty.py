"""PagerDuty's events: triggered, and resolved under the same key."""

import socket

import pytest

from costspan import ConfigurationError, PagerDutyAlerts
from costspan.alerts.pagerduty import dedup_key_of
from tests.alerts.alerts import alert
from tests.alerts.standin import StandIn

KEY = "R0123456789ABCDEF0123456789abcde"


def sent(stand_in: StandIn, **facts) -> dict:
    sink = PagerDutyAlerts(
        KEY,
        trace_url="https://jaeger.example/trace/{trace_id}",
        source="api-1",
        url=stand_in.pagerduty_url,
    )
    sink(alert(**facts))
    return stand_in.got[-1].json


def test_a_trigger_holds_what_a_person_acts_on(stand_in: StandIn):
    assert sent(stand_in) == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "the month/u1/2026-11",
        "client": "costspan",
        "payload": {
            "summary": "budget 'the month' of user u1: 412.5 USD of 500 USD are used (80% reached),"
            " 620 USD in sight, in this month until 2026-12-01 00:00 UTC (agent code_reviewer,"
            " endpoint /review, 4200 tokens in, 340 out)",
            "source": "api-1",
            "severity": "warning",
            "timestamp": "2026-11-22T11:04:05.123456Z",
            "component": "/review",
            "group": "the month",
            "class": "budget reached",
            "custom_details": {
                "Used": "412.5 USD of 500 USD (82%)",
                "Whose": "user u1",
                "Agent": "code_reviewer",
                "Endpoint": "/review",
                "Model": "gpt-5.2 (openai)",
                "Session": "ticket-17",
                "User": "u1",
                "Cost of the call": "0.0123 USD",
                "Tokens of the call": "4,200 in, 340 out",
                "Forecast": "620 USD",
                "Resets": "2026-12-01 00:00 UTC",
                "Trace": "0af7651916cd43dd8448eb211c80319c",
                "Last calls": [
                    "11:04:03  gpt-5.2  code_reviewer  /review  1,200 in, 300 out  0.0063 USD",
                    "11:04:05  nope-1  unpriced  openai.RateLimitError",
                ],
            },
        },
        "links": [
            {
                "href": "https://jaeger.example/trace/0af7651916cd43dd8448eb211c80319c",
                "text": "The trace of the call",
            }
        ],
    }


def test_a_window_that_is_over_resolves_what_was_triggered(stand_in: StandIn):
    triggered = sent(stand_in, threshold=1.0)
    assert sent(stand_in, state="resolved", threshold=1.0) == {
        "routing_key": KEY,
        "event_action": "resolve",
        "dedup_key": triggered["dedup_key"],
    }


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ({"threshold": 0.5}, "info"),
        ({"threshold": 0.8}, "warning"),
        ({"threshold": 1.0}, "error"),
        ({"threshold": 1.0, "action": "raise"}, "critical"),
        ({"threshold": 1.0, "action": "block", "state": "blocked"}, "critical"),
        ({"threshold": 1.0, "per": "call"}, "warning"),
        ({"threshold": 1.0, "per": "call", "action": "block", "state": "blocked"}, "critical"),
    ],
)
def test_its_severity_follows_the_threshold(stand_in: StandIn, facts: dict, severity: str):
    assert sent(stand_in, **facts)["payload"]["severity"] == severity


def test_the_longest_alert_is_within_the_limits(stand_in: StandIn):
    names = ("budget", "scope", "agent", "session", "user", "endpoint", "key")
    event = sent(stand_in, **dict.fromkeys(names, "<" * 9000))
    assert len(event["payload"]["summary"]) == 1024
    assert len(event["dedup_key"]) == 255


def test_a_long_key_is_still_its_own():
    first, second = (dedup_key_of(alert(key="k" * 300 + end)) for end in "ab")
    assert first != second
    assert first[:222] == second[:222] == "k" * 222


def test_calls_without_a_key_share_the_alert_of_their_budget_agent_and_endpoint():
    found = dedup_key_of(alert(key="", gathered=True))
    assert found == dedup_key_of(alert(key="", gathered=True, calls_since=7, at=1))
    assert found == "the month/code_reviewer//review"


def test_the_source_is_this_machine(stand_in: StandIn):
    PagerDutyAlerts(KEY, url=stand_in.pagerduty_url)(alert(agent=None, endpoint=None))
    payload = stand_in.got[-1].json["payload"]
    assert payload["source"] == socket.gethostname()
    assert "component" not in payload


@pytest.mark.parametrize("key", ["", None, 7, KEY[1:], KEY + "0", KEY[1:] + "-"])
def test_another_key_is_refused(key: object):
    with pytest.raises(ConfigurationError, match="32 letters and digits: give the integration key"):
        PagerDutyAlerts(key)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"source": ""}, "source"),
        ({"url": "events.pagerduty.com"}, "url"),
        ({"trace_url": "x"}, "trace_url"),
    ],
)
def test_another_argument_is_refused(arguments: dict, said: str):
    with pytest.raises(ConfigurationError, match=rf"PagerDutyAlerts\({said}=...\)"):
        PagerDutyAlerts(KEY, **arguments)


def test_it_wants_to_be_told_of_windows_that_are_over():
    assert PagerDutyAlerts(KEY).resolves is True
