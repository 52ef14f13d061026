"""Apprise: needed only where it is asked for, and its logs kept from telling addresses."""

import importlib.util
import sys

import pytest

from costspan import ConfigurationError
from costspan.alerts.alert import Alert
from costspan.alerts.apprise import AppriseAlerts, text_of
from costspan.alerts.faults import NotTaken
from tests.alerts.alerts import alert
from tests.alerts.standin import StandIn

# Apprise imports it, up to Python 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

installed = pytest.mark.skipif(
    importlib.util.find_spec("apprise") is None, reason="Apprise is not installed"
)


def test_without_it_the_remedy_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigurationError, match=r"^AppriseAlerts needs Apprise: pip install 'co"):
        AppriseAlerts("mailtos://me:s3cret@example.com")


def test_its_text():
    assert text_of(alert(), "https://jaeger.example/trace/1") == (
        "budget 'the month' of user u1: 412.5 USD of 500 USD are used (80% reached), "
        "620 USD in sight, in this month until 2026-12-01 00:00 UTC (agent code_reviewer, "
        "endpoint /review, 4200 tokens in, 340 out)\n"
        "\n"
        "Used: 412.5 USD of 500 USD (82%)\n"
        "Whose: user u1\n"
        "Agent: code_reviewer\n"
        "Endpoint: /review\n"
        "Model: gpt-5.2 (openai)\n"
        "Session: ticket-17\n"
        "User: u1\n"
        "Cost of the call: 0.0123 USD\n"
        "Tokens of the call: 4,200 in, 340 out\n"
        "Forecast: 620 USD\n"
        "Resets: 2026-12-01 00:00 UTC\n"
        "Trace: 0af7651916cd43dd8448eb211c80319c\n"
        "\n"
        "Last calls (UTC):\n"
        "11:04:03  gpt-5.2  code_reviewer  /review  1,200 in, 300 out  0.0063 USD\n"
        "11:04:05  nope-1  unpriced  openai.RateLimitError\n"
        "\n"
        "https://jaeger.example/trace/1"
    )


def told(stand_in: StandIn, one: Alert) -> dict:
    """Through Apprise's own JSON plugin."""
    AppriseAlerts(f"json://{stand_in.address}/hook/s3cret")(one)
    return stand_in.got[-1].json


@installed
@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"threshold": 0.5}, "info"),
        ({}, "warning"),
        ({"threshold": 1.0}, "failure"),
        ({"threshold": 1.0, "state": "blocked"}, "failure"),
        ({"state": "resolved"}, "success"),
    ],
)
def test_a_notification(stand_in: StandIn, facts: dict, kind: str):
    body = told(stand_in, alert(**facts))
    assert body["title"].startswith("Budget the month: ")
    assert body["message"].splitlines()[0] == alert(**facts).text
    assert body["type"] == kind


@installed
def test_what_apprise_could_not_send_is_tried_again(stand_in: StandIn):
    stand_in.misbehave("500")
    with pytest.raises(NotTaken, match=r"^Apprise could not send it$") as found:
        told(stand_in, alert())
    assert found.value.again is True


@installed
@pytest.mark.parametrize("url", ["s3cret", "nonsense://s3cret", "json://", 7, None])
def test_another_address_is_refused_without_being_quoted(
    url: object, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(ConfigurationError, match="mailtos://user:password") as found:
        AppriseAlerts(url)
    assert "s3cret" not in str(found.value) + caplog.text
