"""A provider in memory: a mock transport of the HTTP library that the SDK itself uses."""

from __future__ import annotations

import asyncio
import importlib
import inspect
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


class Wire:
    """Answers every request, and keeps what was sent.

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

    def openai(self, kind: Any = openai.OpenAI, **options: Any) -> Any:
        """An OpenAI client of this class, without retries."""
        return self._made(openai, kind, options)

    def anthropic(self, kind: Any = anthropic.Anthropic, **options: Any) -> Any:
        """An Anthropic client of this class, without retries."""
        return self._made(anthropic, kind, options)

    def http_client(self, sdk: ModuleType, *, asynchronous: bool = False) -> Any:
        """An HTTP client for the SDK that ends here."""
        # httpx2 in the newest SDKs, httpx in the older ones.
        library = sdk.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]
        http = importlib.import_module(library)
        transport = http.MockTransport(self._handler(http, _alater if asynchronous else _later))
        kind = http.AsyncClient if asynchronous else http.Client
        return kind(transport=transport)

    def _made(self, sdk: ModuleType, kind: Any, options: dict[str, Any]) -> Any:
        client = self.http_client(sdk, asynchronous=kind.__name__.startswith("Async"))
        return kind(**{"max_retries": 0, "timeout": 60, "http_client": client, **options})

    def _handler(self, http: Any, later: Callable[[Sequence[bytes]], Any]) -> Any:
        def handle(request: Any) -> Any:
            self.requests.append(request)
            answer = self._answer(request)
            content = json.dumps(answer.body) if answer.chunks is None else later(answer.chunks)
            headers = {"content-type": "application/json", **answer.headers}
            return http.Response(answer.status, headers=headers, content=content)

        return handle


def _later(chunks: Sequence[bytes]) -> Iterator[bytes]:
    yield from chunks


async def _alater(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def read_out(call: Callable[[], Any]) -> Any:
    """What a call gives, sync or async: its answer, or the list of its stream's chunks."""
    result = call()
    if inspect.isawaitable(result):
        return asyncio.run(_read_out(result))
    return list(result) if hasattr(result, "__next__") else result


async def _read_out(awaitable: Any) -> Any:
    result = await awaitable
    return [chunk async for chunk in result] if hasattr(result, "__anext__") else result
