"""CostSpanProcessor: what it adds to spans of others, in any order, and what it never does."""

import copy
import gc
import logging
import time
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from itertools import count, islice, pairwise
from typing import Any

import pytest
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanLimits,
    SpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status, StatusCode

from costspan import (
    Budget,
    BudgetExceeded,
    ConfigurationError,
    CostSpanProcessor,
    CostTracker,
    Prices,
    attribution,
    guard,
)
from costspan.cost import ledger, seen
from costspan.cost.foreign import enriching
from tests.cost.stage import ASKED, COUNTED, DOLLARS, LANGCHAIN, OTEL, Stage, tell

PRICED = {
    "costspan.cost.status": "priced",
    "costspan.cost.total": 0.00027,
    "costspan.cost.currency": "USD",
    "costspan.cost.input": 0.00015,
    "costspan.cost.output": 0.00012,
    "costspan.cost.model": "gpt-4o-mini",
    "costspan.cost.match": "exact",
    "gen_ai.usage.cost.amount": 0.00027,
    "gen_ai.usage.cost.currency": "USD",
    "gen_ai.usage.cost.source": "local",
}
"""gpt-4o-mini: 1,000 x 0.15 + 200 x 0.60 per million (2026-11-22)."""


def cost_of(span: Any) -> dict[str, Any]:
    """The cost attributes of a span, but for the table's date."""
    return {
        name: value
        for name, value in span.attributes.items()
        if name.startswith(("costspan.cost.", "gen_ai.usage.cost."))
        and name != "costspan.cost.prices_as_of"
    }


class TestWhatIsAdded:
    """To a span of the current conventions."""

    def test_cost(self):
        stage = Stage()
        stage.call()
        (span,) = stage.ended()
        assert cost_of(span) == PRICED
        assert span.attributes["costspan.cost.prices_as_of"].startswith("genai-prices ")

    def test_the_ledger_and_the_records(self):
        stage = Stage()
        stage.call(response="chatcmpl-1")
        sums, (record,) = stage.costs.summary(), stage.costs.records
        assert (sums.calls, sums.total_tokens, sums.cost_usd) == (1, 1200, Decimal("0.00027"))
        (span,) = stage.ended()
        assert record.span_id == f"{span.context.span_id:016x}"
        assert (record.operation, record.response_id) == ("chat", "chatcmpl-1")

    def test_attribution(self):
        """It is that of the moment when the span starts."""
        stage = Stage()
        with attribution(agent="ann", session="s1", user="u1", tags={"team": "x"}) as spent:
            span = stage.start()
        tell(span)
        span.end()
        (ended,) = stage.ended()
        told = {
            "gen_ai.agent.name": "ann",
            "session.id": "s1",
            "user.id": "u1",
            "costspan.tag.team": "x",
        }
        assert told.items() <= ended.attributes.items()
        assert stage.costs.summary(by="agent")["ann"].calls == 1
        assert spent.cost_usd == Decimal("0.00027")

    def test_attribution_of_a_span_that_says_what_it_is_at_its_end_only(self):
        stage = Stage()
        with attribution(agent="ann"), stage.around("my.app", {}) as span:
            span.set_attributes({**ASKED, **COUNTED})
        assert stage.ended()[0].attributes["gen_ai.agent.name"] == "ann"
        assert stage.costs.summary(by="agent")["ann"].cost_usd == Decimal("0.00027")

    @pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "fetch_response"])
    def test_attribution_of_spans_that_are_not_priced(self, operation: str):
        stage = Stage()
        with attribution(session="s1"), stage.around(OTEL, {"gen_ai.operation.name": operation}):
            pass
        (span,) = stage.ended()
        assert (span.attributes["session.id"], cost_of(span)) == ("s1", {})

    def test_what_a_span_says_itself_stays(self):
        stage = Stage()
        with (
            attribution(agent="ann"),
            stage.around(
                OTEL, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "bob"}
            ),
        ):
            pass
        (span,) = stage.ended()
        assert span.attributes["gen_ai.agent.name"] == "bob"

    def test_the_route_of_the_server_span(self):
        stage = Stage()
        with stage.around("web", {"http.route": "/ask"}, kind=SpanKind.SERVER):
            stage.call()
        assert stage.costs.records[0].endpoint == "/ask"
        assert stage.ended()[0].attributes["costspan.endpoint"] == "/ask"

    def test_nothing_to_spans_that_are_none_of_genai(self):
        stage = Stage()
        with attribution(agent="ann"), stage.around("httpx", {"http.method": "GET"}):
            pass
        (span,) = stage.ended()
        assert dict(span.attributes) == {"http.method": "GET"}

    def test_an_unpriced_call_says_so(self):
        stage = Stage()
        stage.call(attributes={**ASKED, "gen_ai.request.model": "no-such-model-at-all"})
        (span,) = stage.ended()
        assert cost_of(span) == {
            "costspan.cost.status": "unpriced",
            "costspan.cost.missing": ("price",),
        }

    def test_a_failed_call(self):
        stage = Stage()
        with stage.around() as span:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", "openai.APIConnectionError")
        sums = stage.costs.summary()
        assert (sums.calls, sums.errors, sums.unpriced_calls) == (1, 1, 1)

    def test_alerts_of_budgets(self):
        alerts: list[Any] = []
        costs = CostTracker(budgets=[Budget("b", usd=0.0001, per="call")], alerts=[alerts.append])
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(CostSpanProcessor(costs))
        with provider.get_tracer(OTEL).start_as_current_span("x", attributes=ASKED) as span:
            tell(span)
        assert costs.flush()
        assert [alert.budget for alert in alerts] == ["b"]


