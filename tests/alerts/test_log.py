"""The log's lines: one to an alert, whatever stands in it."""

import logging
from decimal import Decimal

import pytest

from costspan import LogAlerts
from costspan.alerts.log import line_of
from tests.alerts.alerts import alert


def test_the_line_begins_as_it_always_does(caplog: pytest.LogCaptureFixture):
    LogAlerts()(alert(budget="month"))
    (record,) = caplog.records
    assert record.name == "costspan.alerts"
    assert record.alert == alert(budget="month")
    assert record.getMessage() == (
        "BUDGET ALERT | budget=month endpoint=/review model=gpt-5.2 cost=0.0123 spent=412.5 "
        "limit=500 unit=usd state=reached severity=warning scope=u1 agent=code_reviewer "
        "session=ticket-17 user=u1 trace_id=0af7651916cd43dd8448eb211c80319c | "
        "budget 'month' of user u1: 412.5 USD of 500 USD are used (80% reached), 620 USD in "
        "sight, in this month until 2026-12-01 00:00 UTC (agent code_reviewer, endpoint /review, "
        "4200 tokens in, 340 out)"
    )


def test_what_is_not_known_is_a_dash():
    found = line_of(alert(endpoint=None, model=None, cost_usd=None, scope=None))
    assert "endpoint=- model=- cost=- " in found
    assert " scope=- " in found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("the month", '"the month"'),
        ("", '""'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a=b|c", '"a=b|c"'),
        ("東京", "東京"),
        ("x\nBUDGET ALERT | budget=forged", '"x\\nBUDGET ALERT | budget=forged"'),
        ("a\u2028b", '"a\\u2028b"'),
    ],
)
def test_a_value_stays_one_value_on_one_line(value: str, written: str):
    found = line_of(alert(budget=value, agent=value))
    assert found.startswith(f"BUDGET ALERT | budget={written} endpoint=/review ")
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({"threshold": 0.5}, "WARNING"),
        ({"threshold": 0.8}, "WARNING"),
        ({"threshold": 1.0}, "ERROR"),
        ({"threshold": 1.0, "action": "block", "state": "blocked"}, "CRITICAL"),
        ({"per": "call", "threshold": 1.0, "cost_usd": Decimal(1)}, "WARNING"),
        ({"state": "resolved"}, "INFO"),
    ],
)
def test_its_level_is_the_severity(facts: dict, level: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    LogAlerts()(alert(**facts))
    assert caplog.records[0].levelname == level


def test_another_logger_and_level(caplog: pytest.LogCaptureFixture):
    LogAlerts(logging.getLogger("app"), level=logging.CRITICAL)(alert())
    assert (caplog.records[0].name, caplog.records[0].levelname) == ("app", "CRITICAL")
