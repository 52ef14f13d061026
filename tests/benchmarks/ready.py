"""Ready-made answers: the SDKs' own work left out, so that nothing but the observing is done.

In a program the SDK works between two calls of costspan for as long as thousands of its steps take,
and the processor's caches hold little of costspan by then. With that work left out they hold it
all: what a call takes now is what its own steps take, and the difference to a real call is what the
caches cost.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tests.benchmarks.workload import httpx

_PLACES = {
    "openai": ("openai.resources.chat.completions", "Completions"),
    "anthropic": ("anthropic.resources.messages", "Messages"),
}


class _Ready:
    """What a client was asked once, and what its SDK made of the answer."""

    def __init__(self, asked: tuple[Any, ...], how: dict[str, Any]) -> None:
        self.asked = asked
        self.how = how
        self.processed: dict[str, Any] = {}
        self.result: Any = None
        self.chunks: list[Any] | None = None


class _Clients:
    """The clients of one SDK, sync or async; the first call of each is made for real."""

    def __init__(self, base: Any, stream: Any) -> None:
        self._request, self._process = base.request, base._process_response
        self._stream = stream
        self._known: dict[int, _Ready] = {}
        self.capturing: _Ready | None = None

    def made(self, client: Any) -> _Ready | None:
        """What is ready of this client; None until its first call."""
        return self._known.get(id(client))

    def begin(self, client: Any) -> None:
        """Let the next call through, and keep what is made of it."""
        self.capturing = self._known[id(client)] = _Ready((), {})

    def asks(self, client: Any, args: tuple[Any, ...], how: dict[str, Any]) -> Any:
        """The SDK's own way, its arguments kept."""
        assert self.capturing is not None
        self.capturing.asked, self.capturing.how = args, how
        return self._request(client, *args, **how)

    def processes(self, client: Any, args: tuple[Any, ...], how: dict[str, Any]) -> Any:
        """The SDK's own way, its arguments kept."""
        assert self.capturing is not None
        self.capturing.processed = how
        return self._process(client, *args, **how)

    def keep(self, result: Any, chunks: list[Any] | None) -> None:
        """Have this answer ready from now on."""
        assert self.capturing is not None
        self.capturing.result, self.capturing.chunks = result, chunks
        self.capturing = None

    def answered(self, client: Any) -> dict[str, Any]:
        """How the SDK would process the answer; each stream has a response of its own."""
        ready = self._known[id(client)]
        if ready.chunks is None:
            return ready.processed
        before = ready.processed["response"]
        response = httpx.Response(200, headers=before.headers, request=before.request)
        return {**ready.processed, "response": response}

    def result(self, client: Any, how: dict[str, Any]) -> Any:
        """The parsed answer, or a stream of the parsed chunks."""
        ready = self._known[id(client)]
        if ready.chunks is None:
            return ready.result
        kept = ready.result
        self._stream.chunks = ready.chunks
        return self._stream(cast_to=kept._cast_to, response=how["response"], client=client)


def install() -> None:
    """Put the ready-made answers in place of both SDKs' work; before anything is instrumented."""
    for name, (module, resource) in _PLACES.items():
        base = importlib.import_module(f"{name}._base_client")
        resources = importlib.import_module(module)
        sdk = importlib.import_module(name)
        _install_sync(base.SyncAPIClient, getattr(resources, resource), sdk.Stream)
        _install_async(base.AsyncAPIClient, getattr(resources, f"Async{resource}"), sdk.AsyncStream)


def _install_sync(base: Any, resource: Any, stream: Any) -> None:
    create = resource.create

    class ReadyStream(stream):  # type: ignore[misc]
        chunks: list[Any]

        def __stream__(self) -> Iterator[Any]:
            yield from self.chunks

    clients = _Clients(base, ReadyStream)

    def make(self: Any, **asked: Any) -> Any:
        client = self._client
        ready = clients.made(client)
        if ready is None:
            clients.begin(client)
            result = create(self, **asked)
            clients.keep(result, list(result) if asked.get("stream") else None)
            return make(self, **asked)
        return client.request(*ready.asked, **ready.how)

    def request(self: Any, *args: Any, **how: Any) -> Any:
        if clients.capturing is not None:
            return clients.asks(self, args, how)
        return self._process_response(**clients.answered(self))

    def process(self: Any, *args: Any, **how: Any) -> Any:
        if clients.capturing is not None:
            return clients.processes(self, args, how)
        return clients.result(self, how)

    resource.create, base.request, base._process_response = make, request, process


def _install_async(base: Any, resource: Any, stream: Any) -> None:
    create = resource.create

    class ReadyStream(stream):  # type: ignore[misc]
        chunks: list[Any]

        async def __stream__(self) -> AsyncIterator[Any]:
            for chunk in self.chunks:
                yield chunk

    clients = _Clients(base, ReadyStream)

    async def make(self: Any, **asked: Any) -> Any:
        client = self._client
        ready = clients.made(client)
        if ready is None:
            clients.begin(client)
            result = await create(self, **asked)
            streams = asked.get("stream")
            clients.keep(result, [chunk async for chunk in result] if streams else None)
            return await make(self, **asked)
        return await client.request(*ready.asked, **ready.how)

    async def request(self: Any, *args: Any, **how: Any) -> Any:
        if clients.capturing is not None:
            return await clients.asks(self, args, how)
        return await self._process_response(**clients.answered(self))

    async def process(self: Any, *args: Any, **how: Any) -> Any:
        if clients.capturing is not None:
            return await clients.processes(self, args, how)
        return clients.result(self, how)

    resource.create, base.request, base._process_response = make, request, process