class TestAnothersFigure:
    """A cost that another instrumentation wrote stays."""

    @pytest.mark.parametrize(
        ("name", "scope"),
        [
            ("gen_ai.usage.cost", "openlit.instrumentation.openai"),
            ("operation.cost", "pydantic-ai"),
            ("gen_ai.cost.total_cost", "litellm"),
        ],
    )
    @pytest.mark.parametrize(
        ("theirs", "disagrees"), [(0.00027, None), (0.000272, None), (0.0003, True), (0, True)]
    )
    def test_it_is_marked_where_it_differs(
        self, name: str, scope: str, theirs: float, disagrees: bool | None
    ):
        stage = Stage()
        with stage.around(scope) as span:
            tell(span)
            span.set_attribute(name, theirs)
        (ended,) = stage.ended()
        assert ended.attributes[name] == theirs
        assert ended.attributes.get("costspan.cost.disagrees") is disagrees
        assert stage.costs.summary().cost_usd == Decimal("0.00027")

    def test_the_proposed_names_are_not_written_over(self):
        stage = Stage()
        with stage.around() as span:
            tell(span)
            span.set_attributes(
                {"gen_ai.usage.cost.amount": 9.0, "gen_ai.usage.cost.currency": "EUR"}
            )
        (ended,) = stage.ended()
        said = {k: v for k, v in ended.attributes.items() if k.startswith("gen_ai.usage.cost")}
        assert said == {"gen_ai.usage.cost.amount": 9.0, "gen_ai.usage.cost.currency": "EUR"}
        assert ended.attributes["costspan.cost.total"] == DOLLARS


def simple(exporter: InMemorySpanExporter) -> SpanProcessor:
    return SimpleSpanProcessor(exporter)


class TestOrder:
    """Whatever stands before or after it, exporters see the cost."""

    @pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
    @pytest.mark.parametrize("export", [simple, BatchSpanProcessor], ids=["simple", "batch"])
    @pytest.mark.parametrize("pool", [False, True], ids=["plain", "pool"])
    def test_exporters_see_it(self, first: bool, export: Callable[..., Any], pool: bool):
        exporter, multi = InMemorySpanExporter(), ConcurrentMultiSpanProcessor(3) if pool else None
        provider = TracerProvider(active_span_processor=multi, shutdown_on_exit=False)
        processors = [CostSpanProcessor(CostTracker()), export(exporter)]
        for processor in processors if first else reversed(processors):
            provider.add_span_processor(processor)
        tracer = provider.get_tracer(OTEL)
        for _ in range(5):
            with tracer.start_as_current_span("chat", attributes=ASKED) as span:
                tell(span)
        assert provider.force_flush()
        provider.shutdown()
        spans = exporter.get_finished_spans()
        assert [cost_of(span) for span in spans] == [PRICED] * 5

    @pytest.mark.parametrize("copied", [False, True], ids=["itself", "a copy"])
    def test_inside_a_wrapper_without_the_private_hook(self, copied: bool):
        """In a wrapper without `_on_ending` the call counts, and those after it see the cost."""
        exporter, costs = InMemorySpanExporter(), CostTracker()

        class Wrapper(SpanProcessor):
            def __init__(self, *inner: SpanProcessor) -> None:
                self.inner = inner

            def on_start(self, span: Any, parent_context: Any = None) -> None:
                for one in self.inner:
                    one.on_start(span, parent_context)

            def on_end(self, span: Any) -> None:
                if copied:  # as Logfire does
                    span = copy.copy(span)
                    span._attributes = dict(span.attributes)
                for one in self.inner:
                    one.on_end(span)

        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(Wrapper(CostSpanProcessor(costs), simple(exporter)))
        tracer = provider.get_tracer(LANGCHAIN)
        with tracer.start_as_current_span("x", attributes=ASKED) as outer:
            with tracer.start_as_current_span("y", attributes=ASKED) as inner:
                tell(inner)
            tell(outer)
        spans = exporter.get_finished_spans()
        assert [cost_of(span) for span in spans] == [PRICED, {}]
        assert costs.summary().calls == 1


