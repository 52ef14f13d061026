"""The dashboards over a real Prometheus that a real run with the real SDKs has filled."""

from __future__ import annotations

import re

import pytest

from tests.dashboards.api import until
from tests.dashboards.conftest import Filled
from tests.dashboards.made import PAGES, chosen, queries, query_of
from tests.dashboards.servers import needs_prometheus

pytestmark = needs_prometheus

SPEND, CALLS, BUDGETS = "costspan-spend", "costspan-calls", "costspan-budgets"


def test_no_query_is_empty(filled: Filled) -> None:
    ask = filled.prometheus
    for one in queries():  # a forecast needs two records, which are seconds apart
        found = ask.instant if one.instant else ask.range
        words = f"{one.page}: {one.title}, {one.legend}"
        until(lambda found=found, one=one: found(one.expr), lambda words=words: words)


def test_legends_and_columns_are_labels_that_there_are(filled: Filled) -> None:
    """Else Grafana would show them as they are spelled, or not at all."""
    missing = {}
    for query in queries():
        found = filled.prometheus.instant(query.expr) if query.instant else []
        found = found or filled.prometheus.range(query.expr)
        labels = {label for labelled, _ in found for label in labelled}
        shown = {*re.findall(r"{{(\w+)}}", query.legend), *query.columns} - {"Value"}
        if shown - labels:
            missing[query.title] = shown - labels

    assert missing == {}


@pytest.mark.parametrize(
    ("page", "title", "value"),
    [
        (SPEND, "Calls without a whole cost", 2),  # in-house-7b, twice
        (SPEND, "Saved by caches", 2 * (0.06 - 0.0025)),  # see below
        (CALLS, "Calls", 18),
        (CALLS, "Failed", 2 / 18),
        (BUDGETS, "Fullest budget", 1.00951958),  # of 1 USD
        (BUDGETS, "Calls refused", 3),  # all of an agent's but the first
        (BUDGETS, "Alerts that did not arrive", 0),
    ],
)
def test_the_numbers(filled: Filled, page: str, title: str, value: float) -> None:
    """Two rounds. 800,000 tokens of gpt-4o-mini are read for 0.075 instead of 0.15 USD a million;
    2,000 of Opus are written for 6.25 instead of 5."""
    (found,) = filled.prometheus.instant(query_of(page, title).expr)

    assert found[1] == pytest.approx(value)


def test_the_dollars_are_those_of_the_ledger(filled: Filled) -> None:
    spent = float(filled.total["cost_usd"])
    panels = ("Spent", "Today", "This month")

    assert [filled.prometheus.number(query_of(SPEND, one).expr) for one in panels] == [
        pytest.approx(spent, abs=1e-9)
    ] * 3


def test_whose_dollars_they_are(filled: Filled) -> None:
    """A round costs the agents 0.027 + 0.075006 and 0.25 + 0.15275 USD, and some small change."""
    found = {
        label: {labels.get(label): value for labels, value in filled.prometheus.instant(expr)}
        for label, expr in (
            ("costspan_tag_team", query_of(SPEND, "Spend by team").expr),
            ("costspan_endpoint", query_of(SPEND, "Spend by endpoint").expr),
        )
    }

    assert found["costspan_tag_team"]["docs"] == pytest.approx(0.8055, abs=1e-6)
    assert found["costspan_tag_team"]["search"] == pytest.approx(0.204012, abs=1e-9)
    assert found["costspan_endpoint"]["/triage"] == pytest.approx(0.0000075, abs=1e-9)


def test_the_bars_add_up_to_the_dollars(filled: Filled) -> None:
    """A bar is the sum over its width, so that bars side by side hold each dollar once."""
    query = query_of(SPEND, "Spend by model").expr
    bars = filled.prometheus.range(query, step=15)
    total = sum(value for _, values in bars for value in values)

    assert {labels["gen_ai_request_model"] for labels, _ in bars} >= {"gpt-4o-mini"}
    assert total == pytest.approx(float(filled.total["cost_usd"]), abs=1e-9)


def test_the_variables_offer_what_there_is(filled: Filled) -> None:
    offered = {}
    for variable in PAGES[SPEND]["templating"]["list"]:
        if variable["type"] == "query":
            series, label = variable["query"].removeprefix("label_values(")[:-1].rsplit(", ", 1)
            found = filled.prometheus.get(f"label/{label}/values", **{"match[]": chosen(series)})
            offered[variable["name"]] = set(found) - {""}

    assert offered == {
        "service": {"shop"},
        "model": {"gpt-4o-mini", "claude-opus-4-5", "text-embedding-3-small", "in-house-7b"},
        "agent": {"code_reviewer", "researcher", "triage"},
    }


def test_a_dot_leads_to_a_trace(filled: Filled) -> None:
    """The SDK's own Prometheus exporter has no exemplars: the page says so."""
    query = query_of(CALLS, "Time to the first chunk").expr
    found = filled.prometheus.get("query_exemplars", query=query, start=0, end=9e9)
    traces = {one["labels"].get("trace_id") for series in found for one in series["exemplars"]}

    if filled.way == "pull":
        assert traces == set()
    else:
        assert {len(trace) for trace in traces} == {32}
