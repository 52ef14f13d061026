"""Labels of metrics: which there are, and that no stream of new values makes them grow."""

import logging

import pytest

from costspan import CostTracker, attribution, record_call
from costspan.call import Call, Request
from costspan.instrumentation.labels import MOST_VALUES, Labels
from tests.instrumentation.metered import COST, Metered
from tests.instrumentation.rig import watched


def labels_of(words: tuple[str, ...] = (), **facts) -> dict[str, object]:
    """The labels of one call."""
    request = Request(operation="chat", provider="openai")
    call = Call(request=request, started_at=1, ended_at=2, runtime_seconds=1.0, **facts)
    labels = Labels(words)
    found = labels.of(labels.values(request, call))
    assert found.pop("gen_ai.operation.name") == "chat"
    assert found.pop("gen_ai.provider.name") == "openai"
    return found


EVERYBODY = {
    "agent": "ann",
    "session": "s1",
    "user": "u1",
    "endpoint": "/ask",
    "tags": {"team": "search", "tries": 3},
}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), {}),
        (("agent",), {"gen_ai.agent.name": "ann"}),
        (("endpoint",), {"costspan.endpoint": "/ask"}),
        (("session",), {"session.id": "s1"}),
        (("user",), {"user.id": "u1"}),
        (("tag:team",), {"costspan.tag.team": "search"}),
        (("tag:tries", "tag:nobody"), {"costspan.tag.tries": 3}),
    ],
)
def test_the_words_that_were_asked_for(words: tuple[str, ...], found: dict[str, object]):
    assert labels_of(words, **EVERYBODY) == found


def test_sessions_users_and_tags_are_no_labels_by_themselves(metered: Metered):
    with (
        watched(meter_provider=metered.provider, metric_names="both"),
        attribution(agent="ann", session="s1", user="u1", endpoint="/ask", tags={"team": "x"}),
        record_call(model="gpt-4o-mini") as call,
    ):
        call.set_usage(input_tokens=1000, output_tokens=200)
    names = {name for points in metered.points().values() for p in points for name in p.attributes}

    assert {"gen_ai.agent.name", "costspan.endpoint"} <= names
    assert [name for name in names if "session" in name or "user" in name or "tag" in name] == []


def test_sessions_and_tags_are_labels_where_they_are_asked_for(metered: Metered):
    with watched(meter_provider=metered.provider, metric_labels=("session", "tag:team")):
        for session in ("s1", "s2"):
            with (
                attribution(agent="ann", session=session, tags={"team": "x", "more": "y"}),
                record_call(model="gpt-4o-mini") as call,
            ):
                call.set_usage(input_tokens=1000, output_tokens=200)
    labels = [dict(point.attributes) for point in metered.points()[COST]]

    assert {one["session.id"] for one in labels} == {"s1", "s2"}
    assert {one["costspan.tag.team"] for one in labels} == {"x"}
    assert not [one for one in labels if {"gen_ai.agent.name", "costspan.tag.more"} & one.keys()]


def test_a_label_keeps_a_thousand_values(caplog: pytest.LogCaptureFixture):
    """The last that has a place is itself, the first that has none is `(other)`, said once."""
    labels = Labels(())
    with caplog.at_level(logging.WARNING, "costspan"):
        kept = [labels.bounded("gen_ai.agent.name", f"agent {n}") for n in range(1000)]
        assert caplog.records == []
        assert labels.bounded("gen_ai.agent.name", "agent 1000") == "(other)"
        assert labels.bounded("gen_ai.agent.name", "agent 1001") == "(other)"
    (said,) = [record.getMessage() for record in caplog.records]

    assert kept[-1] == "agent 999"
    assert labels.bounded("gen_ai.agent.name", "agent 0") == "agent 0"
    assert labels.bounded("costspan.endpoint", "agent 1000") == "agent 1000"
    assert "gen_ai.agent.name has more than 1,000 values" in said


def test_a_host_that_has_no_place_has_no_port():
    """A port is a number, so it cannot be `(other)`."""
    labels = Labels(())
    for n in range(MOST_VALUES):
        labels.bounded("server.address", f"host{n}")

    def found(host: str) -> dict[str, object]:
        asked = Request(operation="chat", provider="x", server_address=host, server_port=8000)
        call = Call(request=asked, started_at=1, ended_at=2, runtime_seconds=1.0)
        return labels.of(labels.values(asked, call))

    assert found("host7")["server.port"] == 8000
    assert found("another")["server.address"] == "(other)"
    assert "server.port" not in found("another")


def test_sums_stay_exact_where_labels_end(metered: Metered):
    """1,002 agents, each 1,000 tokens in: two are `(other)`, and the ledger knows each."""
    costs = CostTracker()
    with watched(costs=costs, meter_provider=metered.provider):
        for n in range(1002):
            with attribution(agent=f"agent {n}"), record_call(model="gpt-4o-mini") as call:
                call.set_usage(input_tokens=1000, output_tokens=0)
    tokens = "gen_ai.client.inference.usage.input_tokens"

    assert metered.sum(tokens) == 1_002_000
    assert metered.sum(tokens, **{"gen_ai.agent.name": "(other)"}) == 2000
    assert len(metered.points()[tokens]) == 1001
    assert len(costs.summary(by="agent")) == 1002
