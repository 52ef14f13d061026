"""The methods under test: how each is called, what its span is called, what it costs.

Every call asks the server for 1,200 tokens of input and 80 of output. Prices, in USD per million
tokens, from the providers' price pages of 2026-11: gpt-4o-mini 0.15 in and 0.60 out,
gpt-3.5-turbo-instruct 1.50 and 2.00, text-embedding-3-small 0.02, claude-opus-4-5 5 and 25.
"""

import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import anthropic
import openai
from pydantic import BaseModel

from costspan.testing.openai_responses import Stored
from costspan.testing.tokens import Tokens

INPUT, OUTPUT = 1200, 80
TOKENS = f"tokens={INPUT}/{OUTPUT}"


class Person(BaseModel):
    """What a parsed answer is read into."""

    name: str
    age: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What the provider reports and charges, in tokens and USD; None = not reported.

    `started` is the input that a stream tells at its start already, `started_usd` its price.
    """

    usd: Decimal
    input: int | None = INPUT
    output: int | None = OUTPUT
    started: int | None = None
    started_usd: Decimal | None = None


FREE = Bill(Decimal(0), None, None)
# 1200 x 0.15 / 10^6 + 80 x 0.60 / 10^6
MINI = Bill(Decimal("0.000228"))
# 1200 x 1.50 / 10^6 + 80 x 2.00 / 10^6
INSTRUCT = Bill(Decimal("0.00196"))
# 1200 x 0.02 / 10^6
EMBEDDING = Bill(Decimal("0.000024"), output=None)
# 1200 x 5 / 10^6 + 80 x 25 / 10^6; the input alone is 1200 x 5 / 10^6
OPUS = Bill(Decimal("0.008"), started=INPUT, started_usd=Decimal("0.006"))
# A background response: paid for by the retrieval, which as such reports no usage.
FETCHED = Bill(Decimal("0.000228"), None, None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Method:
    """One method of an SDK.

    Args:
        name: the attribute path on a client; `note` tells several rows of one method apart.
        path: the HTTP path, as in the provider file's table.
        asked: the arguments of a call, or a function that makes them from a nonce.
        streamed: the arguments that make it a stream; None where it takes none.
        parsing: the arguments that have the SDK parse the answer; None where it parses none.
        kind: `create`, `parse`, `helper` (a stream behind a context manager) or `runner`.
        known_host: sent by way of a host that costspan asks for a stream's usage.
        settles: a retrieval that pays for the response it fetches.
        calls: HTTP requests, and so spans, of one use to the end.
    """

    sdk: str
    name: str
    path: str
    operation: str
    model: str | None
    bill: Bill
    asked: Mapping[str, Any] | Callable[[str], Mapping[str, Any]]
    note: str = ""
    streamed: Mapping[str, Any] | None = None
    parsing: Mapping[str, Any] | None = None
    kind: str = "create"
    known_host: bool = False
    settles: bool = False
    calls: int = 1

    def __str__(self) -> str:
        return f"{self.sdk}.{self.name}" + (f"[{self.note}]" if self.note else "")

    @property
    def verb(self) -> str:
        """The method's own name."""
        return self.name.rpartition(".")[2]

    def resource(self, client: Any) -> Any:
        """The resource object that the method stands on; None where the SDK has none."""
        try:
            found = operator.attrgetter(self.name.rpartition(".")[0])(client)
        except AttributeError:
            return None
        return found if hasattr(found, self.verb) else None

    def arguments(self, nonce: str) -> dict[str, Any]:
        """The arguments of one call; `nonce` makes the ids in them unique."""
        asked = self.asked(nonce) if callable(self.asked) else self.asked
        return {**asked, **(self.parsing or {})} if self.kind == "parse" else {**asked}


STREAM = {"stream": True}
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
_MESSAGES: Any = [{"role": "user", "content": "Name one person."}]
_CHAT = {"model": "gpt-4o-mini", "messages": _MESSAGES}
_RESPONSE = {"model": "gpt-4o-mini", "input": "Name one person."}
_INSTRUCT = {"model": "gpt-3.5-turbo-instruct", "prompt": "Name one person."}
_EMBEDDING = {"model": "text-embedding-3-small", "input": "one person"}
_MODERATION = {"model": "omni-moderation-latest", "input": "one person"}
_COUNTED = {"model": "claude-opus-4-5", "messages": _MESSAGES}
_CLAUDE = {**_COUNTED, "max_tokens": 99}


def _stored(nonce: str) -> dict[str, str]:
    """The id under which the server gives a finished response."""
    tokens = Tokens(input=INPUT, output=OUTPUT)
    return {"response_id": Stored("gpt-4o-mini-2024-07-18", tokens, nonce).encode()}


