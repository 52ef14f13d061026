"""Sinks from the configuration file and from the environment."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from costspan import ConfigurationError, Instrumentor, record_call
from costspan.alerts.configured import configured_sinks
from tests.alerts.standin import StandIn

KEY = "R0123456789ABCDEF0123456789abcde"
TABLES = (
    {"type": "log"},
    {
        "type": "slack",
        "webhook_url": "https://hooks.slack.com/services/T/B/x",
        "trace_url": "https://jaeger.example/trace/{trace_id}",
    },
    {"type": "pagerduty", "routing_key": KEY, "source": "api"},
    {"type": "webhook", "url": "https://example.com/x", "secret": "s", "headers": {"A": "b"}},
)


def test_each_table_is_a_sink():
    assert [repr(sink) for sink in configured_sinks(TABLES, None).everybodys] == [
        "LogAlerts()",
        "SlackAlerts(hooks.slack.com)",
        "PagerDutyAlerts(events.pagerduty.com)",
        "WebhookAlerts(example.com)",
    ]


def test_nothing_said_is_nothing():
    assert configured_sinks((), None).everybodys is None


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ((), ["LogAlerts()", "SlackAlerts(gw:8080)"]),
        ((TABLES[2],), ["PagerDutyAlerts(events.pagerduty.com)", "SlackAlerts(gw:8080)"]),
    ],
)
def test_the_variable_adds_slack(tables: tuple, found: list[str]):
    sinks = configured_sinks(tables, "http://gw:8080/services/x").everybodys
    assert [repr(sink) for sink in sinks] == found


def test_a_table_with_a_name_is_of_the_budgets_that_name_it():
    named = {"type": "pagerduty", "name": "oncall", "routing_key": KEY}
    found = configured_sinks((*TABLES[:2], named, TABLES[1]), None)

    assert list(map(repr, found.everybodys)) == [
        "LogAlerts()",
        "SlackAlerts(hooks.slack.com)",
        "SlackAlerts(hooks.slack.com)",
    ]
    assert {name: len(sinks) for name, sinks in found.by_name.items()} == {
        "log": 1,
        "slack": 2,
        "oncall": 1,
    }
    assert found.named == {"oncall"}
    assert configured_sinks((named,), None).everybodys is None


@pytest.mark.parametrize("name", ["slack", "a", "", 7])
def test_names_of_sinks_differ_from_each_other_and_from_types(name: object):
    tables = ({"type": "log", "name": "a"}, {"type": "log", "name": name})
    with pytest.raises(
        ConfigurationError, match=r'type = "log": (another goes|its name is a text)'
    ):
        configured_sinks(tables, None)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, r'\[\[alerts\]\] has no type: write type = one of "log", "slack", "pagerduty", '),
        ({"type": "s3cret"}, r"\[\[alerts\]\] has another type: write type = one of"),
        ({"type": 7}, "has another type"),
        ({"type": "log", "level": 7}, "unknown key 'level': use no other key"),
        ({"type": "slack"}, 'type = "slack" needs webhook_url'),
        ({"type": "slack", "url": "s3cret"}, "unknown key 'url': use webhook_url, trace_url"),
        ({"type": "slack", "webhook_url": "s3cret"}, r'"slack": SlackAlerts\(webhook_url=...\)'),
        ({"type": "pagerduty", "routing_key": "s3cret"}, '"pagerduty": .* 32 letters and digits'),
        ({"type": "webhook", "url": "https://x/", "secret": ""}, '"webhook": .*secret=...'),
        ({"type": "apprise"}, 'type = "apprise" needs url'),
        ({"type": "apprise", "url": "s3cret"}, '"apprise": AppriseAlerts'),
    ],
)
def test_a_wrong_table_is_refused_and_no_value_of_it_quoted(table: dict, said: str):
    with pytest.raises(ConfigurationError, match=said) as found:
        configured_sinks((table,), None)
    assert "s3cret" not in str(found.value)


def test_a_wrong_variable_is_named():
    said = r"^COSTSPAN_SLACK_WEBHOOK_URL: SlackAlerts\(webhook_url=...\) is no http"
    with pytest.raises(ConfigurationError, match=said):
        configured_sinks((), "hooks.slack.com/s3cret")


def test_a_call_over_the_limit_reaches_slack_and_the_log(
    stand_in: StandIn,
    provider: TracerProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    """With nothing but variables and a file that holds no secret itself."""
    file = tmp_path / "costspan.toml"
    file.write_text(
        '[[alerts]]\ntype = "log"\n'
        '[[alerts]]\ntype = "pagerduty"\nrouting_key = "${PAGER}"\nurl = "${PAGER_URL}"\n'
    )
    for name, value in {
        "COSTSPAN_CONFIG": str(file),
        "COSTSPAN_CALL_WARN_USD": "0.0001",
        "COSTSPAN_SLACK_WEBHOOK_URL": stand_in.slack_url,
        "PAGER": KEY,
        "PAGER_URL": stand_in.pagerduty_url,
    }.items():
        monkeypatch.setenv(name, value)
    Instrumentor().instrument(tracer_provider=provider)
    costs = Instrumentor().costs
    with record_call(model="gpt-4o-mini", provider="openai") as call:
        call.set_usage(input_tokens=1000, output_tokens=200)
    assert costs.flush(20)
    assert "s3cret" not in repr(Instrumentor().settings)
    Instrumentor().uninstrument()
    assert sorted(got.path for got in stand_in.got) == ["/services/T0/B0/s3cret", "/v2/enqueue"]
    assert 'BUDGET ALERT | budget="single call" endpoint=- model=gpt-4o-mini' in caplog.text