class TestLimits:
    """A span that is full loses nothing."""

    @pytest.mark.parametrize("most", [5, 6, 10])
    def test_only_total_and_status_where_not_all_fits(self, most: int):
        stage = Stage(SpanLimits(max_span_attributes=most))
        stage.call()
        (span,) = stage.ended()
        assert (ASKED | COUNTED).items() <= span.attributes.items()
        assert span.dropped_attributes == 0
        assert cost_of(span) == {
            "costspan.cost.status": "priced",
            "costspan.cost.total": DOLLARS,
        }

    def test_what_a_span_said_first_and_lost_is_remembered(self):
        """The SDK drops the oldest attributes: the operation and the provider."""
        stage = Stage(SpanLimits(max_span_attributes=3))
        with stage.around() as span:
            tell(span, "chatcmpl-1")
        (ended,) = stage.ended()
        assert ended.dropped_attributes == 3
        assert cost_of(ended)["costspan.cost.total"] == DOLLARS

    def test_a_provider_that_keeps_no_attributes(self):
        stage = Stage(SpanLimits(max_span_attributes=0))
        stage.call()
        assert dict(stage.ended()[0].attributes) == {}

    def test_long_values_are_cut_as_all_are(self):
        stage = Stage(SpanLimits(max_span_attribute_length=6))
        with stage.around(attributes={**ASKED, "gen_ai.request.model": "gpt-5"}) as span:
            tell(span)
        assert stage.ended()[0].attributes["costspan.cost.prices_as_of"] == "genai-"

    def test_attribution_evicts_nothing(self):
        stage = Stage(SpanLimits(max_span_attributes=3))
        with attribution(agent="ann"):
            span = stage.start()
        assert dict(span.attributes) == ASKED
        tell(span)
        span.end()
        assert stage.costs.records[0].agent == "ann"


class RecordOnly(Sampler):
    def should_sample(
        self,
        context: Any,
        trace: Any,
        name: Any,
        kind: Any = None,
        attributes: Any = None,
        *more: Any,
    ) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY, attributes)

    def get_description(self) -> str:
        return "records"


class TestSampling:
    """What no processor sees cannot be counted; what is only recorded can."""

    @pytest.mark.parametrize(("sampler", "calls"), [(ALWAYS_OFF, 0), (RecordOnly(), 1)])
    def test_it(self, sampler: Sampler, calls: int):
        stage = Stage(sampler=sampler)
        stage.call()
        assert (stage.costs.summary().calls, stage.ended()) == (calls, [])


class TestForwarding:
    """The public way: copies for one exporter."""

    @pytest.mark.parametrize("wrapped", [False, True], ids=["exporter", "processor"])
    def test_copies_have_the_cost_and_spans_stay_as_they_are(self, wrapped: bool):
        plain, copies, costs = InMemorySpanExporter(), InMemorySpanExporter(), CostTracker()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(plain))
        target = SimpleSpanProcessor(copies) if wrapped else copies
        provider.add_span_processor(CostSpanProcessor(costs, forward_to=target))
        tracer = provider.get_tracer(LANGCHAIN)
        with tracer.start_as_current_span("x", attributes=ASKED) as outer:
            with tracer.start_as_current_span("y", attributes=ASKED) as inner:
                tell(inner)
                inner.add_event("e")
            tell(outer)
        assert provider.force_flush()
        assert [cost_of(span) for span in plain.get_finished_spans()] == [{}, {}]
        copied = copies.get_finished_spans()
        assert [cost_of(span) for span in copied] == [PRICED, {}]
        one, other = copied[0], plain.get_finished_spans()[0]
        for name in ("name", "context", "parent", "kind", "status", "events", "start_time"):
            assert getattr(one, name) == getattr(other, name)
        assert costs.summary().calls == 1
        provider.shutdown()

    def test_two_copies_count_once(self):
        one, other, costs = InMemorySpanExporter(), InMemorySpanExporter(), CostTracker()
        provider = TracerProvider(shutdown_on_exit=False)
        for exporter in (one, other):
            processor = CostSpanProcessor(costs, forward_to=SimpleSpanProcessor(exporter))
            provider.add_span_processor(processor)
        with provider.get_tracer(OTEL).start_as_current_span("x", attributes=ASKED) as span:
            tell(span)
        found = [cost_of(one.get_finished_spans()[0]), cost_of(other.get_finished_spans()[0])]
        assert found == [PRICED, PRICED]
        assert costs.summary().calls == 1

    def test_a_target_that_is_none(self):
        with pytest.raises(ConfigurationError, match="a span exporter or a span processor"):
            CostSpanProcessor(CostTracker(), forward_to="collector")


