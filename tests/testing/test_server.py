"""The local server, checked through the real SDKs: shapes, counts, faults and the tally."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from costspan.testing import LLMServer

MESSAGES: Any = [{"role": "user", "content": "the secret question"}]
WITH_USAGE: Any = {"include_usage": True}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
BROKEN = r"incomplete chunked read|Connection error"
PROVIDERS = ["chat", "responses", "messages"]


class Person(BaseModel):
    """A schema with a nested list."""

    name: str
    age: int
    tags: list[str]


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


@pytest.fixture(scope="module")
def oa(server: LLMServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.openai_url, api_key="k") as client:
        yield client


@pytest.fixture(scope="module")
def an(server: LLMServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="k") as client:
        yield client


@pytest.fixture
async def aoa(server: LLMServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="k") as client:
        yield client


@pytest.fixture
async def aan(server: LLMServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.anthropic_url, api_key="k") as client:
        yield client


@pytest.fixture
def ask(oa: openai.OpenAI, an: anthropic.Anthropic) -> Callable[..., Any]:
    """`ask(provider, scenario, **request)`; `options` go to `with_options`."""

    def call(provider: str, order: str = "", options: Any = None, **more: Any) -> Any:
        more["extra_headers"] = {"x-costspan-scenario": order, **more.pop("headers", {})}
        if provider == "messages":
            client: Any = an.with_options(**options or {})
            more = {"model": "claude-opus-4-5", "max_tokens": 99, "messages": MESSAGES} | more
            return client.messages.create(**more)
        client = oa.with_options(**options or {})
        if provider == "responses":
            return client.responses.create(**{"model": "gpt-4o-mini", "input": MESSAGES} | more)
        more = {"model": "gpt-4o-mini", "messages": MESSAGES} | more
        return client.chat.completions.create(**more)

    return call


def text_of(provider: str, answer: Any) -> str:
    if provider == "responses":
        return str(answer.output_text)
    choice = answer.content[0] if provider == "messages" else answer.choices[0].message
    return str(choice.text if provider == "messages" else choice.content)


class TestAnswers:
    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_text_never_repeats_the_prompt_unless_asked(self, ask: Any, provider: str) -> None:
        plain, again = ask(provider), ask(provider)
        echo = ask(provider, "echo;canary=CANARY%3B1")

        assert text_of(provider, plain) == text_of(provider, again)
        assert plain.id != again.id
        assert "secret" not in text_of(provider, plain)
        assert "the secret question CANARY;1" in text_of(provider, echo)
        assert plain.model in ("gpt-4o-mini-2024-07-18", "claude-opus-4-5-20251101")
        assert ask(provider, "model=m-2").model == "m-2"

    def test_chat_usage(self, ask: Any) -> None:
        answer = ask("chat", "tokens=1200/80;cached=1024;write5m=9;reasoning=16;tier=flex")

        assert answer.service_tier == "flex"
        usage = answer.usage
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
            1200,
            80,
            1280,
        )
        assert usage.prompt_tokens_details.cached_tokens == 1024
        assert usage.to_dict()["prompt_tokens_details"]["cache_write_tokens"] == 9
        assert usage.completion_tokens_details.reasoning_tokens == 16

    def test_responses_usage(self, ask: Any) -> None:
        answer = ask("responses", "tokens=1200/80;cached=1024;reasoning=16;tier=flex")

        assert answer.service_tier == "flex"
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1200, 80)
        assert answer.usage.input_tokens_details.cached_tokens == 1024
        assert answer.usage.output_tokens_details.reasoning_tokens == 16

    @pytest.mark.parametrize("stream", [False, True])
    def test_messages_usage_excludes_the_cache(self, ask: Any, stream: bool) -> None:
        order = "tokens=1200/80;cached=1000;write5m=100;write1h=50;tier=priority"
        answer = ask("messages", order, stream=stream)
        events = list(answer) if stream else []
        usage = events[0].message.usage if stream else answer.usage

        assert (usage.input_tokens, usage.cache_read_input_tokens) == (50, 1000)
        assert usage.cache_creation_input_tokens == 150
        assert usage.cache_creation.ephemeral_1h_input_tokens == 50
        assert usage.service_tier == "priority"
        assert usage.output_tokens == (1 if stream else 80)
        if stream:
            assert events[-2].usage.output_tokens == 80

    @pytest.mark.parametrize("odd", ["null", "missing", "negative", "huge", "text"])
    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_odd_usage_and_the_true_tally(
        self, ask: Any, server: LLMServer, provider: str, odd: str
    ) -> None:
        usage = ask(provider, f"usage={odd};tokens=10/3").usage

        expected = {"negative": -4, "huge": 10**20, "text": "many"}.get(odd)
        name = "completion_tokens" if provider == "chat" else "output_tokens"
        assert getattr(usage, name, None) == expected
        assert (server.tally[-1].input_tokens, server.tally[-1].output_tokens) == (10, 3)

    def test_length(self, ask: Any) -> None:
        assert ask("chat", "length").choices[0].finish_reason == "length"
        assert ask("responses", "length").status == "incomplete"
        assert ask("messages", "length").stop_reason == "max_tokens"

    def test_compressed(self, oa: openai.OpenAI) -> None:
        raw = oa.chat.completions.with_raw_response.create(
            model="m", messages=MESSAGES, extra_headers={"x-costspan-scenario": "compress=gzip"}
        )

        assert raw.headers["content-encoding"] == "gzip"
        assert raw.headers["x-request-id"].startswith("req_")
        assert raw.parse().choices[0].message.content  # type: ignore[attr-defined]

    def test_azure_path_and_query(self, server: LLMServer) -> None:
        with openai.AzureOpenAI(
            azure_endpoint=server.url, api_key="k", api_version="2024-10-21"
        ) as client:
            client.chat.completions.create(model="deployed", messages=MESSAGES)

        assert server.tally[-1].path == "/openai/deployments/deployed/chat/completions"

    def test_embeddings(self, oa: openai.OpenAI) -> None:
        packed = oa.embeddings.create(model="m", input=["a", "b"])
        plain = oa.embeddings.create(model="m", input=["a", "b"], encoding_format="float")

        assert [item.embedding for item in packed.data] == [item.embedding for item in plain.data]
        assert len(plain.data[0].embedding) == 8
        assert oa.embeddings.create(model="m", input=[[1, 2], [3]]).usage.prompt_tokens == 3

    def test_legacy_and_free_endpoints(self, oa: openai.OpenAI, an: anthropic.Anthropic) -> None:
        assert len(oa.completions.create(model="m", prompt=["a", "b"], n=2).choices) == 4
        assert list(oa.completions.create(model="m", prompt="a", stream=True))[-1].choices
        assert not oa.moderations.create(input="a").results[0].flagged
        assert an.messages.count_tokens(model="m", messages=MESSAGES).input_tokens == 5

    def test_gemini(self, server: LLMServer) -> None:
        genai = pytest.importorskip("google.genai")
        order = {"http_options": {"headers": {"x-costspan-scenario": "tokens=10/9;reasoning=4"}}}
        client = genai.Client(api_key="k", http_options={"base_url": server.gemini_url})
        request: Any = {"model": "gemini-2.5-flash", "contents": "hello", "config": order}
        plain = client.models.generate_content(**request)
        chunks = list(client.models.generate_content_stream(**request))
        client.close()

        for usage in (plain.usage_metadata, chunks[-1].usage_metadata):
            assert (usage.candidates_token_count, usage.thoughts_token_count) == (5, 4)
            assert usage.total_token_count == 19
        assert "".join(chunk.text for chunk in chunks) == plain.text


class TestStreams:
    @pytest.mark.parametrize("asked", [False, True])
    def test_chat_usage_only_on_request(self, ask: Any, asked: bool) -> None:
        options = {"stream_options": WITH_USAGE} if asked else {}
        chunks = list(ask("chat", "tokens=10/3", stream=True, n=2, **options))

        assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
        assert (chunks[-1].usage is not None, chunks[-1].choices == []) == (asked, asked)
        finished = [c.choices[0].index for c in chunks if c.choices and c.choices[0].finish_reason]
        assert finished == [0, 1]

    def test_responses_events_are_numbered(self, ask: Any) -> None:
        events = list(ask("responses", "extra", stream=True))

        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        assert events[-1].response.usage.total_tokens > 0

    @pytest.mark.parametrize("order", ["", "extra"])
    def test_helpers_reach_the_final_answer(
        self, oa: openai.OpenAI, an: anthropic.Anthropic, order: str
    ) -> None:
        headers = {"x-costspan-scenario": order}
        with oa.chat.completions.stream(
            model="m", messages=MESSAGES, stream_options=WITH_USAGE, extra_headers=headers
        ) as chat:
            assert chat.get_final_completion().usage
        with oa.responses.stream(model="m", input="a", extra_headers=headers) as response:
            assert response.get_final_response().status == "completed"
        with an.messages.stream(
            model="m", max_tokens=9, messages=MESSAGES, extra_headers=headers
        ) as message:
            assert message.get_final_message().usage.output_tokens > 1

    def test_final_response_states(self, ask: Any) -> None:
        states = [list(ask("responses", order, stream=True))[-1] for order in ("length", "failed")]

        assert [state.type for state in states] == ["response.incomplete", "response.failed"]
        assert states[1].response.error.code == "server_error"

    def test_input_grows_in_the_stream(self, ask: Any) -> None:
        events = list(ask("messages", "tokens=500/3;grow=400", stream=True))

        assert (events[0].message.usage.input_tokens, events[-2].usage.input_tokens) == (100, 500)

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_empty_and_headless(self, ask: Any, server: LLMServer, provider: str) -> None:
        assert list(ask(provider, "events=0", stream=True)) == []
        assert not server.tally[-1].complete
        whole, rest = (list(ask(provider, order, stream=True)) for order in ("", "headless"))
        assert len(rest) == len(whole) - 1

    def test_early_close_is_not_complete(self, ask: Any, server: LLMServer) -> None:
        stream, before = ask("chat", "pause=0.02", stream=True), len(server.tally)
        next(stream)
        stream.close()

        _wait_for_tally(server, before)
        assert not server.tally[-1].complete


class TestFaults:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 529])
    @pytest.mark.parametrize("provider", ["chat", "messages"])
    def test_status(self, ask: Any, server: LLMServer, provider: str, status: int) -> None:
        before = server.requests_seen
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
            ask(provider, f"status={status};canary=CANARY")

        assert caught.value.status_code == status
        assert caught.value.request_id.startswith("req_")
        assert "CANARY" in str(caught.value)
        assert server.requests_seen - before == (3 if status in (429, 500, 529) else 1)

    def test_retries(self, oa: openai.OpenAI, an: anthropic.Anthropic, server: LLMServer) -> None:
        order, before = {"x-costspan-scenario": "retries=2"}, server.requests_seen
        chat = oa.chat.completions.with_raw_response.create(
            model="m", messages=MESSAGES, extra_headers=order
        )
        message = an.messages.with_raw_response.create(
            model="m", max_tokens=9, messages=MESSAGES, extra_headers=order
        )

        assert (chat.retries_taken, message.retries_taken) == (2, 2)
        assert server.requests_seen - before == 6
        assert [served.status for served in server.tally[-6:]] == [500, 500, 200] * 2

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_cut_stream(self, ask: Any, server: LLMServer, provider: str) -> None:
        events: list[Any] = []
        # anthropic lets the transport's own error through; openai wraps it since 2.x.
        with pytest.raises(Exception, match=BROKEN):
            _collect(ask(provider, "cut=3", stream=True), events)

        assert len(events) == (2 if provider == "messages" else 3)  # the SDK drops pings
        assert not server.tally[-1].complete

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_cut_body(self, ask: Any, provider: str) -> None:
        with pytest.raises((openai.APIConnectionError, anthropic.APIConnectionError)):
            ask(provider, "cut=1", options={"max_retries": 0})

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_error_event(self, ask: Any, server: LLMServer, provider: str) -> None:
        events: list[Any] = []
        with pytest.raises((openai.APIError, anthropic.APIError)):
            _collect(ask(provider, "error=3", stream=True), events)

        assert len(events) == (2 if provider == "messages" else 3)
        assert not server.tally[-1].complete

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_stall(self, ask: Any, server: LLMServer, provider: str) -> None:
        before = len(server.tally)
        with pytest.raises((openai.APITimeoutError, anthropic.APITimeoutError)):
            ask(provider, "stall=0.4", options={"max_retries": 0, "timeout": 0.1})

        _wait_for_tally(server, before)
        assert not server.tally[-1].complete

    @pytest.mark.parametrize("order", ["colour=red", "status=200", "tool=1", "tokens=5", "cut=-1"])
    def test_bad_order_names_its_key(self, ask: Any, order: str) -> None:
        with pytest.raises(openai.BadRequestError, match=repr(order.partition("=")[0])):
            ask("chat", order)

    def test_unknown_path(self, oa: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="No such endpoint"):
            oa.get("/nowhere", cast_to=object)


class TestTools:
    def test_chat_and_responses(self, oa: openai.OpenAI) -> None:
        order = {"x-costspan-scenario": "tool"}
        chat = oa.chat.completions.create(
            model="m", messages=MESSAGES, tools=[TOOL], extra_headers=order
        )
        flat: Any = {"type": "function", **TOOL["function"]}
        with oa.responses.stream(model="m", input="a", tools=[flat], extra_headers=order) as stream:
            call: Any = stream.get_final_response().output[0]

        assert chat.choices[0].finish_reason == "tool_calls"
        assert chat.choices[0].message.tool_calls[0].function.arguments == call.arguments  # type: ignore[index,union-attr]
        assert (call.name, call.arguments) == ("weather", '{"city": "value"}')

    @pytest.mark.parametrize("stream", [False, True])
    def test_tool_runner(self, an: anthropic.Anthropic, server: LLMServer, stream: bool) -> None:
        @anthropic.beta_tool
        def weather(city: str) -> str:
            """Tell the weather."""
            return f"fine in {city}"

        before = server.requests_seen
        runner: Any = an.beta.messages.tool_runner(
            model="m",
            max_tokens=9,
            messages=MESSAGES,
            tools=[weather],
            stream=stream,
            extra_headers={"x-costspan-scenario": "tool"},
        )
        turns = [turn.get_final_message() if stream else turn for turn in runner]

        assert [turn.stop_reason for turn in turns] == ["tool_use", "end_turn"]
        assert server.requests_seen - before == 2

    def test_parse(self, oa: openai.OpenAI, an: anthropic.Anthropic) -> None:
        order = {"x-costspan-scenario": "json"}
        chat = oa.chat.completions.parse(
            model="m", messages=MESSAGES, response_format=Person, extra_headers=order
        )
        response = oa.responses.parse(model="m", input="a", text_format=Person, extra_headers=order)
        with pytest.raises(openai.LengthFinishReasonError) as caught:
            oa.chat.completions.parse(
                model="m",
                messages=MESSAGES,
                response_format=Person,
                extra_headers={"x-costspan-scenario": "json;length;tokens=10/3"},
            )

        assert isinstance(chat.choices[0].message.parsed, Person)
        assert isinstance(response.output_parsed, Person)
        assert caught.value.completion.usage.total_tokens == 13  # type: ignore[union-attr]
        if hasattr(an.messages, "parse"):
            message: Any = an.messages.parse(
                model="m",
                max_tokens=9,
                messages=MESSAGES,
                output_format=Person,
                extra_headers=order,
            )
            assert isinstance(message.parsed_output, Person)


class TestTally:
    def test_totals_by_header(self, ask: Any, server: LLMServer) -> None:
        def one(number: int) -> None:
            agent = {"x-run": "totals", "X-Agent": f"agent-{number % 2}"}
            list(ask("messages", "tokens=10/3;cached=4", headers=agent, stream=True))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(20)))

        sums = server.tally.totals(by="x-agent")
        assert {sums[f"agent-{n}"].calls for n in (0, 1)} == {10}
        assert (sums["agent-0"].input_tokens, sums["agent-0"].cached_tokens) == (100, 40)
        assert server.tally[-1].body["max_tokens"] == 99
        assert server.tally.total().calls >= 20

    def test_background_is_billed_once(self, oa: openai.OpenAI, server: LLMServer) -> None:
        headers = {"x-run": "background"}
        queued = oa.responses.create(
            model="gpt-4o-mini",
            input="a",
            background=True,
            extra_headers={"x-costspan-scenario": "tokens=10/3", **headers},
        )
        done = [oa.responses.retrieve(queued.id, extra_headers=headers) for _ in range(2)]
        last = list(oa.responses.retrieve(queued.id, stream=True, extra_headers=headers))[-1]

        assert (queued.status, queued.usage) == ("queued", None)
        assert {(d.status, d.model) for d in done} == {("completed", "gpt-4o-mini-2024-07-18")}
        assert last.type == "response.completed"
        sums = server.tally.totals(by="x-run")["background"]
        assert (sums.calls, sums.input_tokens, sums.output_tokens) == (1, 10, 3)


class TestAsync:
    async def test_plain_and_streamed(
        self, aoa: openai.AsyncOpenAI, aan: anthropic.AsyncAnthropic
    ) -> None:
        chunks = [
            chunk
            async for chunk in await aoa.chat.completions.create(
                model="m", messages=MESSAGES, stream=True, stream_options=WITH_USAGE
            )
        ]
        plain = await aoa.chat.completions.create(model="m", messages=MESSAGES)
        async with aan.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
            message = await stream.get_final_message()

        assert chunks[-1].usage == plain.usage
        assert message.stop_reason == "end_turn"

    async def test_cut(self, aoa: openai.AsyncOpenAI, aan: anthropic.AsyncAnthropic) -> None:
        order: Any = {"stream": True, "extra_headers": {"x-costspan-scenario": "cut=3"}}
        chat: Any = await aoa.chat.completions.create(model="m", messages=MESSAGES, **order)
        message: Any = await aan.messages.create(
            model="m", max_tokens=9, messages=MESSAGES, **order
        )

        for stream in (chat, message):
            with pytest.raises(Exception, match=BROKEN):
                [event async for event in stream]


_ALONE = """
import threading

