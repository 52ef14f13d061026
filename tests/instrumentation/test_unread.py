"""What a call has for metrics waits for a reader, and no reader sees less than all of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.baggage import set_baggage
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import DropAggregation, View
from prometheus_client import REGISTRY, generate_latest

from costspan import Instrumentor, record_call
from costspan.instrumentation.unread import AT_ONCE, MOST_CALLS, MOST_CHUNKS
from tests.instrumentation.measured import INPUT, Measured, one_call, points_of
from tests.instrumentation.metered import COST, DURATION, PER_CHUNK, Metered
from tests.instrumentation.rig import watched


@pytest.fixture
def measured() -> Measured:
    return Measured()


def test_a_call_measures_nothing_and_a_reader_all(measured: Measured):
    with watched(meter_provider=measured.provider) as spans:
        one_call()
        one_call()
        assert measured.threads == []
        assert measured.seen() == (2, 2)
        wanted = [span.context.span_id for span in spans.all() if span.context]
        assert measured.spans == wanted
        assert measured.seen() == (2, 2)
    assert len(measured.threads) == 2


def test_a_full_row_is_kept_from_growing_by_the_calls(measured: Measured):
    """Each 32nd records the 32 oldest, in their order; a reader finds all of them."""
    with watched(meter_provider=measured.provider) as spans:
        for _ in range(MOST_CALLS - 1):
            one_call()
        assert measured.threads == []
        one_call()
        assert len(measured.threads) == AT_ONCE
        for _ in range(AT_ONCE - 1):
            one_call()
        assert len(measured.threads) == AT_ONCE
        one_call()
        assert measured.threads == [threading.get_ident()] * 2 * AT_ONCE
        number = MOST_CALLS + AT_ONCE
        assert measured.seen() == (number, number)
        assert measured.spans == [span.context.span_id for span in spans.all() if span.context]


@contextmanager
def another_call() -> Iterator[None]:
    """Another's span and baggage are current."""
    span = trace.NonRecordingSpan(trace.SpanContext(7, 7, True))
    here = context.attach(set_baggage("whose", "another's", trace.set_span_in_context(span)))
    yield
    context.detach(here)


def test_an_exemplar_leads_to_its_own_call(metered: Metered):
    with watched(meter_provider=metered.provider) as spans:
        one_call()
        with another_call():
            points = metered.points()
        wanted = spans.one().context

    assert wanted is not None
    for name in (DURATION, COST, INPUT):
        (exemplar,) = points[name][0].exemplars
        assert (exemplar.trace_id, exemplar.span_id) == (wanted.trace_id, wanted.span_id)


def test_a_measurement_has_nothing_of_who_records_it(measured: Measured):
    with watched(meter_provider=measured.provider):
        one_call()
        with another_call():
            assert measured.seen() == (1, 1)
    assert measured.baggage == [{}]


def test_an_exemplar_has_the_time_at_which_it_was_recorded(metered: Metered):
    """The SDK takes it from nobody; docs/metrics.md says so."""
    with watched(meter_provider=metered.provider) as spans:
        one_call()
        ended = spans.one().end_time
        (point,) = metered.points()[DURATION]
    (exemplar,) = point.exemplars

    assert ended is not None
    assert ended < exemplar.time_unix_nano <= point.time_unix_nano
    assert point.start_time_unix_nano <= point.time_unix_nano


class Kept(MetricExporter):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.counts += [
            point.count
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == DURATION
            for point in metric.data.data_points
        ]
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


