"""Sinks that misbehave: no call waits for them, no other alert is lost, the key stays."""

import socket
import threading

import pytest

from costspan import Alert, Budget, CostTracker, PagerDutyAlerts, SlackAlerts, WebhookAlerts
from costspan.alerts import lane, post
from costspan.alerts.courier import Courier
from tests.alerts.alerts import PATIENCE, alert
from tests.alerts.standin import StandIn
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
KEY = "R0123456789ABCDEF0123456789abcde"
KINDS = ("slack", "pagerduty", "webhook")


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tries, with no pause between them, and a short patience for an answer."""
    monkeypatch.setattr(lane, "PAUSES", (0.0,))
    monkeypatch.setattr(post, "TIMEOUT_SECONDS", 1.0)


def sink_of(kind: str, stand_in: StandIn):
    return {
        "slack": lambda: SlackAlerts(stand_in.slack_url),
        "pagerduty": lambda: PagerDutyAlerts(KEY, url=stand_in.pagerduty_url),
        "webhook": lambda: WebhookAlerts(stand_in.hook_url),
    }[kind]()


def key_of(got) -> str:
    """What names the alert in a request; Slack's have none."""
    return got.headers.get("idempotency-key") or got.json.get("dedup_key", "")


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("kind", KINDS)
class TestMisbehaviour:
    @pytest.mark.parametrize("command", ["hang", "500", "429", "503", "reset"])
    def test_one_failure_delays_an_alert_and_loses_none(
        self, stand_in: StandIn, kind: str, command: str
    ):
        stand_in.misbehave(command)
        courier, sinks = Courier(), (sink_of(kind, stand_in),)
        for number in range(3):
            assert courier.send(alert(key=f"k{number}"), sinks)
        assert courier.flush(PATIENCE)
        assert courier.undelivered == 0
        assert len(stand_in.got) == 4
        assert stand_in.got[0].json == stand_in.got[1].json
        assert key_of(stand_in.got[0]) == key_of(stand_in.got[1])

    @pytest.mark.parametrize("command", ["400", "403", "redirect"])
    def test_a_refusal_is_not_tried_again(
        self, stand_in: StandIn, kind: str, command: str, caplog: pytest.LogCaptureFixture
    ):
        stand_in.misbehave(command)
        told: list[Alert] = []
        courier, sinks = Courier(), (sink_of(kind, stand_in), told.append)
        courier.send(alert(key="refused"), sinks)
        courier.send(alert(key="taken"), sinks)
        assert courier.flush(PATIENCE)
        assert (len(stand_in.got), len(told), courier.undelivered) == (2, 2, 1)
        assert f"could not deliver an alert to {sinks[0]!r} (HTTP " in caplog.text

    def test_a_receiver_that_is_down_loses_no_alert_of_the_others(
        self, stand_in: StandIn, kind: str
    ):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            nobody = WebhookAlerts(f"http://127.0.0.1:{bound.getsockname()[1]}/")
            courier, sinks = Courier(), (nobody, sink_of(kind, stand_in))
            for number in range(5):
                courier.send(alert(key=f"k{number}"), sinks)
            assert courier.flush(PATIENCE)
        assert (len(stand_in.got), courier.undelivered) == (5, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_does_not_wait_for_a_receiver_that_hangs(stand_in: StandIn, kind: str):
    """The stand-in answers when the test is over: a call that waited would end the test."""
    stand_in.misbehave(*["hang"] * 10)
    told: list[Alert] = []
    budgets = [Budget("single call", usd=0.0001, per="call")]
    costs = CostTracker(budgets=budgets, alerts=[sink_of(kind, stand_in), told.append])
    for number in range(20):
        costs.settle(finished(**COUNTS, agent=f"a{number}"))
    assert stand_in.arrived.acquire(timeout=PATIENCE)
    assert costs.flush(0.01) is False
    assert costs.summary().calls == 20
    stand_in.stopping.set()
    costs._watch._courier.close(PATIENCE)


@pytest.mark.usefixtures("_quick")
def test_a_name_that_does_not_resolve_loses_no_other_alert(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    resolve = socket.getaddrinfo

    def failing(host: str, *args: object, **kwargs: object):
        if host == "hooks.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    sinks = (SlackAlerts("https://hooks.invalid/x"), SlackAlerts(stand_in.slack_url))
    courier = Courier()
    for number in range(5):
        courier.send(alert(key=f"k{number}"), sinks)
    assert courier.flush(PATIENCE)
    assert (len(stand_in.got), courier.undelivered) == (5, 5)


def test_retry_after_is_honoured(stand_in: StandIn, caplog: pytest.LogCaptureFixture):
    """The log says how long it waits; nobody waits for it here, as at exit."""
    stand_in.misbehave("429 17")
    said = threading.Event()
    caplog.handler.addFilter(lambda record: said.set() or True)
    courier = Courier()
    courier.send(alert(), (SlackAlerts(stand_in.slack_url),))
    assert said.wait(PATIENCE)
    courier.close(PATIENCE)
    (warning,) = [record for record in caplog.records if "the next try" in record.message]
    seconds = float(warning.message.partition("next try is in ")[2].partition(" ")[0])
    assert 17.0 <= seconds <= 17.4
    assert (len(stand_in.got), courier.undelivered) == (2, 0)


def test_five_hundred_over_http_arrive(stand_in: StandIn):
    courier = Courier()
    sinks = tuple(sink_of(kind, stand_in) for kind in KINDS)
    for number in range(500):
        assert courier.send(alert(key=f"k{number}"), sinks)
    assert courier.flush(100)
    assert courier.undelivered == 0
    hooks = [got.json["key"] for got in stand_in.got if got.path == "/hook"]
    assert hooks == [f"k{number}" for number in range(500)]
    assert len(stand_in.got) == 1500
