"""Odd answers: how they are made, what a caller sees of them, and what a span must say."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import httpx2

from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT_USD,
    MESSAGE_USD,
    Pieces,
    anthropic_client,
    attributes_of,
    events,
    openai_client,
    watched,
)

Respond = Callable[[], httpx2.Response]
HUGE = 10**20
DONE = b"data: [DONE]\n\n"
TEXT_STREAM = {"content-type": "text/event-stream"}
UNPRICED = {"costspan.cost.status": "unpriced", "costspan.cost.missing": ("usage",)}
SURFACES: dict[str, tuple[Any, str, Any]] = {
    "chat": (openai_client, "chat.completions.create", ASK),
    "responses": (openai_client, "responses.create", {"model": "gpt-4o-mini", "input": "Hello"}),
    "embeddings": (
        openai_client,
        "embeddings.create",
        {"model": "text-embedding-3-small", "input": "Hello", "encoding_format": "float"},
    ),
    "messages": (anthropic_client, "messages.create", ASK_CLAUDE),
}


def body(value: Any) -> Respond:
    return lambda: httpx2.Response(200, json=value)


def raw(content: bytes, kind: str = "application/json") -> Respond:
    return lambda: httpx2.Response(200, content=content, headers={"content-type": kind})


def stream(payloads: list[Any], end: bytes = DONE) -> Respond:
    return lambda: events(payloads, end=end)


def claude_stream(payloads: list[Any]) -> Respond:
    return lambda: events(payloads, named=True)


def pieces(*content: bytes) -> Respond:
    return lambda: httpx2.Response(200, headers=TEXT_STREAM, stream=Pieces(content))


def with_usage(whole: Any, usage: Any) -> Any:
    return {**whole, "usage": usage}


def without(whole: Any, key: str) -> Any:
    return {name: value for name, value in whole.items() if name != key}


def counts(asked: Any, made: Any, **more: Any) -> Any:
    return {"prompt_tokens": asked, "completion_tokens": made, "total_tokens": 7, **more}


def claude_usage(asked: Any, made: Any, **more: Any) -> Any:
    return {"input_tokens": asked, "output_tokens": made, **more}


def seen(respond: Respond, surface: str, streamed: bool) -> Any:
    """All that a caller can see of one call: the answer's or chunks' dumps, or the exception."""
    make, method, asked = SURFACES[surface]
    got: list[Any] = []
    with make(lambda request: respond()) as client:
        create = attrgetter(method)(client)
        try:
            answer = create(**asked, **({"stream": True} if streamed else {}))
            got.extend(map(_dump, answer if streamed else [answer]))
        except Exception as error:
            link = error.__cause__
            got.append((type(error), str(error), type(link), str(link)))
    return got


def _dump(answer: Any) -> Any:
    if not hasattr(answer, "model_dump"):
        return type(answer), answer
    set_fields = sorted(answer.model_fields_set)
    return type(answer), set_fields, answer.model_dump(warnings=False)


def observed(respond: Respond, surface: str, streamed: bool) -> dict[str, Any]:
    """The attributes of the call's one span, where the caller saw what the bare SDK shows.

    No chat stream is asked for its usage, as these servers say what they say in any case.
    """
    bare = seen(respond, surface, streamed)
    with watched(stream_usage="never") as spans:
        ours = seen(respond, surface, streamed)
        span = spans.one()
    assert ours == bare
    return attributes_of(span)


def expect(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """`found` holds `wanted`, where a value None means that the attribute is absent."""
    assert {name: found.get(name) for name in wanted} == wanted


IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
STATUS, MISSING, TOTAL = "costspan.cost.status", "costspan.cost.missing", "costspan.cost.total"
NOTHING_KNOWN = {IN: None, OUT: None, TOTAL: None, **UNPRICED}
# 1000 tokens in at 0.15 USD a million; 200 out at 0.60. Claude: 1000 at 5, 200 at 25.
ONLY_IN = {IN: 1000, OUT: None, STATUS: "partial", MISSING: ("output_tokens",), TOTAL: 0.00015}
ONLY_OUT = {IN: None, OUT: 200, STATUS: "partial", MISSING: ("input_tokens",), TOTAL: 0.00012}
CLAUDE_IN = {**ONLY_IN, TOTAL: 0.005}
CLAUDE_OUT = {**ONLY_OUT, TOTAL: 0.005}
WHOLE = {IN: 1000, OUT: 200, STATUS: "priced", MISSING: None, TOTAL: CHAT_USD}
CLAUDE_WHOLE = {**WHOLE, TOTAL: MESSAGE_USD}
