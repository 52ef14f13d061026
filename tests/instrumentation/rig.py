"""What the tests here stand on: spans in memory, and SDK clients whose transport is a function."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, Any

import httpx2
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from costspan import Instrumentor, guard
from tests.conventions.checker import check

if TYPE_CHECKING:  # each takes seconds to import, and many tests run an app that needs one of them
    import anthropic
    import openai

Answer = Callable[[httpx2.Request], Any]
PATIENCE = 20.0  # seconds for what another thread has to do; never what a test measures
ASK: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
ASK_CLAUDE: Any = {"max_tokens": 50, **ASK, "model": "claude-opus-4-5"}


class Spans(SpanExporter):
    """Ended spans, which another thread may still be about to hand in."""

    def __init__(self) -> None:
        self._ended: list[ReadableSpan] = []
        self._arrived = Condition()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._arrived:
            self._ended += spans
            self._arrived.notify_all()
        return SpanExportResult.SUCCESS

    def wait(self, count: int) -> list[ReadableSpan]:
        """The spans, once there are at least `count`."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._ended) >= count, PATIENCE)
            assert len(self._ended) >= count, f"{len(self._ended)} of {count} spans arrived"
            return list(self._ended)

    def one(self) -> ReadableSpan:
        """The only span there is."""
        (span,) = self.wait(1)
        return span

    def all(self) -> list[ReadableSpan]:
        return self.wait(0)

    def clear(self) -> None:
        with self._arrived:
            self._ended.clear()


def provider_into(spans: SpanExporter, sampler: Sampler = ALWAYS_ON) -> TracerProvider:
    """A TracerProvider that hands each span over when it ends."""
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@contextmanager
def watched(sampler: Sampler = ALWAYS_ON, **settings: Any) -> Iterator[Spans]:
    """Costspan switched on; afterwards every span must be valid and nothing of ours have failed."""
    spans = Spans()
    provider = provider_into(spans, sampler)
    faults = guard.faults()
    Instrumentor().instrument(**{"tracer_provider": provider, **settings})
    try:
        yield spans
    finally:
        Instrumentor().uninstrument()
        provider.shutdown()
    assert guard.faults() == faults
    assert [fault for span in spans.all() for fault in check(span)] == []


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """A span's attributes as a plain dict."""
    return dict(span.attributes or {})


def openai_client(answer: Answer, **options: Any) -> "openai.OpenAI":
    import openai

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="sk-test", http_client=http, **{"max_retries": 0, **options})


def async_openai_client(answer: Answer, **options: Any) -> "openai.AsyncOpenAI":
    import openai

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return openai.AsyncOpenAI(api_key="sk-test", http_client=http, **{"max_retries": 0, **options})


def anthropic_client(answer: Answer, **options: Any) -> "anthropic.Anthropic":
    import anthropic

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(
        api_key="sk-ant-test", http_client=http, **{"max_retries": 0, **options}
    )


def async_anthropic_client(answer: Answer, **options: Any) -> "anthropic.AsyncAnthropic":
    import anthropic

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return anthropic.AsyncAnthropic(
        api_key="sk-ant-test", http_client=http, **{"max_retries": 0, **options}
    )


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that is still to come, in pieces, for a sync or an async client."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def events(payloads: Sequence[Any], *, named: bool = False, end: bytes = b"") -> httpx2.Response:
    """An event stream; `named` writes `event:` lines too, as Anthropic does."""
    pieces = []
    for payload in payloads:
        head = f"event: {payload['type']}\n" if named else ""
        pieces.append(f"{head}data: {json.dumps(payload)}\n\n".encode())
    headers = {"content-type": "text/event-stream", "request-id": "r1", "x-request-id": "r1"}
    return httpx2.Response(200, headers=headers, stream=Pieces([*pieces, end] if end else pieces))


CHAT: Any = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi there"},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200},
}
"""At 0.15 and 0.60 USD for a million tokens in and out: 0.00015 + 0.00012 = 0.00027 USD."""
CHAT_USD = 0.00027

MESSAGE: Any = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5-20251101",
    "content": [{"type": "text", "text": "Hi there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1000, "output_tokens": 200},
}
"""At 5 and 25 USD for a million tokens in and out: 0.005 + 0.005 = 0.01 USD."""
MESSAGE_USD = 0.01


def chat_chunk(text: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of a chat stream with one choice."""
    delta = {} if text is None else {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": more.pop("finish_reason", None)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
        **more,
    }


CHAT_CHUNKS: Any = [
    chat_chunk("Hi", usage=None),
    chat_chunk(" there", usage=None),
    chat_chunk(finish_reason="stop", usage=None),
    chat_chunk(choices=[], usage=CHAT["usage"]),
]
MESSAGE_EVENTS: Any = [
    {
        "type": "message_start",
        "message": {
            **MESSAGE,
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 1000, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in ("Hi", " there")
    ),
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 200},
    },
    {"type": "message_stop"},
]


def answer_chat(request: httpx2.Request) -> httpx2.Response:
    """A chat completion, streamed where the request says so; usage in it only where asked for."""
    body = json.loads(request.content)
    if not body.get("stream"):
        return httpx2.Response(200, json=CHAT, headers={"x-request-id": "r1"})
    asked = (body.get("stream_options") or {}).get("include_usage")
    chunks = CHAT_CHUNKS
    if not asked:
        chunks = [{k: v for k, v in chunk.items() if k != "usage"} for chunk in chunks[:-1]]
    return events(chunks, end=b"data: [DONE]\n\n")


def answer_message(request: httpx2.Request) -> httpx2.Response:
    """A message, streamed where the request says so."""
    if json.loads(request.content).get("stream"):
        return events(MESSAGE_EVENTS, named=True)
    return httpx2.Response(200, json=MESSAGE, headers={"request-id": "r1"})
