"""What stands between the SDK's method and the wire: middleware, HTTP clients, their hooks."""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import Message

from costspan import Instrumentor
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT_USD,
    MESSAGE,
    MESSAGE_USD,
    answer_chat,
    answer_message,
    anthropic_client,
    async_anthropic_client,
    attributes_of,
    watched,
)

IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
STATUS, TOTAL = "costspan.cost.status", "costspan.cost.total"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("anthropic._middleware") is None,
    reason="this anthropic has no middleware yet",
)


class Flaky:
    """Refuses the first requests, then answers."""

    def __init__(self, refusals: int) -> None:
        self.left, self.seen = refusals, 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen += 1
        self.left -= 1
        if self.left >= 0:
            return httpx2.Response(529, json={"type": "error", "error": {"type": "overloaded"}})
        return answer_message(request)


def answer_itself(request: Any, call_next: Any) -> Any:
    return Message(**MESSAGE)


def call_twice(request: Any, call_next: Any) -> Any:
    call_next(request)
    return call_next(request)


def try_again(request: Any, call_next: Any) -> Any:
    answer = call_next(request)
    while answer.status_code >= 400:
        answer = call_next(request)
    return answer


def pass_on(request: Any, call_next: Any) -> Any:
    return call_next(request)


def as_async(middleware: Any) -> Any:
    """The same middleware for an async client."""

    async def handle(request: Any, call_next: Any) -> Any:
        if middleware is answer_itself:
            return answer_itself(request, call_next)
        answer = await call_next(request)
        again = middleware is call_twice
        while again or (middleware is try_again and answer.status_code >= 400):
            answer, again = await call_next(request), False
        return answer

    return handle


# middleware, refusals of the server: requests sent, tokens in, tokens out, USD, cost status
CASES: dict[str, tuple[Any, int, tuple[Any, ...]]] = {
    "passes on": (pass_on, 0, (1, 1000, 200, MESSAGE_USD, "priced")),
    "answers itself": (answer_itself, 0, (0, None, None, 0.0, "not_billed")),
    "calls twice": (call_twice, 0, (2, 2000, 400, 0.02, "priced")),
    "tries again": (try_again, 2, (3, 1000, 200, MESSAGE_USD, "priced")),
}


class TestAnthropicMiddleware:
    @pytest.mark.parametrize("case", CASES)
    def test_what_was_billed_is_added_up(self, case: str) -> None:
        """One span, with what went over the wire: nothing, once or twice."""
        middleware, refusals, wanted = CASES[case]
        server = Flaky(refusals)
        with anthropic_client(server, middleware=[middleware]) as client, watched() as spans:
            answer = client.messages.create(**ASK_CLAUDE)
            found = attributes_of(spans.one())

        assert answer.id == "msg_1"
        assert (server.seen, *map(found.get, (IN, OUT, TOTAL, STATUS))) == wanted
        assert "error.type" not in found

    @pytest.mark.parametrize("case", CASES)
    async def test_async(self, case: str) -> None:
        """The same for an async client."""
        middleware, refusals, wanted = CASES[case]
        server = Flaky(refusals)
        client = async_anthropic_client(server, middleware=[as_async(middleware)])
        async with client:
            with watched() as spans:
                answer = await client.messages.create(**ASK_CLAUDE)
                found = attributes_of(spans.one())

        assert answer.id == "msg_1"
        assert (server.seen, *map(found.get, (IN, OUT, TOTAL, STATUS))) == wanted

    @pytest.mark.parametrize("middleware", [pass_on, try_again])
    def test_streams_pass_through(self, middleware: Any) -> None:
        """A stream beneath a middleware is read to its end, and its span is whole."""
        with anthropic_client(Flaky(0), middleware=[middleware]) as client, watched() as spans:
            assert len(list(client.messages.create(**ASK_CLAUDE, stream=True))) == 7
            found = attributes_of(spans.one())

        assert (found[IN], found[OUT], found[TOTAL]) == (1000, 200, MESSAGE_USD)
        assert found["gen_ai.response.time_to_first_chunk"] > 0

    def test_a_stream_that_is_asked_for_twice(self) -> None:
        """The one that a middleware threw away is billed too, and its tokens are not known."""
        with anthropic_client(Flaky(0), middleware=[call_twice]) as client, watched() as spans:
            assert len(list(client.messages.create(**ASK_CLAUDE, stream=True))) == 7
            (span,) = spans.wait(1)
            found = attributes_of(span)

        assert found[STATUS] == "partial"
        assert found[TOTAL] == MESSAGE_USD

    def test_a_parsed_answer_is_counted_once(self) -> None:
        """A middleware may look at the answer as often as it likes."""

        def look(request: Any, call_next: Any) -> Any:
            answer = call_next(request)
            assert answer.parse().usage.input_tokens == answer.parse().usage.input_tokens == 1000
            return answer

        with anthropic_client(Flaky(0), middleware=[look]) as client, watched() as spans:
            client.messages.create(**ASK_CLAUDE)
            found = attributes_of(spans.one())

        assert (found[IN], found[TOTAL]) == (1000, MESSAGE_USD)

    def test_an_exception_of_a_middleware_ends_the_span(self) -> None:
        """It reaches the caller as it is; what was billed before it is counted."""

        def fail(request: Any, call_next: Any) -> Any:
            call_next(request).parse()
            raise LookupError("mine")

        with anthropic_client(Flaky(0), middleware=[fail]) as client, watched() as spans:
            with pytest.raises(LookupError, match="mine"):
                client.messages.create(**ASK_CLAUDE)
            found = attributes_of(spans.one())

        assert found["error.type"] == "LookupError"
        assert (found[IN], found[TOTAL]) == (1000, MESSAGE_USD)

    def test_a_call_that_a_middleware_makes_is_its_own(self) -> None:
        """Another client's call inside a middleware has its own span, beneath the outer one."""
        with anthropic_client(answer_message) as inner:

            def ask_another(request: Any, call_next: Any) -> Any:
                inner.messages.create(**{**ASK_CLAUDE, "model": "claude-haiku-4-5"})
                return call_next(request)

            with anthropic_client(Flaky(0), middleware=[ask_another]) as client, watched() as spans:
                client.messages.create(**ASK_CLAUDE)
                beneath, outer = spans.wait(2)

        assert beneath.name == "chat claude-haiku-4-5"
        assert beneath.parent is not None
        assert beneath.parent.span_id == outer.context.span_id
        assert attributes_of(beneath)[IN] == attributes_of(outer)[IN] == 1000

    def test_the_sdk_makes_no_second_span(self) -> None:
        """With a middleware, too, the SDK's own tracing stays off for our call."""
        with anthropic_client(Flaky(0), middleware=[pass_on]) as client, watched() as spans:
            client.messages.create(**ASK_CLAUDE)
            assert len(spans.all()) == 1


