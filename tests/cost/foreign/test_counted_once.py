"""One call is counted once, whatever spans it has, and it is known which of them pays."""

import asyncio
import gc
import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind

from costspan import CostSpanProcessor, CostTracker
from tests.cost.stage import (
    ASKED,
    COUNTED,
    LANGCHAIN,
    OPENINFERENCE,
    OPENLIT,
    OPENLLMETRY,
    OTEL,
    Stage,
    tell,
)

AGENT = {**ASKED, "gen_ai.operation.name": "invoke_agent"}
WORKFLOW = {"gen_ai.operation.name": "invoke_workflow"}
TOOL = {"gen_ai.operation.name": "execute_tool"}
EMBEDDING = {**ASKED, "gen_ai.operation.name": "embeddings"}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def settled(stage: Stage) -> tuple[int, list[str]]:
    """How many calls the ledger has, and whose spans pay."""
    return stage.costs.summary().calls, stage.paid()


class TestOneAboveTheOther:
    """The innermost span of a call pays."""

    def test_a_framework_over_an_sdk(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            stage.call(OTEL)
            tell(outer)
        assert settled(stage) == (1, [OTEL])

    def test_three_of_them(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer, stage.around(OPENLLMETRY) as middle:
            stage.call(OTEL)
            tell(middle)
            tell(outer)
        assert settled(stage) == (1, [OTEL])

    def test_a_span_between_them_that_is_none_of_genai(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer, stage.around("my.app", {}, name="retry"):
            stage.call(OTEL)
            tell(outer)
        assert settled(stage) == (1, [OTEL])

    def test_an_outer_span_that_says_what_it_is_at_its_end_only(self, stage: Stage):
        with stage.around(OPENLIT, {}) as outer:
            stage.call(OTEL)
            outer.set_attributes({**ASKED, **COUNTED})
        assert settled(stage) == (1, [OTEL])

    def test_an_inner_span_that_says_what_it_is_at_its_end_only(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            with stage.around(OPENLIT, {}) as inner:
                inner.set_attributes({**ASKED, **COUNTED})
            tell(outer)
        assert settled(stage) == (1, [OPENLIT])

    def test_two_calls_beneath_one_span_are_two(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            stage.call(OTEL)
            stage.call(OTEL)
            tell(outer)
        assert settled(stage) == (2, [OTEL, OTEL])

    def test_an_embedding_beneath_a_chat_is_another_call(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            stage.call(OTEL, attributes=EMBEDDING)
            tell(outer)
        assert settled(stage)[0] == 2

    def test_a_call_that_a_tool_makes_is_another_one(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer, stage.around(OTEL, TOOL):
            stage.call(OTEL)
            tell(outer)
        assert settled(stage)[0] == 2

    def test_an_inner_span_without_counts_leaves_the_call_to_the_outer_one(self, stage: Stage):
        """As of a stream whose usage only the framework has added up."""
        with stage.around(LANGCHAIN) as outer:
            with stage.around(OPENLLMETRY):
                pass
            tell(outer)
        assert settled(stage) == (1, [LANGCHAIN])

    def test_a_retry_that_failed_beneath(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            with stage.around(OTEL) as failed:
                failed.set_attribute("error.type", "openai.RateLimitError")
            stage.call(OTEL)
            tell(outer)
        assert settled(stage) == (1, [OTEL])

    def test_nothing_known_anywhere_is_one_unpriced_call(self, stage: Stage):
        with stage.around(LANGCHAIN), stage.around(OTEL):
            pass
        assert (settled(stage), stage.costs.summary().unpriced_calls) == ((1, []), 1)


class TestEnds:
    """Spans that end out of order."""

    def test_a_parent_that_ends_before_its_stream(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            stream = stage.start(OTEL)
            tell(outer)
        tell(stream)
        stream.end()
        assert settled(stage) == (1, [OTEL])

    def test_a_parent_that_ended_before_its_child_said_what_it_is(self, stage: Stage):
        with stage.around(LANGCHAIN) as outer:
            stream = stage.start(OPENLIT, {})
            tell(outer)
        stream.set_attributes({**ASKED, **COUNTED})
        stream.end()
        assert settled(stage) == (1, [LANGCHAIN])

    def test_a_stream_without_counts_whose_parent_has_ended(self, stage: Stage):
        with stage.around(LANGCHAIN):
            stream = stage.start(OTEL)
        stream.end()
        assert (settled(stage), stage.costs.summary().unpriced_calls) == ((1, []), 1)

    def test_a_parent_that_had_ended_before_its_child_started(self, stage: Stage):
        """A context that leaks: OpenLLMetry's LangChain spans, one beneath the last."""
        last = None
        for _ in range(3):
            context = None if last is None else trace.set_span_in_context(last)
            last = stage.start(LANGCHAIN, context=context)
            tell(last)
            last.end()
        assert settled(stage) == (3, [LANGCHAIN] * 3)

    def test_a_span_that_never_ends_leaves_the_others_alone(self, stage: Stage):
        with stage.around("my.app", {}):
            stage.start(OTEL)
            stage.call(OTEL)
        assert settled(stage) == (1, [OTEL])


class TestAgents:
    """Sums are never calls."""

    @pytest.mark.parametrize("above", [AGENT, WORKFLOW], ids=["agent", "workflow"])
    def test_sums_in_this_process(self, above: dict[str, Any], stage: Stage):
        with stage.around(OTEL, above, kind=SpanKind.INTERNAL) as agent:
            stage.call(OTEL)
            stage.call(OTEL)
            tell(agent)
        assert settled(stage) == (2, [OTEL, OTEL])

    def test_sums_of_an_agent_with_nothing_beneath(self, stage: Stage):
        with stage.around(OTEL, AGENT, kind=SpanKind.INTERNAL) as agent:
            tell(agent)
        assert settled(stage) == (0, [])

    def test_an_agent_that_runs_elsewhere(self, stage: Stage):
        with stage.around(OTEL, AGENT) as agent:
            tell(agent)
        assert settled(stage) == (1, [OTEL])

    def test_an_agent_that_seems_to_run_elsewhere_but_calls_from_here(self, stage: Stage):
        with stage.around(OTEL, AGENT) as agent:
            stage.call(LANGCHAIN)
            tell(agent)
        assert settled(stage) == (1, [LANGCHAIN])

    def test_an_agent_elsewhere_beneath_another(self, stage: Stage):
        with stage.around(OTEL, AGENT) as outer:
            with stage.around(LANGCHAIN, AGENT) as inner:
                tell(inner)
            tell(outer)
        assert settled(stage) == (1, [LANGCHAIN])

    def test_an_agent_over_a_framework_over_an_sdk(self, stage: Stage):
        with (
            stage.around(OPENINFERENCE, {"openinference.span.kind": "AGENT"}),
            stage.around(OPENINFERENCE, {"openinference.span.kind": "LLM"}) as outer,
        ):
            stage.call(OTEL)
            outer.set_attributes(
                {
                    "llm.model_name": "gpt-4o-mini",
                    "llm.token_count.prompt": 1000,
                    "llm.token_count.completion": 200,
                }
            )
        assert settled(stage) == (1, [OTEL])


class TestSideBySide:
    """Spans of one call of which none is above the other: the first to end pays."""

    def test_the_same_response(self, stage: Stage):
        beside = stage.start(LANGCHAIN)
        stage.call(OTEL, response="chatcmpl-1")
        tell(beside, "chatcmpl-1")
        beside.end()
        assert settled(stage) == (1, [OTEL])

    def test_other_responses(self, stage: Stage):
        stage.call(OTEL, response="chatcmpl-1")
        stage.call(OTEL, response="chatcmpl-2")
        assert settled(stage) == (2, [OTEL, OTEL])

    def test_the_same_response_of_other_servers(self, stage: Stage):
        one = {**ASKED, "server.address": "a.example"}
        other = {**ASKED, "server.address": "b.example"}
        stage.call(OTEL, attributes=one, response="1")
        stage.call(OTEL, attributes=other, response="1")
        assert settled(stage) == (2, [OTEL, OTEL])

    def test_the_same_id_much_later_is_another_response(self, stage: Stage):
        """Ollama draws its ids from a thousand numbers."""
        for second in (1, 10):
            span = stage.start(OTEL, start_time=second * 10**9)
            tell(span, "chatcmpl-7")
            span.end(end_time=second * 10**9 + 1)
        assert settled(stage) == (2, [OTEL, OTEL])

    def test_a_span_that_names_no_response(self, stage: Stage):
        """OpenInference's LangChain spans stand beside the SDK's and name none."""
        with stage.around("my.app", {}):
            beside = stage.start(OPENINFERENCE, {"openinference.span.kind": "LLM"})
            stage.call(OTEL, response="chatcmpl-1")
            beside.set_attributes(
                {
                    "llm.model_name": "gpt-4o-mini",
                    "llm.token_count.prompt": 1000,
                    "llm.token_count.completion": 200,
                }
            )
            beside.end()
        assert settled(stage) == (1, [OTEL])

    def test_a_span_that_names_the_model_that_was_asked_alone(self, stage: Stage):
        """It is the root of another trace, as its maker puts it into no context."""
        beside = stage.start(OPENINFERENCE, {"openinference.span.kind": "LLM"})
        with stage.around(OTEL) as span:
            tell(span, "chatcmpl-1")
            span.set_attribute("gen_ai.response.model", "gpt-4o-mini-2024-07-18")
        beside.set_attributes(
            {
                "llm.model_name": "gpt-4o-mini",
                "llm.token_count.prompt": 1000,
                "llm.token_count.completion": 200,
            }
        )
        beside.end()
        assert settled(stage) == (1, [OTEL])

    def test_calls_alike_by_one_maker_are_two(self, stage: Stage):
        with stage.around("my.app", {}):
            one, other = stage.start(OTEL), stage.start(OTEL)
            for span in (one, other):
                tell(span)
                span.end()
        assert settled(stage) == (2, [OTEL, OTEL])

    def test_two_calls_alike_each_with_a_span_beside_it(self, stage: Stage):
        with stage.around("my.app", {}):
            beside = [stage.start(LANGCHAIN), stage.start(LANGCHAIN)]
            stage.call(OTEL, response="1")
            stage.call(OTEL, response="2")
            for span in beside:
                tell(span)
                span.end()
            stage.call(OPENLLMETRY)
        assert settled(stage) == (3, [OTEL, OTEL, OPENLLMETRY])


class TestWhere:
    """Wherever the spans are made."""

    def test_in_threads(self, stage: Stage):
        def work() -> None:
            with stage.around(LANGCHAIN) as outer:
                stage.call(OTEL)
                tell(outer)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert settled(stage) == (20, [OTEL] * 20)

    async def test_in_tasks(self, stage: Stage):
        async def call() -> None:
            with stage.around(OTEL) as span:
                await asyncio.sleep(0)
                tell(span)

        async def work() -> None:
            with stage.around(LANGCHAIN) as outer:
                await asyncio.gather(call(), call())
                tell(outer)

        await asyncio.gather(*(work() for _ in range(10)))
        assert settled(stage) == (20, [OTEL] * 20)

    def test_beneath_a_span_of_another_process(self, stage: Stage):
        remote = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1))
        context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        stage.call(OTEL, context=context)
        assert settled(stage) == (1, [OTEL])

    def test_a_processor_that_comes_while_a_span_is_open(self):
        provider, costs = TracerProvider(shutdown_on_exit=False), CostTracker()
        tracer = provider.get_tracer(LANGCHAIN)
        with tracer.start_as_current_span("x", attributes=ASKED) as outer:
            provider.add_span_processor(CostSpanProcessor(costs))
            with tracer.start_as_current_span("y", attributes=ASKED) as inner:
                tell(inner)
            tell(outer)
        assert costs.summary().calls == 1

    @pytest.mark.parametrize("nested", [False, True])
    def test_with_a_pool_of_processors(self, nested: bool):
        """Their threads do not have the context of the caller."""
        pool, costs = ConcurrentMultiSpanProcessor(2), CostTracker()
        pool.add_span_processor(CostSpanProcessor(costs))
        if nested:
            provider = TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(pool)
        else:
            provider = TracerProvider(shutdown_on_exit=False, active_span_processor=pool)
        tracer = provider.get_tracer(LANGCHAIN)
        for _ in range(3):
            with (
                tracer.start_as_current_span("x", attributes=ASKED) as outer,
                tracer.start_as_current_span("between"),
            ):
                with tracer.start_as_current_span("y", attributes=ASKED) as inner:
                    tell(inner)
                tell(outer)
        assert costs.summary().calls == 3
        provider.shutdown()


def test_two_processors_count_once_each(stage: Stage):
    other = CostTracker()
    stage.provider.add_span_processor(CostSpanProcessor(stage.costs))
    stage.provider.add_span_processor(CostSpanProcessor(other))
    stage.call(OTEL)
    assert (settled(stage), other.summary().calls) == ((1, [OTEL]), 1)


def test_nothing_outlives_its_span(stage: Stage):
    """Nodes hang on the spans, and go with them."""
    from costspan.cost.foreign.ancestry import Node

    stage.exporter.clear()
    with stage.around("my.app", {}):
        for _ in range(100):
            with stage.around(LANGCHAIN):
                stage.call(OTEL)
        stage.exporter.clear()
        gc.collect()
        assert sum(isinstance(thing, Node) for thing in gc.get_objects()) < 5