def test_a_flush_and_a_shutdown_see_all():
    """The one in this thread, the other in the reader's own."""
    kept = Kept()
    reader = PeriodicExportingMetricReader(kept, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    with watched(meter_provider=provider):
        one_call()
        provider.force_flush()
        assert kept.counts == [1]
        one_call()
        provider.shutdown()
        assert kept.counts == [1, 2]


def test_a_scrape_of_prometheus_sees_all():
    reader = PrometheusMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    with watched(meter_provider=provider):
        one_call()
        one_call()
        scraped = generate_latest(REGISTRY).decode()
    provider.shutdown()
    name = "gen_ai_client_inference_duration_seconds_count"
    (count,) = [line for line in scraped.splitlines() if line.startswith(name)]

    assert count.endswith(" 2.0")


def test_readers_that_collect_at_the_same_time_see_the_same_calls():
    """While calls go on: each collection has all that were settled before it, and none by half."""
    others = [InMemoryMetricReader() for _ in range(2)]
    measured = Measured(*others)
    settled, done, faults = 0, threading.Event(), []

    def read(reader: InMemoryMetricReader) -> None:
        while not done.is_set():
            before = settled
            tokens, number = measured.seen(reader)
            if tokens != number or number < before:
                faults.append((before, tokens, number))

    with watched(meter_provider=measured.provider):
        one_call()
        threads = [threading.Thread(target=read, args=(one,)) for one in others]
        for thread in threads:
            thread.start()
        for _ in range(600):
            one_call()
            settled += 1
        done.set()
        for thread in threads:
            thread.join()
        assert [measured.seen(one) for one in (*others, measured.reader)] == [(601, 601)] * 3
    assert faults == []


def test_a_view_that_drops_every_counter():
    """Its callbacks run all the same."""
    dropped = [
        View(instrument_name=name, aggregation=DropAggregation())
        for name in ("*tokens", "costspan.*")
    ]
    measured = Measured(views=dropped)
    with watched(meter_provider=measured.provider):
        one_call()
        points = points_of(measured.reader)

    assert set(points) == {DURATION}
    assert points[DURATION][0].count == 1


@pytest.mark.parametrize("names", ["current", "v1.41", "both"])
def test_whatever_names_were_asked_for(metered: Metered, names: str):
    with watched(meter_provider=metered.provider, metric_names=names):
        one_call()
        points = metered.points()
    durations = [points[name][0].count for name in points if name.endswith(".duration")]

    assert durations == [1] * (2 if names == "both" else 1)
    assert points[COST][0].value > 0


def test_switching_off_leaves_nothing_waiting(measured: Measured):
    """Nor does another provider take what was the former's."""
    other = Measured()
    with watched(meter_provider=measured.provider):
        one_call()
        Instrumentor().instrument(meter_provider=other.provider)
        assert len(measured.threads) == 1
        one_call()
        one_call()
        assert other.threads == []
    assert (len(measured.threads), len(other.threads)) == (1, 2)
    assert (measured.seen(), other.seen()) == ((1, 1), (2, 2))


def test_a_provider_that_is_shut_down_takes_calls_and_shows_none(measured: Measured):
    with watched(meter_provider=measured.provider):
        one_call()
        measured.provider.shutdown()
        for _ in range(MOST_CALLS):
            one_call()
        assert len(measured.threads) >= AT_ONCE


class Meter:
    """Is no meter of the SDK's, and does what one does."""

    def __init__(self, meter: Any) -> None:
        self._meter = meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meter, name)


def test_a_meter_of_another_make_gets_each_call_at_once(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
):
    make = measured.provider.get_meter
    monkeypatch.setattr(measured.provider, "get_meter", lambda *named: Meter(make(*named)))
    with watched(meter_provider=measured.provider):
        one_call()
        assert len(measured.threads) == 1
        with record_call(model="gpt-4o-mini") as call:
            list(call.stream(["a", "b"]))
    assert measured.seen() == (1, 2)
    assert points_of(measured.reader)[PER_CHUNK][0].count == 1


def test_the_chunks_of_an_open_stream_are_seen(metered: Metered):
    """Each waits as a call does, and neither keeps the other out."""
    with watched(meter_provider=metered.provider), record_call(model="gpt-4o-mini") as call:
        stream = call.stream(["chunk"] * (MOST_CHUNKS + 2))
        for _ in range(3):
            next(stream)
        assert [point.count for point in metered.points()[PER_CHUNK]] == [2]
        assert len(list(stream)) == MOST_CHUNKS - 1
        assert [point.count for point in metered.points()[PER_CHUNK]] == [MOST_CHUNKS + 1]


def test_a_call_that_a_callback_makes(measured: Measured):
    """A reader is collecting then. The callback comes after ours: the next collection has it."""

    def ask(options: CallbackOptions) -> list[Observation]:
        one_call()
        return []

    with watched(meter_provider=measured.provider):
        one_call()
        measured.provider.get_meter("app").create_observable_gauge("asks", [ask])
        assert [measured.seen() for _ in range(3)] == [(1, 1), (2, 2), (3, 3)]
