"""The Anthropic SDK traces itself: with us a call has one span, and all else it traces stays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic._models import FinalRequestOptions
from anthropic.types import Message
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider

from costspan import Instrumentor
from costspan.providers.anthropic import OPERATIONS
from costspan.providers.anthropic_options import prepare
from costspan.providers.operation import Endpoint
from tests.conventions.checker import check
from tests.instrumentation.claude_forms import (
    ASYNC_FORMS,
    BATCHED,
    FORMS,
    answer,
    run_tools,
    run_tools_later,
)
from tests.instrumentation.rig import ASK_CLAUDE, Spans, provider_into
from tests.instrumentation.wire import Wire, read_out

NATIVE = "com.anthropic.sdk.python"
Tree = list[tuple[str, str, str | None]]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """The spans of an app that has set its global provider, as most apps do."""
    seen = Spans()
    provider = provider_into(seen)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield seen
    Instrumentor().uninstrument()
    provider.shutdown()
    assert [fault for span in seen.all() if _is_ours(span) for fault in check(span)] == []


@pytest.fixture
def wire() -> Wire:
    return Wire(answer)


def _is_ours(span: Any) -> bool:
    return span.instrumentation_scope.name == "costspan"


def client_of(wire: Wire, *, asynchronous: bool = False, **options: Any) -> Any:
    """A client with the SDK's default tracing."""
    kind = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return wire.anthropic(kind, api_key="k", **options)


def scopes(spans: Spans) -> list[str]:
    """Who made each span."""
    return [span.instrumentation_scope.name for span in spans.all()]


def tree(spans: Spans) -> Tree:
    """Scope, name and parent's name of each span, in the order of their ends."""
    names = {span.context.span_id: span.name for span in spans.all()}
    return [
        (
            span.instrumentation_scope.name,
            span.name,
            names[span.parent.span_id] if span.parent else None,
        )
        for span in spans.all()
    ]


CELLS = [
    *((name, form, False) for name, form in FORMS.items()),
    *((name, form, True) for name, form in ASYNC_FORMS.items()),
]


@pytest.mark.parametrize(
    ("form", "asynchronous"),
    [(form, asynchronous) for _, form, asynchronous in CELLS],
    ids=[f"{name}-{'async' if asynchronous else 'sync'}" for name, _, asynchronous in CELLS],
)
def test_one_span(form: Any, asynchronous: bool, spans: Spans, wire: Wire) -> None:
    """Each form has the SDK's span without us, ours alone with us, and the SDK's again after."""
    client = client_of(wire, asynchronous=asynchronous)
    bare = read_out(lambda: form(client))
    assert scopes(spans) == [NATIVE]
    spans.clear()
    Instrumentor().instrument()
    seen = read_out(lambda: form(client))
    assert scopes(spans) == ["costspan"]
    assert type(seen) is type(bare)
    spans.clear()
    Instrumentor().uninstrument()
    read_out(lambda: form(client))
    assert scopes(spans) == [NATIVE]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
class TestToolRunner:
    """A loop of the SDK's own, whose spans stand above and beside the calls."""

    def test_what_stays(self, asynchronous: bool, spans: Spans, wire: Wire) -> None:
        """The loop's and the tool's spans stay, and ours stand where the SDK's calls stood."""
        run = run_tools_later if asynchronous else run_tools
        client = client_of(wire, asynchronous=asynchronous)
        read_out(lambda: run(client))
        bare = tree(spans)
        spans.clear()
        Instrumentor().instrument()
        assert read_out(lambda: run(client)).content[0].text == "Hi there"
        loop = "anthropic.messages.tool_runner"
        call = (NATIVE, "anthropic.messages.create", loop)
        assert bare.count(call) == 2
        assert (NATIVE, "anthropic.custom_tool_use weather", loop) in bare
        ours = ("costspan", "chat claude-opus-4-5", loop)
        assert tree(spans) == [ours if one == call else one for one in bare]


