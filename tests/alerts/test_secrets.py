"""No secret of a sink in anything that is emitted: for every sink, and every way to fail."""

import contextlib
import io
import logging
import traceback
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import (
    Budget,
    ConfigurationError,
    CostTracker,
    Instrumentor,
    PagerDutyAlerts,
    SlackAlerts,
    WebhookAlerts,
    record_call,
)
from costspan.alerts import lane, post
from costspan.alerts.apprise import AppriseAlerts
from costspan.alerts.courier import Courier
from costspan.cli import main
from tests.alerts.alerts import PATIENCE, alert
from tests.alerts.standin import StandIn
from tests.alerts.test_apprise import installed

# Apprise imports it, up to Python 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

CANARY = "c4nary"
ROUTING_KEY = f"R000000000000000000000000{CANARY}0"
FAILURES = (
    "",
    "hang",
    "400",
    f"400 {CANARY}",
    "404 no_service",
    "500",
    "reset",
    "redirect",
    "slow",
)


def sink_of(kind: str, address: str):
    url = f"{address}/hook/{CANARY}?token={CANARY}&rto=0.1&cto=0.1"  # timeouts for Apprise
    return {
        "slack": lambda: SlackAlerts(url.replace("/hook/", "/services/")),
        "pagerduty": lambda: PagerDutyAlerts(ROUTING_KEY, url=url),
        "webhook": lambda: WebhookAlerts(
            url, secret=CANARY, headers={"Authorization": f"Bearer {CANARY}"}
        ),
        "apprise": lambda: AppriseAlerts(
            url.replace("http://", "json://").replace("https://", "jsons://")
        ),
    }[kind]()


KINDS = ["slack", "pagerduty", "webhook", pytest.param("apprise", marks=installed)]


@pytest.fixture
def emitted(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    provider: TracerProvider,
    spans: InMemorySpanExporter,
) -> Iterator[list[str]]:
    """Everything that leaves the process in the test, each logger at DEBUG; more may be added."""
    monkeypatch.setattr(lane, "PAUSES", (0.0,))
    monkeypatch.setattr(post, "TIMEOUT_SECONDS", 0.1)
    log, more = io.StringIO(), []
    root, handler = logging.getLogger(), logging.StreamHandler(log)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        logging.getLogger("any").debug("is heard")
        yield more
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    captured = capfd.readouterr()
    told = [log.getvalue(), captured.out, captured.err, *more]
    told += [span.to_json() for span in spans.get_finished_spans()]
    assert "is heard" in told[0]
    assert [text for text in told if CANARY in text] == []


def texts_of(fault: BaseException) -> list[str]:
    """As a traceback shows it, its causes included."""
    return [repr(fault), "".join(traceback.format_exception(fault))]


@pytest.mark.parametrize("kind", KINDS)
class TestSinks:
    @pytest.mark.parametrize("command", FAILURES)
    def test_what_a_receiver_does(
        self, kind: str, command: str, stand_in: StandIn, emitted: list[str]
    ):
        stand_in.misbehave(*[command] * 3)
        sink = sink_of(kind, f"http://{stand_in.address}")
        emitted.append(repr(sink))
        courier = Courier()
        courier.send(alert(), (sink,))
        assert courier.flush(PATIENCE)
        assert CANARY in str([(got.path, got.headers, got.body) for got in stand_in.got])
        stand_in.misbehave(command)
        try:
            sink(alert())
        except Exception as fault:
            emitted += texts_of(fault)

    @pytest.mark.parametrize(
        "address", ["https://127.0.0.1:9", "http://127.0.0.1:9", "https://nowhere.invalid"]
    )
    def test_what_the_network_does(self, kind: str, address: str, emitted: list[str]):
        sink = sink_of(kind, address)
        courier = Courier()
        courier.send(alert(), (sink,))
        assert courier.flush(PATIENCE)
        assert courier.undelivered == 1
        with pytest.raises(Exception) as found:  # noqa: PT011
            sink(alert())
        emitted += texts_of(found.value)

    def test_tls(self, kind: str, stand_in: StandIn, emitted: list[str]):
        courier = Courier()
        courier.send(alert(), (sink_of(kind, f"https://{stand_in.address}"),))
        assert courier.flush(PATIENCE)
        assert courier.undelivered == 1

    def test_spans_and_summaries_of_the_calls(
        self, kind: str, stand_in: StandIn, provider: TracerProvider, emitted: list[str]
    ):
        sink = sink_of(kind, f"http://{stand_in.address}")
        costs = CostTracker(budgets=[Budget("b", usd=0.0001, per="call")], alerts=[sink])
        Instrumentor().instrument(tracer_provider=provider, costs=costs)
        with record_call(model="gpt-4o-mini") as call:
            call.set_usage(input_tokens=10**6, output_tokens=0)
        assert costs.flush(PATIENCE)
        emitted += [str(costs.summary()), str(costs.records), repr(costs.budgets)]
        emitted.append(repr(Instrumentor().settings))
        Instrumentor().uninstrument()
        assert len(stand_in.got) == 1


