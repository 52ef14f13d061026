"""Spans of others beside ours: one call is one bill, and the processor alone does as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from costspan import CostSpanProcessor, CostTracker, Instrumentor, attribution, record_call
from costspan.cost.seen import ELSEWHERE
from costspan.export.schema import Line
from tests.instrumentation.answers import message
from tests.instrumentation.claude_forms import OPUS, answer
from tests.instrumentation.rig import ASK, ASK_CLAUDE, Spans, provider_into
from tests.instrumentation.wire import Answer, Wire

PEER = "opentelemetry.instrumentation.genai.openai"
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
}
TOOL = {"gen_ai.operation.name": "execute_tool"}
COUNTED = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200}
CHAT = Answer(
    body={
        "id": "chatcmpl-0123456789",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
        ],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200},
    }
)
DOLLARS = Decimal("0.00027")  # gpt-4o-mini: 1,000 x 0.15 + 200 x 0.60 per million (2026-11-22)


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def app(spans: Spans) -> Iterator[TracerProvider]:
    """The app's provider, which it has not made the global one."""
    made = provider_into(spans)
    yield made
    Instrumentor().uninstrument()
    made.shutdown()


@pytest.fixture
def wire() -> Wire:
    return Wire(CHAT)


def ask(wire: Wire) -> None:
    wire.openai(api_key="k").chat.completions.create(**ASK)


def foreign(provider: TracerProvider, told: dict[str, Any] = COUNTED) -> None:
    """A call that another instrumentation records."""
    tracer = provider.get_tracer(PEER)
    with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT, attributes=ASKED) as span:
        span.set_attributes(told)


def processors(provider: TracerProvider) -> list[CostSpanProcessor]:
    found = provider._active_span_processor._span_processors
    return [one for one in found if isinstance(one, CostSpanProcessor)]


def paid(spans: Spans) -> list[str]:
    """Who made the spans that carry dollars."""
    return [
        span.instrumentation_scope.name
        for span in spans.all()
        if "costspan.cost.total" in span.attributes
    ]


