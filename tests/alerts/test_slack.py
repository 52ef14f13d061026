"""Slack's messages: what a person can act on, in the limits that Slack documents."""

from decimal import Decimal

import pytest

from costspan import ConfigurationError, SlackAlerts
from costspan.alerts.alert import LastCall
from costspan.alerts.slack import clipped
from tests.alerts.alerts import AT, alert
from tests.alerts.standin import StandIn

TRACE = "https://jaeger.example/trace/{trace_id}?a=1&b=2"
NASTY = "<!channel> & *bold* `code`\n<https://evil.example|click>"


def sent(stand_in: StandIn, **facts) -> dict:
    SlackAlerts(stand_in.slack_url, trace_url=TRACE)(alert(**facts))
    (got,) = stand_in.got
    assert got.headers["content-type"] == "application/json"
    return got.json


def test_a_message_holds_what_a_person_acts_on(stand_in: StandIn):
    assert sent(stand_in) == {
        "text": "budget 'the month' of user u1: 412.5 USD of 500 USD are used (80% reached), "
        "620 USD in sight, in this month until 2026-12-01 00:00 UTC (agent code_reviewer, "
        "endpoint /review, 4200 tokens in, 340 out)",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Budget the month: 80% reached"},
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "budget 'the month' of user u1: 412.5 USD of 500 USD are used "
                    "(80% reached), 620 USD in sight, in this month until 2026-12-01 00:00 UTC "
                    "(agent code_reviewer, endpoint /review, 4200 tokens in, 340 out)",
                },
            },
            {
                "type": "section",
                "fields": [
                    {"type": "plain_text", "text": text}
                    for text in (
                        "Used: 412.5 USD of 500 USD (82%)",
                        "Whose: user u1",
                        "Agent: code_reviewer",
                        "Endpoint: /review",
                        "Model: gpt-5.2 (openai)",
                        "Session: ticket-17",
                        "User: u1",
                        "Cost of the call: 0.0123 USD",
                        "Tokens of the call: 4,200 in, 340 out",
                        "Forecast: 620 USD",
                    )
                ],
            },
            {
                "type": "section",
                "fields": [
                    {"type": "plain_text", "text": "Resets: 2026-12-01 00:00 UTC"},
                    {"type": "plain_text", "text": "Trace: 0af7651916cd43dd8448eb211c80319c"},
                ],
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "*Last calls* (UTC)\n```11:04:03  gpt-5.2  code_reviewer  /review  "
                    "1,200 in, 300 out  0.0063 USD\n"
                    "11:04:05  nope-1  unpriced  openai.RateLimitError```",
                },
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "<https://jaeger.example/trace/0af7651916cd43dd8448eb211c80319c"
                    "?a=1&amp;b=2|Open the trace>",
                },
            },
        ],
    }


def test_what_is_not_known_is_left_out(stand_in: StandIn):
    names = "scope forecast model provider agent session user endpoint cost_usd window"
    unknown = dict.fromkeys((*names.split(), "input_tokens", "output_tokens", "trace_id"))
    message = sent(stand_in, **unknown, resets_at=None, last_calls=())
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "section"]
    (field,) = message["blocks"][2]["fields"]
    assert field["text"] == "Used: 412.5 USD of 500 USD (82%)"
    assert "None" not in str(message)


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"state": "resolved"}, "Budget the month: its window is over"),
        ({"state": "blocked"}, "Budget the month: a call was refused"),
        ({"per": "call"}, "Budget the month: one call went over it"),
        ({"threshold": 1.0}, "Budget the month: 100% reached"),
    ],
)
def test_its_header_says_what_happened(stand_in: StandIn, facts: dict, title: str):
    assert sent(stand_in, **facts)["blocks"][0]["text"]["text"] == title


@pytest.mark.parametrize("unit", ["usd", "tokens", "calls"])
def test_the_unit_is_the_budgets(stand_in: StandIn, unit: str):
    fields = sent(stand_in, unit=unit, spent=Decimal(1500), limit=Decimal(2000), forecast=None)
    used = fields["blocks"][2]["fields"][0]["text"]
    assert (
        used
        == {
            "usd": "Used: 1500 USD of 2000 USD (75%)",
            "tokens": "Used: 1,500 tokens of 2,000 tokens (75%)",
            "calls": "Used: 1,500 calls of 2,000 calls (75%)",
        }[unit]
    )


def test_what_the_app_named_can_neither_mention_nor_link(stand_in: StandIn):
    """The stand-in refuses any control character of Slack that is not escaped."""
    facts = dict.fromkeys(("budget", "scope", "agent", "session", "user", "endpoint"), NASTY)
    calls = (LastCall(at=AT, model=NASTY, agent="```", error="&lt;"),)
    message = sent(stand_in, **facts, last_calls=calls)
    assert "&lt;!channel&gt; &amp; *bold*" in message["text"]
    assert message["blocks"][-2]["text"]["text"].count("```") == 2


def test_the_longest_alert_is_within_the_limits(stand_in: StandIn):
    long = "<&>" * 3000
    facts = dict.fromkeys(("budget", "scope", "agent", "session", "user", "endpoint"), long)
    calls = tuple(LastCall(at=AT, model=long) for _ in range(100))
    message = sent(stand_in, **facts, last_calls=calls)
    assert len(message["blocks"][1]["text"]["text"]) > 2980
    assert len(message["blocks"][0]["text"]["text"]) > 140


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a&b", 7, "a&amp;b"),
        ("a&b", 6, "a…"),
        ("&", 5, "&amp;"),
    ],
)
def test_an_entity_is_never_cut(text: str, most: int, found: str):
    assert clipped(text, most) == found


@pytest.mark.parametrize(
    "url", ["", None, 7, "hooks.slack.com/x", "ftp://x/y", "http://", "http://[x"]
)
def test_another_address_is_refused(url: object):
    with pytest.raises(ConfigurationError, match=r"SlackAlerts\(webhook_url=...\).* give an"):
        SlackAlerts(url)


@pytest.mark.parametrize("template", ["https://x/trace/", "{trace_id}", 7])
def test_another_template_is_refused(template: object):
    with pytest.raises(ConfigurationError, match=r"https://jaeger.example.com/trace/\{trace_id\}"):
        SlackAlerts("https://hooks.slack.com/services/x", trace_url=template)