class TestStart:
    """A clear word where something cannot work."""

    def test_no_tracker(self):
        with pytest.raises(ConfigurationError, match="CostTracker"):
            CostSpanProcessor("costs")  # type: ignore[arg-type]

    def test_a_tracker_of_its_own(self):
        assert isinstance(CostSpanProcessor().costs, CostTracker)

    def test_the_installed_sdk_lets_spans_be_enriched(self, caplog: Any):
        enriching.works.cache_clear()
        CostSpanProcessor()
        assert enriching.works()
        assert caplog.records == []

    def test_an_sdk_that_does_not(self, monkeypatch: Any, caplog: Any):
        monkeypatch.setattr(enriching, "works", lambda: False)
        with caplog.at_level(logging.WARNING):
            CostSpanProcessor()
        (record,) = caplog.records
        assert "cannot add costs to the spans of opentelemetry-sdk 1." in record.getMessage()
        assert "forward_to=exporter" in record.getMessage()

    def test_an_sdk_that_is_switched_off(self, monkeypatch: Any, caplog: Any):
        enriching.works.cache_clear()
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        CostSpanProcessor()
        assert caplog.records == []
        enriching.works.cache_clear()


@pytest.mark.faults
class TestNeverRaises:
    """A span is an app's own: nothing comes out of a processor."""

    @pytest.mark.parametrize("fault", [ValueError("x"), BudgetExceeded("x", reason="limit")])
    def test_a_tracker_that_fails(self, fault: Exception, monkeypatch: Any, caplog: Any):
        stage = Stage()

        def account(*args: Any, **kwargs: Any) -> None:
            raise fault

        monkeypatch.setattr(stage.costs, "account", account)
        before = guard.faults()
        stage.call()
        assert guard.faults() == before + 1
        assert cost_of(stage.ended()[0]) == {}

    def test_a_policy_that_blocks(self):
        """`unknown="block"` refuses calls before they are made; here they were made."""
        costs = CostTracker(prices=Prices(unknown="block"))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(CostSpanProcessor(costs))
        tracer = provider.get_tracer(OTEL)
        told = {**ASKED, "gen_ai.request.model": "no-such-model-at-all"}
        with tracer.start_as_current_span("x", attributes=told) as span:
            tell(span)
        assert costs.summary().unpriced_calls == 1

    @pytest.mark.parametrize(
        "odd",
        [
            {"gen_ai.operation.name": ("chat", "x")},
            {"gen_ai.operation.name": 5},
            {"gen_ai.usage.input_tokens": "many"},
            {"gen_ai.request.model": 7},
            {"gen_ai.provider.name": True},
            {"server.port": "x"},
            {"gen_ai.response.finish_reasons": 3},
            {"error.type": 1},
            {"gen_ai.usage.cost": "free"},
            {"gen_ai.usage.cost.amount": float("nan"), "gen_ai.usage.cost.source": "provider"},
        ],
        ids=str,
    )
    def test_odd_attributes(self, odd: dict[str, Any]):
        stage = Stage()
        before = guard.faults()
        with stage.around(attributes={**ASKED, **odd}) as span:
            tell(span)
            span.set_attributes(odd)
        assert len(stage.ended()) == 1
        assert guard.faults() == before

    def test_after_shutdown(self):
        stage = Stage()
        stage.provider.shutdown()
        stage.call()
        assert stage.processor.force_flush()
        stage.processor.shutdown()


def test_it_rests():
    """As `uninstrument()` leaves it."""
    stage = Stage()
    stage.processor.serve(None)
    with attribution(agent="ann"):
        stage.call()
    assert (stage.costs.summary().calls, dict(stage.ended()[0].attributes)) == (0, ASKED | COUNTED)


def test_memory_stays_flat(monkeypatch: Any):
    """Mixed traffic: calls beneath frameworks and agents, and spans of other kinds.

    What is remembered would grow every time, what other threads hold does not.
    """
    monkeypatch.setattr(ledger, "MOST_KEYS", 100)  # its own limit, of sums by trace
    monkeypatch.setattr(seen, "MOST_KEPT", 100)
    stage, numbers = Stage(), count()

    def traffic(rounds: int) -> int:
        for number in islice(numbers, rounds):
            with stage.around("web", {"http.route": "/ask"}, kind=SpanKind.SERVER):
                with stage.around(LANGCHAIN) as outer:
                    stage.call(OTEL, response=f"chatcmpl-{number}")
                    tell(outer)
                with stage.around("db", {"db.system": "x"}):
                    pass
            stage.exporter.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held = [traffic(800) for _ in range(4)]
        assert min(after - before for before, after in pairwise(held)) < 800 * 30
    finally:
        tracemalloc.stop()


def test_a_clock_that_goes_back():
    stage = Stage()
    span = stage.start(start_time=time.time_ns())
    tell(span)
    span.end(end_time=1)
    assert stage.costs.summary().calls == 1
