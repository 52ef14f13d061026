"""docs/metrics.md holds what the code holds: every instrument, its kind, unit, names and labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from opentelemetry.sdk.metrics.export import Gauge, Histogram

from costspan import Budget, CostTracker, attribution, record_call
from costspan.testing import LLMServer
from tests.instrumentation.metered import Metered
from tests.instrumentation.rig import ASK, watched

REFUSED: Any = {"extra_headers": {"x-costspan-scenario": "status=400"}}
BUSY: Any = {"extra_headers": {"x-costspan-scenario": "retries=1"}}
PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")


class Instrument(NamedTuple):
    """An instrument as the page has it; labels are those beside the ones that all calls have."""

    kind: str
    unit: str
    labels: frozenset[str]


def rows(header: str) -> Iterator[list[str]]:
    """The cells of the table whose first column has this header."""
    table = PAGE.partition(f"| {header} |")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        yield [cell.strip() for cell in row.strip("|").split("|")]


def documented(names: str) -> dict[str, Instrument]:
    """What is recorded under one setting of `metric_names`."""
    return {
        name.strip("`"): Instrument(kind, unit, frozenset(re.findall("`([^`]+)`", own)))
        for name, kind, unit, generation, _, own in rows("metric")
        if "both" in (names, generation) or names == generation
    }


def kind(metric: Any) -> str:
    if isinstance(metric.data, Histogram):
        return "histogram"
    if isinstance(metric.data, Gauge):
        return "gauge"
    return "counter" if metric.data.is_monotonic else "up-down counter"


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


def calls_of_all_kinds(server: LLMServer) -> None:
    """Between them they have every count, every time and an error."""
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
        list(client.chat.completions.create(**ASK, stream=True))
        client.embeddings.create(model="text-embedding-3-small", input="Hello")
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**ASK, **REFUSED)
        with pytest.raises(openai.BadRequestError):
            client.embeddings.create(model="text-embedding-3-small", input="Hello", **REFUSED)
        client.with_options(max_retries=1).chat.completions.create(**ASK, **BUSY)
    with record_call(model="nobody-knows-it") as call:
        call.set_usage(input_tokens=9, output_tokens=8)
    with record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=9, output_tokens=8, cache_read_tokens=1)
    with record_call(model="gpt-4o-mini") as call:
        call.set_usage(
            input_tokens=9,
            output_tokens=8,
            cache_read_tokens=1,
            cache_write_tokens=1,
            reasoning_tokens=1,
        )


@pytest.mark.parametrize("names", ["current", "v1.41", "both"])
def test_the_instruments(metered: Metered, server: LLMServer, names: str):
    costs = CostTracker(budgets=[Budget("single call", usd=5, per="call"), Budget("all", usd=5)])
    settings: Any = {"costs": costs, "meter_provider": metered.provider, "metric_names": names}
    with watched(**settings), attribution(agent="ann", session="s", user="u", endpoint="/ask"):
        calls_of_all_kinds(server)
        metrics = metered.metrics()
    common = {label.strip("`") for label, _ in rows("label")}

    assert {
        metric.name: Instrument(
            kind(metric),
            metric.unit,
            frozenset({name for p in metric.data.data_points for name in p.attributes} - common),
        )
        for metric in metrics
    } == documented(names)


def test_the_labels_that_all_have(metered: Metered, server: LLMServer):
    with (
        watched(meter_provider=metered.provider),
        attribution(agent="ann", session="s", user="u", endpoint="/ask"),
    ):
        calls_of_all_kinds(server)
    (cost, *_) = [p for p in metered.points()["costspan.cost"] if "server.port" in p.attributes]

    assert [label.strip("`") for label, _ in rows("label")] == list(cost.attributes)
