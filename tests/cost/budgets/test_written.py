"""`[[budgets]]` of the configuration file: everything a budget takes, and whom it tells."""

from decimal import Decimal
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from costspan import BudgetExceeded, ConfigurationError, CostTracker, Instrumentor, record_call
from costspan.alerts.alert import Alert
from costspan.alerts.configured import Configured
from costspan.cost.budgets.written import KEYS, budgets_of

NO_SINKS = Configured(None, {}, frozenset())

WHOLE = """
store = "sqlite:///{folder}/costs.db"
on_store_error = "block"

[[budgets]]
name = "the month"
usd = 500
per = ["user", "tag:team"]
window = "month"
timezone = "Europe/Berlin"
where = {{ endpoint = "/chat*", model = "gpt-5*" }}
action = "block"
thresholds = [0.5, 0.8, 1.0]
reserve = "max"
unscoped = "count"
cut_streams = true
alerts = ["oncall", "log"]

[[budgets]]
name = "loop"
calls = 20
per = "trace"
window = "10s"
action = "raise"

[[budgets]]
name = "tokens"
tokens = 1_000_000
window = "day"
alerts = []

[[alerts]]
type = "log"

[[alerts]]
type = "webhook"
name = "oncall"
url = "https://example.com/alerts"
"""


def said(table: dict, sinks: Configured = NO_SINKS) -> str:
    """What is said of a wrong table."""
    with pytest.raises(ConfigurationError) as found:
        budgets_of([table], sinks)
    return str(found.value)


@pytest.fixture
def tracker(
    tmp_path: Path, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
) -> CostTracker:
    """The tracker that a file makes."""
    file = tmp_path / "costspan.toml"
    file.write_text(WHOLE.format(folder=tmp_path))
    monkeypatch.setenv("COSTSPAN_CONFIG", str(file))
    Instrumentor().instrument(tracer_provider=provider)
    yield Instrumentor().costs
    Instrumentor().uninstrument()


def test_a_table_may_say_all_that_a_budget_takes(tracker: CostTracker):
    month, loop, tokens = tracker.budgets
    assert (month.name, month.unit, month.limit) == ("the month", "usd", 500 * 10**12)
    assert (month.scope, month.window.text, month.timezone) == (
        ("user", "tag:team"),
        "month",
        "Europe/Berlin",
    )
    assert month.where == {"endpoint": "/chat*", "model": "gpt-5*"}
    assert (month.action, month.thresholds) == ("block", (0.5, 0.8, 1.0))
    assert (month.reserve, month.unscoped, month.cut_streams) == ("max", "count", True)
    assert (loop.limit, loop.scope, loop.window.text, loop.action) == (
        20,
        ("trace",),
        "10s",
        "raise",
    )
    assert (tokens.unit, tokens.limit, tokens.window.text) == ("tokens", 1_000_000, "day")
    told = [None if one.alerts is None else list(map(repr, one.alerts)) for one in tracker.budgets]
    assert told == [["WebhookAlerts(example.com)", "LogAlerts()"], None, []]


def test_this_test_names_every_argument():
    named = {line.partition(" =")[0] for line in WHOLE.splitlines() if " = " in line}
    assert set(KEYS) <= named


def test_a_budget_of_the_file_stops_calls(
    tmp_path: Path, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "costspan.toml"
    file.write_text('[[budgets]]\nname = "loop"\ncalls = 2\naction = "block"\n')
    monkeypatch.setenv("COSTSPAN_CONFIG", str(file))
    Instrumentor().instrument(tracer_provider=provider)
    try:
        for _ in range(2):
            with record_call(model="gpt-4o-mini") as call:
                call.set_usage(input_tokens=1000, output_tokens=0)
        with pytest.raises(BudgetExceeded), record_call(model="gpt-4o-mini"):
            pass
        # gpt-4o-mini: 2 x 1,000 tokens at 0.15 USD a million
        assert Instrumentor().costs.summary().cost_usd == Decimal("0.0003")
    finally:
        Instrumentor().uninstrument()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"usd": 1}, '[[budgets]]: table 1 needs a name: write name = "the month"'),
        ({"name": 7, "usd": 1}, "[[budgets]]: table 1 needs a name"),
        (
            {"name": "a", "usd": 1, "treshold": [1]},
            "[[budgets]] name = \"a\": unknown key 'treshold': did you mean 'thresholds'?",
        ),
        (
            {"name": "a", "usd": 1, "frobnicate": 1},
            "unknown key 'frobnicate': use name, usd, tokens",
        ),
        ({"name": "a"}, "[[budgets]] name = \"a\": Budget('a') needs one limit: usd=0.05"),
        ({"name": "a", "usd": 1, "per": ["user", "modle"]}, "there is no 'modle'"),
        ({"name": "a", "usd": 1, "window": "1 day"}, "window='1 day'"),
        ({"name": "a", "usd": 1, "where": {"usr": "x"}}, "there is no 'usr'"),
        ({"name": "a", "usd": 1, "action": "stop"}, "use 'warn', 'raise', 'block'"),
        ({"name": "a", "usd": 1, "alerts": "slack"}, "alerts is a list of names or types"),
        ({"name": "a", "usd": 1, "alerts": [7]}, "alerts is a list of names or types"),
        ({"name": "a", "usd": 1, "alerts": ["slack"]}, "use a name or type (none is there)"),
    ],
)
def test_what_is_wrong_names_the_table_and_the_remedy(table: dict, words: str):
    assert words in said(table)


def test_a_sink_that_is_written_in_place_of_its_name_is_not_quoted():
    sinks = Configured(None, {"slack": []}, frozenset())
    message = said({"name": "a", "usd": 1, "alerts": ["https://hooks.slack.com/s3cret"]}, sinks)
    assert message.endswith('use a name or type ("slack")')
    assert "s3cret" not in message


def test_a_named_sink_that_no_budget_names_would_never_be_told():
    def sink(alert: Alert) -> None: ...

    sinks = Configured(None, {"oncall": [sink]}, frozenset({"oncall"}))
    assert said({"name": "a", "usd": 1}, sinks).startswith(
        '[[alerts]] name = "oncall": no budget names it, so it would never be told'
    )
    (budget,) = budgets_of([{"name": "a", "usd": 1, "alerts": ["oncall", "oncall"]}], sinks)
    assert budget.alerts == (sink,)