class TestJoining:
    """`instrument()` has the spans of others priced by itself."""

    def test_the_provider_that_was_given(self, app: TracerProvider, spans: Spans):
        costs = CostTracker()
        Instrumentor().instrument(tracer_provider=app, costs=costs)
        foreign(app)
        assert (costs.summary().cost_usd, paid(spans)) == (DOLLARS, [PEER])

    def test_the_global_provider(
        self, app: TracerProvider, spans: Spans, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", app)
        Instrumentor().instrument()
        foreign(app)
        assert paid(spans) == [PEER]

    def test_a_global_provider_that_is_set_later(
        self, app: TracerProvider, spans: Spans, wire: Wire, monkeypatch: pytest.MonkeyPatch
    ):
        """Our first call sees it."""
        Instrumentor().instrument()
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", app)
        foreign(app)
        assert paid(spans) == []
        ask(wire)
        foreign(app)
        assert paid(spans) == ["costspan", PEER]

    def test_left_out(self, app: TracerProvider, spans: Spans):
        Instrumentor().instrument(tracer_provider=app, foreign_spans=False)
        foreign(app)
        assert (processors(app), paid(spans)) == ([], [])

    def test_without_costs(self, app: TracerProvider):
        Instrumentor().instrument(tracer_provider=app, costs=None)
        assert processors(app) == []

    def test_once_however_often_it_is_switched_on(self, app: TracerProvider, spans: Spans):
        for _ in range(3):
            costs = CostTracker()
            Instrumentor().instrument(tracer_provider=app, costs=costs)
            foreign(app)
            assert costs.summary().calls == 1
            Instrumentor().uninstrument()
        assert len(processors(app)) == 1

    def test_with_other_settings(self, app: TracerProvider, spans: Spans):
        one, other = CostTracker(), CostTracker()
        Instrumentor().instrument(tracer_provider=app, costs=one)
        Instrumentor().instrument(tracer_provider=app, costs=other)
        foreign(app)
        assert (one.summary().calls, other.summary().calls) == (0, 1)

    def test_switched_off_it_is_inert(self, app: TracerProvider, spans: Spans):
        Instrumentor().instrument(tracer_provider=app)
        Instrumentor().uninstrument()
        with attribution(agent="ann"):
            foreign(app)
        (span,) = spans.all()
        assert dict(span.attributes) == ASKED | COUNTED

    def test_added_by_hand_too(self, app: TracerProvider, spans: Spans, wire: Wire):
        costs = CostTracker()
        app.add_span_processor(CostSpanProcessor(costs))
        Instrumentor().instrument(tracer_provider=app, costs=costs)
        app.add_span_processor(CostSpanProcessor(costs))
        foreign(app)
        ask(wire)
        assert (costs.summary().calls, costs.summary().cost_usd) == (2, 2 * DOLLARS)
        assert paid(spans) == [PEER, "costspan"]

    def test_attribution_with_a_pool_of_processors(self, spans: Spans):
        """The threads of the pool have it while costspan is switched on."""
        pool = ConcurrentMultiSpanProcessor(2)
        provider = TracerProvider(active_span_processor=pool, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(spans))
        Instrumentor().instrument(tracer_provider=provider)
        with attribution(agent="ann"):
            foreign(provider)
        Instrumentor().uninstrument()
        provider.shutdown()
        assert spans.one().attributes["gen_ai.agent.name"] == "ann"

    def test_a_provider_of_no_sdk(self):
        Instrumentor().instrument(tracer_provider=trace.NoOpTracerProvider())
        Instrumentor().uninstrument()

    def test_a_provider_that_goes_leaves_nothing(self):
        from costspan.cost.foreign.joining import ForeignSpans

        joined, costs = ForeignSpans(), CostTracker()
        joined.serve(costs)
        for _ in range(3):
            joined.join(TracerProvider(shutdown_on_exit=False))
        joined.serve(costs)
        assert len(joined._joined) <= 1


class TestOneCall:
    """A call that we record, and others too: ours has the dollars.

    So it is of the very first spans, whose nodes are found by their ids too, and of later ones.
    """

    @pytest.fixture(params=["first", "later"])
    def costs(self, app: TracerProvider, request: pytest.FixtureRequest) -> CostTracker:
        made = CostTracker()
        Instrumentor().instrument(tracer_provider=app, costs=made)
        if request.param == "later":
            app.get_tracer(PEER).start_span("tool", attributes=TOOL).end()
        return made

    def test_a_peer_above_ours(
        self, app: TracerProvider, spans: Spans, wire: Wire, costs: CostTracker
    ):
        tracer = app.get_tracer(PEER)
        with tracer.start_as_current_span("chat", attributes=ASKED) as span:
            ask(wire)
            span.set_attributes(COUNTED)
        assert (costs.summary().cost_usd, paid(spans)) == (DOLLARS, ["costspan"])

    def test_a_peer_beside_ours(
        self, app: TracerProvider, spans: Spans, wire: Wire, costs: CostTracker
    ):
        beside = app.get_tracer(PEER).start_span("chat", attributes=ASKED)
        ask(wire)
        beside.set_attributes({**COUNTED, "gen_ai.response.id": "chatcmpl-0123456789"})
        beside.end()
        assert (costs.summary().cost_usd, paid(spans)) == (DOLLARS, ["costspan"])

    def test_a_peer_beside_ours_that_names_no_response(
        self, app: TracerProvider, spans: Spans, wire: Wire, costs: CostTracker
    ):
        beside = app.get_tracer("openinference.instrumentation.langchain").start_span(
            "ChatOpenAI", attributes={"openinference.span.kind": "LLM"}
        )
        ask(wire)
        beside.set_attributes(
            {
                "llm.model_name": "gpt-4o-mini",
                "llm.token_count.prompt": 1000,
                "llm.token_count.completion": 200,
            }
        )
        beside.end()
        assert (costs.summary().cost_usd, paid(spans)) == (DOLLARS, ["costspan"])

    def test_a_peer_beside_ours_that_ends_first(
        self, app: TracerProvider, spans: Spans, wire: Wire, costs: CostTracker
    ):
        """Whoever settles first keeps the dollars; the other says so."""
        told = {**COUNTED, "gen_ai.response.id": "chatcmpl-0123456789"}
        foreign(app, told)
        ask(wire)
        assert (costs.summary().calls, costs.summary().cost_usd) == (1, DOLLARS)
        assert paid(spans) == [PEER]
        ours = spans.all()[-1].attributes
        assert ours["costspan.cost.status"] == ELSEWHERE.status == "not_billed"
        assert ours["costspan.cost.missing"] == ("settled_elsewhere",)

    def test_a_peer_beneath_ours(self, app: TracerProvider, spans: Spans, costs: CostTracker):
        with record_call(model="gpt-4o-mini", provider="openai") as call:
            foreign(app)
            call.set_usage(input_tokens=1000, output_tokens=200)
        assert (costs.summary().cost_usd, paid(spans)) == (DOLLARS, ["costspan"])

    def test_a_peer_beneath_ours_and_a_span_of_the_app(
        self, app: TracerProvider, spans: Spans, costs: CostTracker
    ):
        with record_call(model="gpt-4o-mini", provider="openai") as call:
            with app.get_tracer("my.app").start_as_current_span("retry"):
                foreign(app)
            call.set_usage(input_tokens=1000, output_tokens=200)
        assert (costs.summary().cost_usd, paid(spans)) == (DOLLARS, ["costspan"])

    def test_a_peer_beneath_one_of_ours_that_has_ended(
        self, app: TracerProvider, spans: Spans, costs: CostTracker
    ):
        """A context that leaks: what starts in it later is a call of its own."""
        with record_call(model="gpt-4o-mini", provider="openai") as call:
            call.set_usage(input_tokens=2000, output_tokens=200)
            leaked = trace.get_current_span()
        with trace.use_span(leaked):
            foreign(app)
        assert (costs.summary().calls, paid(spans)) == (2, ["costspan", PEER])

    def test_calls_of_ours_are_never_taken_for_each_other(
        self, app: TracerProvider, wire: Wire, costs: CostTracker
    ):
        """Servers for tests name all their answers alike."""
        ask(wire)
        ask(wire)
        assert costs.summary().calls == 2

    def test_an_agent_above_ours(
        self, app: TracerProvider, spans: Spans, wire: Wire, costs: CostTracker
    ):
        told = {**ASKED, **COUNTED, "gen_ai.operation.name": "invoke_agent"}
        with app.get_tracer(PEER).start_as_current_span(
            "invoke_agent", kind=SpanKind.CLIENT, attributes=told
        ):
            ask(wire)
            ask(wire)
        assert (costs.summary().calls, paid(spans)) == (2, ["costspan", "costspan"])


class TestAnthropic:
    """Whoever prefers the SDK's own spans leaves `anthropic` out, and has them priced."""

    @pytest.mark.parametrize("streamed", [False, True])
    def test_native_spans(
        self, streamed: bool, app: TracerProvider, spans: Spans, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", app)
        costs = CostTracker()
        Instrumentor().instrument(providers=("openai",), costs=costs)
        client = Wire(answer).anthropic(api_key="k")
        with attribution(agent="ann"):
            if streamed:
                list(client.messages.create(**ASK_CLAUDE, stream=True))
            else:
                client.messages.create(**ASK_CLAUDE)
        Instrumentor().uninstrument()
        direct = CostTracker()
        Instrumentor().instrument(costs=direct)
        client = Wire(message(OPUS)).anthropic(api_key="k")
        if streamed:
            list(client.messages.create(**ASK_CLAUDE, stream=True))
        else:
            client.messages.create(**ASK_CLAUDE)
        native, ours = spans.all()
        assert native.instrumentation_scope.name == "com.anthropic.sdk.python"
        assert costs.summary().cost_usd == direct.summary().cost_usd > 0
        assert costs.records[0].agent == "ann"
        for name in ("costspan.cost.status", "costspan.cost.total", "costspan.cost.model"):
            assert native.attributes[name] == ours.attributes[name]


def _chat(wire: Wire) -> None:
    ask(wire)


def _recorded(wire: Wire) -> None:
    with record_call(model="gpt-4o-mini", provider="openai") as call:
        call.set_usage(input_tokens=5, output_tokens=6)


def _failed(wire: Wire) -> None:
    with pytest.raises(ValueError, match="x"), record_call(model="gpt-4o-mini"):
        raise ValueError("x")


_TIMES = ("latency", "runtime", "timestamp", "time_to", "trace_id", "span_id")


def _lasting(line: Line) -> dict[str, Any]:
    """A record without what differs from run to run."""
    return {
        name: getattr(line, name) for name in line.__struct_fields__ if not name.startswith(_TIMES)
    }


def _written(span: ReadableSpan) -> dict[str, Any]:
    return {k: v for k, v in span.attributes.items() if "time_to_first" not in k}


@pytest.mark.parametrize("work", [_chat, _recorded, _failed], ids=lambda work: work.__name__)
def test_the_processor_alone_does_as_well(
    work: Callable[[Wire], None], app: TracerProvider, spans: Spans, wire: Wire
):
    """Without costs a span of ours holds its call until the processor settles it."""
    direct, alone = CostTracker(), CostTracker()
    with attribution(agent="ann", tags={"team": "x"}) as by_instrument:
        Instrumentor().instrument(tracer_provider=app, costs=direct, foreign_spans=False)
        work(wire)
    Instrumentor().uninstrument()
    app.add_span_processor(CostSpanProcessor(alone))
    with attribution(agent="ann", tags={"team": "x"}) as by_processor:
        Instrumentor().instrument(tracer_provider=app, costs=None)
        work(wire)
    one, other = spans.all()
    assert _written(one) == _written(other)
    assert [_lasting(r) for r in direct.records] == [_lasting(r) for r in alone.records]
    assert by_instrument.cost_usd == by_processor.cost_usd
    assert (by_instrument.calls, by_processor.calls) == (1, 1)
