"""The trace context goes to a provider only where that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry import trace

from costspan import Instrumentor
from tests.instrumentation import claude_forms
from tests.instrumentation.answers import chat
from tests.instrumentation.rig import ASK, ASK_CLAUDE, Spans, provider_into
from tests.instrumentation.wire import Answer, Wire, read_out

Call = Callable[[Wire], Any]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """The spans of an app with a global provider, in which the Anthropic SDK would propagate."""
    seen = Spans()
    provider = provider_into(seen)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield seen
    Instrumentor().uninstrument()
    provider.shutdown()


def _openai(kind: Any, **more: Any) -> Call:
    def call(wire: Wire) -> Any:
        client = wire.openai(kind, api_key="k")
        return read_out(lambda: client.chat.completions.create(**ASK, **more))

    return call


def _anthropic(kind: Any, **more: Any) -> Call:
    def call(wire: Wire) -> Any:
        client = wire.anthropic(kind, api_key="k")
        return read_out(lambda: client.messages.create(**ASK_CLAUDE, **more))

    return call


def _bedrock(kind: Any) -> Call:
    def call(wire: Wire) -> Any:
        keys = {"aws_access_key": "AKIA", "aws_secret_key": "s", "aws_region": "us-east-1"}
        client = wire.anthropic(kind, **keys)
        return read_out(lambda: client.messages.create(**ASK_CLAUDE))

    return call


def _raw(wire: Wire) -> Any:
    return wire.anthropic(api_key="k").messages.with_raw_response.create(**ASK_CLAUDE)


CALLS: dict[str, tuple[Any, Call]] = {
    "openai": (chat("gpt-4o-mini"), _openai(openai.OpenAI)),
    "openai async": (chat("gpt-4o-mini"), _openai(openai.AsyncOpenAI)),
    "openai streamed": (chat("gpt-4o-mini"), _openai(openai.OpenAI, stream=True)),
    "openai headers": (chat("gpt-4o-mini"), _openai(openai.OpenAI, extra_headers={"x-a": "1"})),
    "anthropic": (claude_forms.answer, _anthropic(anthropic.Anthropic)),
    "anthropic async": (claude_forms.answer, _anthropic(anthropic.AsyncAnthropic)),
    "anthropic streamed": (claude_forms.answer, _anthropic(anthropic.Anthropic, stream=True)),
    "anthropic raw": (claude_forms.answer, _raw),
    "bedrock": (claude_forms.answer, _bedrock(anthropic.AnthropicBedrock)),
    "bedrock async": (claude_forms.answer, _bedrock(anthropic.AsyncAnthropicBedrock)),
}
TRACE_HEADERS = ("traceparent", "tracestate", "baggage")


@pytest.mark.parametrize("name", CALLS)
class TestPropagation:
    """The same calls with the switch off and on."""

    def test_off(self, name: str, spans: Spans) -> None:
        """By default nothing of the trace is sent, also where the Anthropic SDK would send it."""
        answer, call = CALLS[name]
        wire = Wire(answer)
        Instrumentor().instrument()
        with trace.get_tracer("app").start_as_current_span("work"):
            call(wire)
        (request,) = wire.requests
        assert [header for header in TRACE_HEADERS if header in request.headers] == []

    def test_on(self, name: str, spans: Spans) -> None:
        """With propagate_to_providers=True it carries our span's ids, in one header."""
        answer, call = CALLS[name]
        wire = Wire(answer)
        Instrumentor().instrument(propagate_to_providers=True)
        call(wire)
        (request,) = wire.requests
        (sent,) = request.headers.get_list("traceparent")
        ids = spans.one().get_span_context()
        version, trace_id, span_id, flags = sent.split("-")
        assert version == "00"
        assert trace_id == f"{ids.trace_id:032x}"
        assert span_id == f"{ids.span_id:016x}"
        assert int(flags, 16) & 1


def test_callers_headers_stay(spans: Spans) -> None:
    """The headers that the caller added are sent beside it."""
    wire = Wire(chat("gpt-4o-mini"))
    Instrumentor().instrument(propagate_to_providers=True)
    _openai(openai.OpenAI, extra_headers={"x-mine": "1"})(wire)
    assert wire.requests[0].headers["x-mine"] == "1"
    assert "traceparent" in wire.requests[0].headers


def test_sent_again_with_the_trace(spans: Spans) -> None:
    """A stream that goes again without the question for its usage carries the trace as well."""

    def answer(request: Any) -> Answer:
        if b"stream_options" in request.content:
            return Answer(400, {"error": {"message": "unknown argument: stream_options"}})
        return chat("gpt-4o-mini")(request)

    wire = Wire(answer)
    Instrumentor().instrument(propagate_to_providers=True)
    _openai(openai.OpenAI, stream=True)(wire)
    first, second = (request.headers.get("traceparent") for request in wire.requests)
    assert first == second is not None