def _row(sdk: str, path: str, operation: str, bill: Bill, asked: Any) -> Callable[..., Method]:
    model = None if callable(asked) else asked["model"]
    given = {"sdk": sdk, "path": path, "operation": operation, "bill": bill, "asked": asked}

    def row(name: str, **more: Any) -> Method:
        return Method(name=name, **{"model": model, **given, **more})

    return row


_chat = _row("openai", "/chat/completions", "chat", MINI, _CHAT)
_completion = _row("openai", "/completions", "text_completion", INSTRUCT, _INSTRUCT)
_response = _row("openai", "/responses", "chat", MINI, _RESPONSE)
_retrieve = _row("openai", "/responses/", "fetch_response", FREE, _stored)
_compact = _row("openai", "/responses/compact", "chat", MINI, _RESPONSE)
_inputs = _row("openai", "/responses/input_tokens", "count_tokens", FREE, _RESPONSE)
_embeddings = _row("openai", "/embeddings", "embeddings", EMBEDDING, _EMBEDDING)
_moderation = _row("openai", "/moderations", "moderation", FREE, _MODERATION)
_message = _row("anthropic", "/v1/messages", "chat", OPUS, _CLAUDE)
_count = _row("anthropic", "/v1/messages/count_tokens", "count_tokens", FREE, _COUNTED)

_ASKED_CHAT = {**_CHAT, "stream_options": {"include_usage": True}}
_AS_PERSON = {"response_format": Person}
_AS_TEXT = {"text_format": Person}
_AS_OUTPUT = {"output_format": Person}


def _chat_rows(prefix: str) -> tuple[Method, ...]:
    helper: Any = {"kind": "helper", "parsing": _AS_PERSON}
    return (
        _chat(f"{prefix}chat.completions.create", streamed=WITH_USAGE),
        _chat(f"{prefix}chat.completions.parse", kind="parse", parsing=_AS_PERSON),
        _chat(f"{prefix}chat.completions.stream", asked=_ASKED_CHAT, **helper),
    )


def _unasked_rows() -> tuple[Method, ...]:
    """Streams whose usage the caller does not ask for, to a host that costspan asks for it."""
    more: Any = {"known_host": True, "note": "usage not asked"}
    return (
        _chat("chat.completions.create", streamed=STREAM, **more),
        _chat("chat.completions.stream", kind="helper", parsing=_AS_PERSON, **more),
        _completion("completions.create", streamed=STREAM, **more),
    )


def _response_rows(prefix: str) -> tuple[Method, ...]:
    return (
        _response(f"{prefix}responses.create", streamed=STREAM),
        _response(f"{prefix}responses.parse", kind="parse", parsing=_AS_TEXT),
        _response(f"{prefix}responses.stream", kind="helper", parsing=_AS_TEXT),
        _retrieve(f"{prefix}responses.stream", kind="helper", note="by id"),
        _retrieve(f"{prefix}responses.retrieve", streamed=STREAM),
        _retrieve(
            f"{prefix}responses.retrieve",
            streamed=STREAM,
            note="background",
            bill=FETCHED,
            settles=True,
        ),
        _compact(f"{prefix}responses.compact"),
        _inputs(f"{prefix}responses.input_tokens.count"),
    )


def _message_rows(prefix: str) -> tuple[Method, ...]:
    return (
        _message(f"{prefix}messages.create", streamed=STREAM),
        _message(f"{prefix}messages.stream", kind="helper", parsing=_AS_OUTPUT),
        _message(f"{prefix}messages.parse", kind="parse", parsing=_AS_OUTPUT),
        _count(f"{prefix}messages.count_tokens"),
        _message(f"{prefix}messages.tool_runner", kind="runner", streamed=STREAM, calls=2),
    )


METHODS = (
    *_chat_rows(""),
    *_unasked_rows(),
    *_chat_rows("beta."),
    _completion("completions.create", streamed=WITH_USAGE),
    *_response_rows(""),
    *_response_rows("beta."),
    _embeddings("embeddings.create"),
    _moderation("moderations.create"),
    *_message_rows(""),
    *_message_rows("beta."),
)

MODULES: dict[str, Any] = {"openai": openai, "anthropic": anthropic}


@anthropic.beta_tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"the meaning of {word}"


@anthropic.beta_async_tool
async def lookup_async(word: str) -> str:
    """Look a word up."""
    return f"the meaning of {word}"


def runner_arguments(method: Any, *, is_async: bool) -> dict[str, Any]:
    """What a tool runner needs besides; `thread=False` where it may use a server-held thread."""
    arguments: dict[str, Any] = {"tools": [lookup_async if is_async else lookup]}
    if "thread" in inspect.signature(method).parameters:
        arguments["thread"] = False
    return arguments
