"""PricingExporter: GenAI spans get their cost on the way out, each call once."""

import gc
import tracemalloc
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from costspan import CostTracker
from costspan.cost.foreign import exporting
from costspan.cost.foreign.exporting import PricingExporter
from tests.cost.foreign.test_counted_once import AGENT, TOOL, settled
from tests.cost.stage import ASKED, DOLLARS, LANGCHAIN, OTEL, Stage, tell


class Outlet(Stage):
    """A provider whose spans are priced by an exporter: each alone, or all in one batch."""

    def __init__(self, *, batch: bool) -> None:
        self.costs = CostTracker(alerts=[])
        self.exporter = InMemorySpanExporter()
        self.pricing = PricingExporter(self.exporter, self.costs)
        self.provider = TracerProvider(shutdown_on_exit=False)
        self._tracer = self.provider.get_tracer
        kind: Any = BatchSpanProcessor if batch else SimpleSpanProcessor
        self.provider.add_span_processor(kind(self.pricing))

    def ended(self) -> list[Any]:
        self.provider.force_flush()
        return super().ended()


@pytest.fixture(params=[True, False], ids=["one batch", "one by one"])
def outlet(request: pytest.FixtureRequest) -> Any:
    made = Outlet(batch=request.param)
    yield made
    made.provider.shutdown()


def test_a_call_is_priced_and_counted(outlet: Outlet) -> None:
    outlet.call()

    (span,) = outlet.ended()
    assert span.attributes["costspan.cost.total"] == DOLLARS
    assert span.attributes["costspan.cost.status"] == "priced"
    assert span.attributes["gen_ai.usage.input_tokens"] == 1000
    sums = outlet.costs.summary()
    assert (sums.calls, sums.cost_usd) == (1, Decimal("0.00027"))


def test_other_spans_pass_as_they_are(outlet: Outlet) -> None:
    with outlet.around("my.app", {"a": 1}, name="step"):
        pass

    (span,) = outlet.ended()
    assert dict(span.attributes) == {"a": 1}
    assert outlet.costs.summary().calls == 0


def test_nothing_is_added_to_what_is_priced(outlet: Outlet) -> None:
    """Spans of ours, and those that a processor has enriched."""
    with outlet.around() as span:
        tell(span)
        span.set_attribute("costspan.cost.status", "priced")

    (ended,) = outlet.ended()
    assert "costspan.cost.total" not in ended.attributes
    assert outlet.costs.summary().calls == 0


def test_without_a_tracker_all_spans_pass(outlet: Outlet) -> None:
    outlet.pricing.costs = None
    outlet.call()

    (span,) = outlet.ended()
    assert "costspan.cost.total" not in span.attributes


def test_the_innermost_span_of_a_call_pays(outlet: Outlet) -> None:
    """Also where a span between them is none of GenAI, and comes before the outer one."""
    with outlet.around(LANGCHAIN) as outer, outlet.around("my.app", {}, name="retry"):
        outlet.call(OTEL, response="chatcmpl-1")
        tell(outer, "run-1")
    outlet.ended()

    assert settled(outlet) == (1, [OTEL])


def test_a_call_of_a_tool_is_another_one(outlet: Outlet) -> None:
    with outlet.around(LANGCHAIN) as outer, outlet.around(OTEL, TOOL):
        outlet.call(OTEL, response="chatcmpl-1")
        tell(outer, "chatcmpl-2")
    outlet.ended()

    assert settled(outlet)[0] == 2


def test_an_agent_that_sums_up_is_not_priced(outlet: Outlet) -> None:
    """Even where it looks like a remote one, as its calls have gone out before it."""
    with outlet.around(LANGCHAIN, AGENT) as agent:
        outlet.call(OTEL, response="chatcmpl-1")
        outlet.call(OTEL, response="chatcmpl-2")
        agent.set_attributes({"gen_ai.usage.input_tokens": 2000})
    outlet.ended()

    assert settled(outlet) == (2, [OTEL, OTEL])


def test_a_remote_agent_is_priced(outlet: Outlet) -> None:
    """Nothing beneath it told what it used."""
    outlet.call(OTEL, attributes=AGENT)
    outlet.ended()

    assert settled(outlet) == (1, [OTEL])


def test_a_stream_that_outlives_the_span_above_it(outlet: Outlet) -> None:
    with outlet.around(LANGCHAIN) as outer:
        inner = outlet.start(OTEL)
        tell(outer, "chatcmpl-1")
    tell(inner, "chatcmpl-1")
    inner.end()
    outlet.ended()

    assert outlet.costs.summary().calls == 1


def test_a_span_whose_parent_is_elsewhere_is_a_call_of_its_own(outlet: Outlet) -> None:
    """As for the processor: each process counts its own calls, also where two are in one."""
    outer = outlet.start(LANGCHAIN)
    here = outer.get_span_context()
    there = trace.SpanContext(here.trace_id, here.span_id, True, here.trace_flags)
    above = trace.set_span_in_context(trace.NonRecordingSpan(there))
    inner = outlet.start(OTEL, context=above)
    for span, name in ((inner, "chatcmpl-1"), (outer, "chatcmpl-2")):
        tell(span, name)
        span.end()
    outlet.ended()

    assert settled(outlet) == (2, [OTEL, LANGCHAIN])


@pytest.mark.faults
def test_a_fault_of_ours_leaves_the_spans_bare(
    outlet: Outlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "settled", lambda *_: 1 / 0)
    outlet.call()

    (span,) = outlet.ended()
    assert dict(span.attributes).items() >= ASKED.items()
    assert "costspan.cost.total" not in span.attributes


def test_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is bounded: it would grow every time, what other threads hold not."""
    monkeypatch.setattr(exporting, "MOST_KEPT", 100)
    outlet = Outlet(batch=False)

    def traffic(rounds: int) -> int:
        for _ in range(rounds):
            with outlet.around("web", {"http.route": "/ask"}, kind=SpanKind.SERVER):
                pass
            outlet.exporter.clear()
        gc.collect()
        # Of what is remembered: threads that other tests left may fill memory without an end.
        held = tracemalloc.take_snapshot().filter_traces(
            [
                tracemalloc.Filter(True, "*/costspan/cost/foreign/*"),
                tracemalloc.Filter(True, "*/opentelemetry/sdk/trace/*"),
            ]
        )
        return sum(one.size for one in held.statistics("filename"))

    tracemalloc.start()
    try:
        held = [traffic(1000) for _ in range(4)]
        assert min(after - before for before, after in pairwise(held)) < 1000 * 20
    finally:
        tracemalloc.stop()
