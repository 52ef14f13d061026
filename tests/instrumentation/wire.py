"""A provider in memory: a mock transport of the HTTP library that the SDK itself uses."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import anthropic
import openai


@dataclass(frozen=True)
class Answer:
    """One HTTP response: a JSON body, or the chunks of a body that is still to be read."""

    status: int = 200
    body: Any = None
    chunks: Sequence[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def http_of(sdk: ModuleType) -> Any:
    """The HTTP library of an SDK: httpx2 in the newest, httpx in the older ones."""
    library = sdk.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]
    return importlib.import_module(library)


class Wire:
    """Answers every request by a function, and keeps what was sent.

    Args:
        answer: an answer, or a function that gives one for a request.
    """

    def __init__(self, answer: Answer | Callable[[Any], Answer]) -> None:
        self._answer = answer if callable(answer) else lambda request: answer
        self.requests: list[Any] = []

    @property
    def bodies(self) -> list[Any]:
        """The JSON of each request that was sent."""
        return [json.loads(request.content) for request in self.requests]

    def client(self, sdk: ModuleType, *, asynchronous: bool = False) -> Any:
        """An HTTP client for the SDK that ends here."""
        http = http_of(sdk)
        if asynchronous:
            return http.AsyncClient(transport=http.MockTransport(self._handler(http, _alater)))
        return http.Client(transport=http.MockTransport(self._handler(http, _later)))

    def openai(self, kind: Any = openai.OpenAI, **options: Any) -> Any:
        """An OpenAI client of this class, without retries."""
        return self._made(openai, kind, options)

    def anthropic(self, kind: Any = anthropic.Anthropic, **options: Any) -> Any:
        """An Anthropic client of this class, without retries."""
        return self._made(anthropic, kind, options)

    def _made(self, sdk: ModuleType, kind: Any, options: dict[str, Any]) -> Any:
        client = self.client(sdk, asynchronous=is_async(kind))
        return kind(**{"max_retries": 0, "timeout": 60, "http_client": client, **options})

    def _handler(self, http: Any, later: Callable[[Sequence[bytes]], Any]) -> Any:
        def handle(request: Any) -> Any:
            self.requests.append(request)
            answer = self._answer(request)
            content = json.dumps(answer.body) if answer.chunks is None else later(answer.chunks)
            headers = {"content-type": "application/json", **answer.headers}
            return http.Response(answer.status, headers=headers, content=content)

        return handle


def is_async(kind: Any) -> bool:
    """Whether a client class is the async one of its pair."""
    return kind.__name__.startswith("Async")


def _later(chunks: Sequence[bytes]) -> Iterator[bytes]:
    yield from chunks


async def _alater(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def events(*messages: Any, named: bool = False, done: bool = True) -> Answer:
    """An event stream: OpenAI's unnamed events, or Anthropic's, which are named by their type."""
    lines = [
        (f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n"
        for one in messages
    ]
    if done and not named:
        lines.append("data: [DONE]\n\n")
    chunks = [line.encode() for line in lines]
    return Answer(chunks=chunks, headers={"content-type": "text/event-stream"})