class TestWhatStays:
    """Calls that are not ours to record."""

    def test_batches(self, spans: Spans, wire: Wire) -> None:
        """A batch is none of our operations: it keeps the SDK's span."""
        Instrumentor().instrument()
        client_of(wire).messages.batches.create(requests=BATCHED)
        assert tree(spans) == [(NATIVE, "anthropic.messages.batches.create", None)]

    def test_provider_left_out(self, spans: Spans, wire: Wire) -> None:
        """Who leaves anthropic out of providers= keeps the SDK's spans."""
        Instrumentor().instrument(providers=("openai",))
        client_of(wire).messages.create(**ASK_CLAUDE)
        assert scopes(spans) == [NATIVE]

    def test_suppressed(self, spans: Spans, wire: Wire) -> None:
        """A call that we are asked not to record keeps the SDK's span."""
        Instrumentor().instrument()
        with suppress_instrumentation():
            client_of(wire).messages.create(**ASK_CLAUDE)
        assert scopes(spans) == [NATIVE]

    def test_provider_of_its_own(self, spans: Spans, wire: Wire) -> None:
        """A client that traces elsewhere has its call's span with us, and gets it back after."""
        elsewhere = Spans()
        traced: Any = {"tracer_provider": provider_into(elsewhere)}
        client = client_of(wire, open_telemetry=traced)
        Instrumentor().instrument()
        client.messages.create(**ASK_CLAUDE)
        assert (scopes(spans), scopes(elsewhere)) == (["costspan"], [])
        Instrumentor().uninstrument()
        client.messages.create(**ASK_CLAUDE)
        assert (scopes(spans), scopes(elsewhere)) == (["costspan"], [NATIVE])

    def test_switched_off(self, spans: Spans, wire: Wire) -> None:
        """A client whose own tracing is off has our span all the same."""
        Instrumentor().instrument()
        client_of(wire, open_telemetry={"traces": False}).messages.create(**ASK_CLAUDE)
        assert scopes(spans) == ["costspan"]


class TestUntouched:
    """What is the caller's stays as it was."""

    def test_client(self, spans: Spans, wire: Wire) -> None:
        """Neither the client nor its tracing options are changed by a call."""
        client = client_of(wire)
        client.messages.create(**ASK_CLAUDE)
        before, options = dict(vars(client)), copy.deepcopy(client.open_telemetry["traces"])
        Instrumentor().instrument()
        client.messages.create(**ASK_CLAUDE)
        after = dict(vars(client))
        assert after.keys() == before.keys()
        assert all(after[name] is before[name] for name in before)
        assert client.open_telemetry["traces"] == options

    def test_options(self, spans: Spans, wire: Wire) -> None:
        """Options that the caller made for the SDK's `request` serve again, and trace again."""
        client = client_of(wire)
        name = "anthropic.messages.create"
        options = FinalRequestOptions(
            method="post", url="/v1/messages", json_data=ASK_CLAUDE, span_name=name
        )
        before = options.model_dump()
        Instrumentor().instrument()
        client.request(Message, options)
        assert options.model_dump() == before
        Instrumentor().uninstrument()
        client.request(Message, options)
        assert scopes(spans) == ["costspan", NATIVE]

    def test_what_the_sdk_gets_is_whole(self) -> None:
        """But for the name of its span it is what the caller gave."""
        options = FinalRequestOptions(
            method="post", url="/v1/messages", json_data=ASK_CLAUDE, span_name="mine", timeout=3
        )
        sent, injected = prepare(options, ASK_CLAUDE, OPERATIONS[0], Endpoint("", None, None), True)
        assert not injected
        assert sent == options.model_copy(update={"span_name": None})
        assert sent.model_copy().model_dump(exclude_unset=True) == {
            **options.model_dump(exclude_unset=True),
            "span_name": None,
        }
        sent.url = "/elsewhere"
        assert options.url == "/v1/messages"

    def test_arguments(self, spans: Spans, wire: Wire) -> None:
        """The caller's dicts are afterwards what they were."""
        headers: Any = {"x-mine": "1"}
        said = {**copy.deepcopy(ASK_CLAUDE), "extra_headers": headers, "metadata": {"user_id": "u"}}
        before = copy.deepcopy(said)
        Instrumentor().instrument(propagate_to_providers=True)
        client_of(wire).messages.create(**said)
        assert said == before


def test_sdk_without_provider(wire: Wire) -> None:
    """An app without a TracerProvider has one span too, in the provider that we were given."""
    seen = Spans()
    provider: TracerProvider = provider_into(seen)
    Instrumentor().instrument(tracer_provider=provider)
    try:
        client_of(wire).messages.create(**ASK_CLAUDE)
    finally:
        Instrumentor().uninstrument()
        provider.shutdown()
    assert scopes(seen) == ["costspan"]