import openai

from costspan.testing import LLMServer

before = threading.active_count()
server = LLMServer().start()
with openai.OpenAI(base_url=server.openai_url, api_key="k") as client:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    during = threading.active_count()
server.stop()
print(before, during, threading.active_count())
"""


class TestLifecycle:
    def test_stop_leaves_no_thread(self) -> None:
        """In a process of its own: in this one, threads of other tests come and go."""
        told = subprocess.run([sys.executable, "-c", _ALONE], stdout=subprocess.PIPE, check=True)
        before, during, after = map(int, told.stdout.split())
        assert before == after < during

    def test_stop_keeps_the_tally(self) -> None:
        server = LLMServer().start()
        with openai.OpenAI(base_url=server.openai_url, api_key="k") as client:
            client.chat.completions.create(model="m", messages=MESSAGES)
            with pytest.raises(RuntimeError, match="runs already"):
                server.start()
            server.stop()
        server.stop()

        assert server.tally.total().calls == 1
        with pytest.raises(RuntimeError, match="not running"):
            _ = server.url


def _collect(stream: Any, into: list[Any]) -> None:
    """Move every event into the list; those before an error stay there."""
    into.extend(stream)


def _wait_for_tally(server: LLMServer, before: int) -> None:
    """Wait until the server has noticed that its client left, 2 seconds at most."""
    deadline = time.monotonic() + 2
    while len(server.tally) == before and time.monotonic() < deadline:
        time.sleep(0.01)