class Own(httpx2.Client):
    """An app's own HTTP client class."""


class TestHttpClient:
    @pytest.fixture
    def hooked(self) -> Iterator[Callable[..., Any]]:
        """An OpenAI client with event hooks on its own HTTP client."""
        made = []

        def make(**hooks: Any) -> Any:
            transport = httpx2.MockTransport(answer_chat)
            http = Own(transport=transport, event_hooks={k: [v] for k, v in hooks.items()})
            made.append(http)
            return openai.OpenAI(api_key="sk-test", max_retries=0, http_client=http)

        yield make
        for http in made:
            http.close()

    def test_hooks_run_as_before(self, hooked: Any) -> None:
        """Each hook sees its request and response once."""
        seen: list[Any] = []
        client = hooked(request=seen.append, response=seen.append)
        with watched() as spans:
            client.chat.completions.create(**ASK)
            found = attributes_of(spans.one())

        assert [type(one).__name__ for one in seen] == ["Request", "Response"]
        assert found[TOTAL] == CHAT_USD

    def test_a_hook_that_reads_a_stream(self, hooked: Any) -> None:
        """A logging hook that reads the body first leaves the chunks to the caller, and to us."""
        client = hooked(response=lambda response: response.read())
        with watched() as spans:
            assert len(list(client.chat.completions.create(**ASK, stream=True))) == 3
            found = attributes_of(spans.one())

        assert (found[IN], found[TOTAL]) == (1000, CHAT_USD)

    def test_a_hook_that_raises(self, hooked: Any) -> None:
        """Its exception reaches the caller, and the span says which it was."""

        def fail(response: Any) -> None:
            raise LookupError("mine")

        client = hooked(response=fail)
        with watched() as spans:
            with pytest.raises(LookupError, match="mine"):
                client.chat.completions.create(**ASK)
            found = attributes_of(spans.one())

        assert found["error.type"] == "LookupError"
        assert (found[STATUS], found["costspan.cost.missing"]) == ("unpriced", ("usage",))

    def test_a_call_inside_a_hook_is_its_own(self, hooked: Any) -> None:
        """A hook may ask a model itself."""
        inner = hooked()
        client = hooked(request=lambda request: inner.chat.completions.create(**ASK))
        with watched() as spans:
            client.chat.completions.create(**ASK)
            assert [attributes_of(span)[TOTAL] for span in spans.all()] == [CHAT_USD] * 2
            costs = Instrumentor().costs
            assert costs is not None
            assert costs.summary().calls == 2

    def test_the_transport_sees_the_same_request(self) -> None:
        """Method, address, headers and body are those that the bare SDK sends."""
        sent: list[Any] = []

        def note(request: httpx2.Request) -> httpx2.Response:
            headers = {k: v for k, v in request.headers.items() if k != "x-stainless-read-timeout"}
            sent.append((request.method, str(request.url), headers, request.content))
            return answer_message(request)

        with anthropic_client(note) as client:
            client.messages.create(**ASK_CLAUDE)
            with watched():
                client.messages.create(**ASK_CLAUDE)

        assert sent[0] == sent[1]
        assert anthropic.__version__ in str(sent[0][2])