def test_a_sink_of_the_apps_own_that_quotes_one(emitted: list[str]):
    def sink(alert: object) -> None:
        raise RuntimeError(f"https://example.com/{CANARY}")

    courier = Courier()
    courier.send(alert(), (sink,))
    assert courier.flush(PATIENCE)
    assert courier.undelivered == 1


WRONG = (
    lambda: SlackAlerts(CANARY),
    lambda: SlackAlerts(f"https://me:{CANARY}@example.com/"),
    lambda: SlackAlerts(f"https://example.com:{CANARY}/"),
    lambda: SlackAlerts(f"https://[{CANARY}/"),
    lambda: SlackAlerts(f"https://example.com/{CANARY} x"),
    lambda: SlackAlerts("https://example.com/", trace_url=CANARY),
    lambda: PagerDutyAlerts(CANARY),
    lambda: PagerDutyAlerts(ROUTING_KEY, url=CANARY),
    lambda: WebhookAlerts(CANARY),
    lambda: WebhookAlerts("https://example.com/", secret=[CANARY]),
    lambda: WebhookAlerts("https://example.com/", headers={"A": f"{CANARY}\n"}),
    lambda: WebhookAlerts("https://example.com/", headers={CANARY + "\n": "x"}),
    lambda: WebhookAlerts("https://example.com/", headers=[CANARY]),
    lambda: CostTracker(alerts=f"https://example.com/{CANARY}"),
    lambda: CostTracker(alerts=[f"https://example.com/{CANARY}"]),
    lambda: Budget("b", usd=1, per="call", alerts=[f"https://example.com/{CANARY}"]),
)


@pytest.mark.parametrize("wrong", range(len(WRONG)))
def test_configuration_errors(wrong: int, emitted: list[str]):
    with pytest.raises(ConfigurationError) as found:
        WRONG[wrong]()
    emitted += texts_of(found.value)


FILE = """
[[alerts]]
type = "slack"
webhook_url = "https://hooks.slack.com/services/{0}"
[[alerts]]
type = "pagerduty"
routing_key = "R000000000000000000000000{0}0"
[[alerts]]
type = "webhook"
url = "https://example.com/{0}"
secret = "{0}"
headers = {{ Authorization = "{0}" }}
"""


@pytest.mark.parametrize("store", ["redis", "postgresql"])
@pytest.mark.parametrize("wrong", ["", 'webhook = "{0}"', 'secret = ""'])
def test_doctor(
    wrong: str, store: str, tmp_path, monkeypatch: pytest.MonkeyPatch, emitted: list[str]
):
    """Also of a file that is wrong, and of a store that does not answer."""
    text = FILE.format(CANARY)
    text = text.replace(f'secret = "{CANARY}"', wrong.format(CANARY)) if wrong else text
    (tmp_path / "costspan.toml").write_text(text)
    monkeypatch.setenv("COSTSPAN_CONFIG", str(tmp_path / "costspan.toml"))
    monkeypatch.setenv("COSTSPAN_SLACK_WEBHOOK_URL", f"https://example.com/{CANARY}")
    monkeypatch.setenv("COSTSPAN_STORE", f"{store}://u:{CANARY}@127.0.0.1:1/0")
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        code = main(["doctor"])
    assert code == 1
    emitted.append(out.getvalue())
    assert out.getvalue()
