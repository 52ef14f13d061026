"""Counters as sums that readers observe: exact, by their labels, and shown to every reader."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from costspan import CostTracker, Prices, Rate, attribution, record_call
from costspan.attributed import Attribution
from costspan.call import Request
from costspan.instrumentation.labels import Labels
from costspan.instrumentation.sums import MOST_SUMS, Counter, Series, Sums, sums_of
from tests.instrumentation.metered import COST, TOKENS, Metered
from tests.instrumentation.rig import watched

INPUT = f"{TOKENS}input_tokens"


def one_call(tokens: int = 1000) -> None:
    """gpt-4o-mini: 1,000 tokens in cost 0.00015 USD (openai.com/api/pricing, 2026-11)."""
    with record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=tokens, output_tokens=0)


def values(reader: InMemoryMetricReader, name: str) -> list[float]:
    """What a reader collects of one metric now."""
    data = reader.get_metrics_data()
    return [
        point.value
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_dollars_are_summed_exactly(metered: Metered) -> None:
    """As floats, 0.1 + 0.1 + 0.1 are 0.30000000000000004."""
    costs = CostTracker(prices=Prices(overrides={"m": Rate(input=100_000, output=0)}))
    with watched(costs=costs, meter_provider=metered.provider):
        for _ in range(3):
            with record_call(model="m") as call:
                call.set_usage(input_tokens=1, output_tokens=0)
        assert metered.sum(COST) == 0.3


def test_an_exemplar_is_shown_once(metered: Metered) -> None:
    """A counter's leads to the latest call; where there was none since, there is none."""
    with watched(meter_provider=metered.provider) as spans:
        one_call()
        one_call()
        latest = spans.all()[-1].context
        (first,) = metered.points()[COST]
        (second,) = metered.points()[COST]

    (exemplar,) = first.exemplars
    assert latest is not None
    assert (exemplar.trace_id, exemplar.span_id) == (latest.trace_id, latest.span_id)
    assert (second.value, list(second.exemplars)) == (0.0003, [])


def test_two_readers_see_all() -> None:
    readers = [InMemoryMetricReader(), InMemoryMetricReader()]
    provider = MeterProvider(readers, shutdown_on_exit=False)
    with watched(meter_provider=provider):
        one_call()
        assert [values(reader, INPUT) for reader in readers] == [[1000], [1000]]
        one_call()
        assert [values(reader, INPUT) for reader in readers] == [[2000], [2000]]
    provider.shutdown()


def test_a_reader_of_differences_sees_what_is_new() -> None:
    delta: Any = {ObservableCounter: AggregationTemporality.DELTA}
    reader = InMemoryMetricReader(preferred_temporality=delta)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    seen = []
    with watched(meter_provider=provider):
        for tokens in (1000, 10):
            one_call(tokens)
            seen.append(values(reader, INPUT))
    provider.shutdown()

    assert seen == [[1000], [10]]


def test_a_view_that_drops_a_label_adds_up() -> None:
    metered = Metered(views=[View(instrument_name=INPUT, attribute_keys={"server.address"})])
    with watched(meter_provider=metered.provider):
        for agent in ("ann", "bob"):
            with attribution(agent=agent):
                one_call()
        (point,) = metered.points()[INPUT]
    metered.provider.shutdown()

    assert (point.value, dict(point.attributes)) == (2000, {})


def test_another_provider_begins_anew(metered: Metered) -> None:
    former = Metered()
    with watched(meter_provider=former.provider):
        one_call()
    with watched(meter_provider=metered.provider):
        one_call()

    assert (former.sum(INPUT), metered.sum(INPUT)) == (1000, 1000)
    former.provider.shutdown()


def test_sums_go_with_their_provider() -> None:
    provider = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    with watched(meter_provider=provider):
        one_call()
    sums = weakref.ref(sums_of(provider))
    provider.shutdown()
    del provider
    gc.collect()
    sums_of(MeterProvider(shutdown_on_exit=False))

    assert sums() is None


Summed = tuple[Counter, Callable[[], list[tuple[dict[str, Any], float]]]]


@pytest.fixture
def summed() -> Summed:
    """A counter outside every meter, and what it shows: labels and sums."""
    counter = Sums().counter(lambda *args, **kwargs: None, "n", "1", "of a test")

    def shown() -> list[tuple[dict[str, Any], float]]:
        return [(dict(one.attributes or {}), one.value) for one in counter.read(CallbackOptions())]

    return counter, shown


def test_labels_that_the_sdk_would_not_keep_are_one_sum(summed: Summed) -> None:
    counter, shown = summed
    for n in range(MOST_SUMS + 3):
        Series({"n": n}).add(counter, 1, INVALID_SPAN_CONTEXT)
    found = shown()

    assert len(found) == MOST_SUMS + 1
    assert found[-2:] == [({"n": MOST_SUMS - 1}, 1), ({"otel.metric.overflow": True}, 3)]


def test_tags_that_are_equal_and_not_the_same(summed: Summed) -> None:
    """Whatever an SDK makes of them: some take True, 1 and 1.0 for one label."""
    labels, (counter, shown) = Labels(("tag:n",)), summed
    request = Request(operation="chat", provider="openai")
    values = [labels.values(request, Attribution(tags={"n": n})) for n in (True, 1, 1.0)]
    for one in values:
        Series(labels.of(one)).add(counter, 1, INVALID_SPAN_CONTEXT)

    assert len(set(values)) == 3
    said = [told["costspan.tag.n"] for told, _ in shown()]
    assert [(type(label), label) for label in said] == [(bool, True), (int, 1), (float, 1.0)]


def test_calls_of_many_threads_are_all_counted(metered: Metered) -> None:
    def work() -> None:
        for _ in range(50):
            one_call(1)

    with watched(meter_provider=metered.provider):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert metered.sum(INPUT) == 400
