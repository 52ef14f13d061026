"""What the code around a call decides: suppression, sampling, the server span it runs in."""

import json
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind
from sniffio import current_async_library_cvar

from costspan import Instrumentor, attribution, record_call
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT_CHUNKS,
    CHAT_USD,
    answer_chat,
    answer_message,
    anthropic_client,
    async_openai_client,
    attributes_of,
    openai_client,
    watched,
)


def calls_counted() -> int:
    costs = Instrumentor().costs
    assert costs is not None
    return int(costs.summary().calls)


class TestSuppressed:
    def test_calls_are_not_seen(self) -> None:
        """Under `suppress_instrumentation` there is no span and nothing is counted."""
        with watched() as spans, openai_client(answer_chat) as client:
            with suppress_instrumentation(), attribution() as spent:
                assert client.chat.completions.create(**ASK).id == "chatcmpl-1"
                assert len(list(client.chat.completions.create(**ASK, stream=True))) == 3
                with record_call(model="m") as call:
                    call.set_usage(input_tokens=1, output_tokens=1)
            assert (calls_counted(), spent.calls) == (0, 0)
            client.chat.completions.create(**ASK)
            assert calls_counted() == 1
            spans.one()

    async def test_async_calls_are_not_seen(self) -> None:
        """The same in a task."""
        with watched() as spans:
            async with async_openai_client(answer_chat) as client:
                with suppress_instrumentation():
                    await client.chat.completions.create(**ASK)
            assert calls_counted() == 0
        assert spans.all() == []

    def test_a_stream_opened_before_is_seen_to_its_end(self) -> None:
        """What counts is where the call is made, not where its stream is read."""
        with watched() as spans, openai_client(answer_chat) as client:
            stream = client.chat.completions.create(**ASK, stream=True)
            with suppress_instrumentation():
                list(stream)
            span = spans.one()

        assert attributes_of(span)["gen_ai.usage.input_tokens"] == 1000

    def test_the_anthropic_sdk_makes_no_span_for_us(self) -> None:
        """A suppressed call is left to the SDK as it is; ours takes no part in it."""
        with watched() as spans, anthropic_client(answer_message) as client:
            with suppress_instrumentation():
                client.messages.create(**ASK_CLAUDE)
            assert calls_counted() == 0
        assert spans.all() == []


class TestUnsampled:
    @pytest.mark.parametrize("sampler", [ALWAYS_OFF, ParentBased(ALWAYS_OFF)])
    def test_is_counted_priced_and_in_the_file(self, sampler: Any, tmp_path: Path) -> None:
        """A dropped span changes nothing in the sums, in `spent` and in the file."""
        with watched(sampler, local=tmp_path) as spans, openai_client(answer_chat) as client:
            with attribution(agent="reviewer") as spent:
                client.chat.completions.create(**ASK)
                list(client.chat.completions.create(**ASK, stream=True))
            costs = Instrumentor().costs
            assert costs is not None
            summary = costs.summary()

        assert spans.all() == []
        assert (summary.calls, float(summary.cost_usd)) == (2, 0.00054)
        assert (spent.calls, float(spent.cost_usd)) == (2, 0.00054)
        (file,) = tmp_path.iterdir()
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert [(one["agent"], one["cost_usd"]) for one in lines] == [("reviewer", 0.00027)] * 2
        assert all(len(one["trace_id"]) == 32 for one in lines)


class TestServerSpan:
    @pytest.fixture
    def tracer(self) -> trace.Tracer:
        return TracerProvider(shutdown_on_exit=False).get_tracer("web framework")

    def endpoint_of_a_call(self) -> Any:
        with watched() as spans, openai_client(answer_chat) as client:
            client.chat.completions.create(**ASK)
            return attributes_of(spans.one()).get("costspan.endpoint")

    def test_its_route_is_the_endpoint(self, tracer: trace.Tracer) -> None:
        """A call made while a request is served belongs to the route of that request."""
        route = {"http.route": "/tickets/{id}"}
        with tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes=route):
            assert self.endpoint_of_a_call() == "/tickets/{id}"

    def test_a_route_that_is_known_late_is_used(self, tracer: trace.Tracer) -> None:
        """Frameworks set the route after the span has begun."""
        with tracer.start_as_current_span("GET", kind=SpanKind.SERVER) as span:
            assert self.endpoint_of_a_call() is None
            span.set_attribute("http.route", "/late")
            assert self.endpoint_of_a_call() == "/late"

    def test_attribution_wins(self, tracer: trace.Tracer) -> None:
        """An endpoint that was named is not overridden."""
        route = {"http.route": "/tickets/{id}"}
        with (
            tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes=route),
            attribution(endpoint="summarize"),
        ):
            assert self.endpoint_of_a_call() == "summarize"

    @pytest.mark.parametrize("kind", [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.CONSUMER])
    def test_other_spans_give_none(self, tracer: trace.Tracer, kind: SpanKind) -> None:
        """Only a server span serves a route."""
        with tracer.start_as_current_span("x", kind=kind, attributes={"http.route": "/x"}):
            assert self.endpoint_of_a_call() is None

    def test_the_call_is_its_child(self, tracer: trace.Tracer) -> None:
        """The span stands in the trace of the request, and the request's span stays current."""
        with (
            tracer.start_as_current_span("GET", kind=SpanKind.SERVER) as server,
            watched() as spans,
            openai_client(answer_chat) as client,
        ):
            list(client.chat.completions.create(**ASK, stream=True))
            assert trace.get_current_span() is server
            span = spans.one()

        assert span.parent is not None
        assert span.parent.span_id == server.get_span_context().span_id


class TestOtherContexts:
    """A call that ends in another context than it began in, or in the middle, is whole."""

    def test_a_generator_with_a_recorded_call_inside(self) -> None:
        def words() -> Iterator[str]:
            with record_call(model="m") as call:
                yield from call.stream(["Hi", " there"])

        before = get_current()
        with watched() as spans:
            made = words()
            assert next(made) == "Hi"
            made.close()
            assert attributes_of(spans.one())["costspan.stream.outcome"] == "abandoned"
            assert get_current() is before

    def test_a_generator_that_a_thread_pool_reads_step_by_step(self) -> None:
        """As Starlette reads one for a response: each step runs in a copy of the context."""

        def words() -> Iterator[Any]:
            with record_call(model="gpt-4o-mini") as call:
                yield from call.stream(CHAT_CHUNKS)

        with watched() as spans:
            made = words()
            read = [copy_context().run(next, made, None) for _ in range(5)]
            assert read == [*CHAT_CHUNKS, None]
            assert attributes_of(spans.one())["costspan.cost.total"] == CHAT_USD
            assert calls_counted() == 1

    def test_a_coroutine_that_runs_in_no_task(self) -> None:
        class Never:
            def __await__(self) -> Iterator[None]:
                yield

        async def answer_never(request: httpx2.Request) -> httpx2.Response:
            await Never()
            return answer_chat(request)

        before, library = get_current(), current_async_library_cvar.set("asyncio")
        try:
            with watched() as spans:
                client: Any = async_openai_client(answer_never)
                client._platform = "Linux"  # or else a thread of asyncio's finds it out
                made = client.chat.completions.create(**ASK)
                made.send(None)
                made.close()
                spans.one()
                assert get_current() is before
        finally:
            current_async_library_cvar.reset(library)
