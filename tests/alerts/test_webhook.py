"""The webhook: its JSON, its signature, and a key that stays."""

import hashlib
import hmac
import json
from decimal import Decimal

import pytest

from costspan import ConfigurationError, WebhookAlerts
from costspan.alerts import lane
from costspan.alerts.courier import Courier
from tests.alerts.alerts import PATIENCE, alert
from tests.alerts.standin import StandIn

SECRET = "correct horse battery staple"


def test_its_json(stand_in: StandIn):
    WebhookAlerts(stand_in.hook_url)(alert())
    (got,) = stand_in.got
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "costspan"
    assert "x-costspan-signature" not in got.headers
    body = json.loads(got.body, parse_float=Decimal)
    assert body.pop("id") == got.headers["idempotency-key"]
    assert body == {
        "version": 1,
        "key": "the month/u1/2026-11",
        "state": "reached",
        "severity": "warning",
        "text": "budget 'the month' of user u1: 412.5 USD of 500 USD are used (80% reached), "
        "620 USD in sight, in this month until 2026-12-01 00:00 UTC (agent code_reviewer, "
        "endpoint /review, 4200 tokens in, 340 out)",
        "at": "2026-11-22T11:04:05.123456Z",
        "budget": "the month",
        "per": "user",
        "scope": "u1",
        "unit": "usd",
        "limit": 500,
        "spent": Decimal("412.5"),
        "threshold": Decimal("0.8"),
        "forecast": 620,
        "action": "warn",
        "window": "month",
        "resets_at": "2026-12-01T00:00:00.000000Z",
        "calls_since": 0,
        "usd_since": 0,
        "call": {
            "model": "gpt-5.2",
            "provider": "openai",
            "agent": "code_reviewer",
            "session": "ticket-17",
            "user": "u1",
            "endpoint": "/review",
            "cost_usd": Decimal("0.0123"),
            "input_tokens": 4200,
            "output_tokens": 340,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        },
        "last_calls": [
            {
                "at": "2026-11-22T11:04:03.123456Z",
                "model": "gpt-5.2",
                "agent": "code_reviewer",
                "endpoint": "/review",
                "input_tokens": 1200,
                "output_tokens": 300,
                "cost_usd": Decimal("0.0063"),
                "error": None,
                "trace_id": "0af7651916cd43dd8448eb211c80319c",
            },
            {
                "at": "2026-11-22T11:04:05.123456Z",
                "model": "nope-1",
                "agent": None,
                "endpoint": None,
                "input_tokens": None,
                "output_tokens": None,
                "cost_usd": None,
                "error": "openai.RateLimitError",
                "trace_id": None,
            },
        ],
    }


def test_it_is_signed(stand_in: StandIn):
    WebhookAlerts(stand_in.hook_url, secret=SECRET, headers={"Authorization": "Bearer t"})(alert())
    (got,) = stand_in.got
    at, v1 = (part.partition("=")[2] for part in got.headers["x-costspan-signature"].split(","))
    signed = f"{at}.".encode() + got.body
    assert v1 == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert got.headers["authorization"] == "Bearer t"


def test_tries_and_repeats_keep_the_key(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "PAUSES", (0.0, 0.0, 0.0))
    stand_in.misbehave("500", "reset", "503")
    courier, sinks = Courier(), (WebhookAlerts(stand_in.hook_url),)
    courier.send(alert(), sinks)
    assert courier.flush(PATIENCE)
    courier.send(alert(), sinks)  # the repeat of one whose sender died before it noted it
    assert courier.flush(PATIENCE)
    assert len(stand_in.got) == 5
    assert len({got.headers["idempotency-key"] for got in stand_in.got}) == 1
    assert courier.undelivered == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"threshold": 1.0},
        {"state": "blocked"},
        {"state": "resolved"},
        {"key": "the month/u2/2026-11"},
        {"resets_at": 1},
        {"at": 1},
        {"key": "", "gathered": True},
        {"key": "", "gathered": True, "calls_since": 7},
        {"key": "", "gathered": True, "agent": "b"},
        {"gathered": True, "calls_since": 7},
    ],
    ids=str,
)
def test_another_message_has_another_key(facts: dict):
    assert alert(**facts).delivery_key != alert().delivery_key


def test_a_resolution_has_one_key_whoever_finds_it():
    first, second = (alert(state="resolved", at=at) for at in (1, 2))
    assert first.delivery_key == second.delivery_key


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"url": "example.com"}, r"url=...\) is no http"),
        ({"url": "https://ex ample.com"}, "holds a character that no address has"),
        ({"url": "https://me:pw@example.com"}, 'headers={"Authorization": ...}'),
        ({"secret": ""}, "long random string"),
        ({"secret": b"bytes"}, "long random string"),
        ({"headers": "Authorization: x"}, "is no table"),
        ({"headers": {"A b": "x"}}, "a name is no header's"),
        ({"headers": {"A": "x\r\nB: y"}}, "the value of A is no line of ASCII"),
        ({"headers": {"A": "é"}}, "the value of A is no line of ASCII"),
        ({"headers": {"idempotency-key": "x"}}, "idempotency-key is set by costspan"),
    ],
)
def test_another_argument_is_refused(arguments: dict, said: str):
    with pytest.raises(ConfigurationError, match=said):
        WebhookAlerts(**{"url": "https://example.com/hook", **arguments})
