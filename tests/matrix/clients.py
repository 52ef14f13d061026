"""The SDK clients that the cells share: sync and async, by kind of ending."""

import socket
from typing import Any

from costspan.testing import LLMServer
from tests.matrix.cells import Cell
from tests.matrix.methods import MODULES

_KINDS = {"openai": "OpenAI", "anthropic": "Anthropic"}
_KNOWN_HOST = {"openai": "https://api.openai.com/v1"}
SHORT = 0.05  # seconds until a read times out where the answer never begins
BETWEEN = 0.3  # the same between two chunks, of which the first must come in time


class Clients:
    """Makes each client once. Connections go to the test server, whatever the URL says."""

    def __init__(self, server: LLMServer) -> None:
        self._server = server
        self._made: dict[tuple[str, str, bool], Any] = {}
        # A port that is taken and on which nobody listens.
        self._closed_port = socket.socket()
        self._closed_port.bind(("127.0.0.1", 0))

    def client_for(self, cell: Cell) -> Any:
        """The client that a cell calls."""
        key = (cell.method.sdk, cell.mode, cell.method.known_host)
        client = self._made.get(key)
        if client is None:
            client = self._made[key] = self._make(*key)
        options = self._options(cell)
        return client.with_options(**options) if options else client

    def _options(self, cell: Cell) -> dict[str, Any]:
        timeout = MODULES[cell.method.sdk].Timeout
        if cell.ending == "third_try":
            return {"max_retries": 2}
        if cell.ending == "timeout":
            return {"timeout": timeout(20, read=SHORT)}
        if cell.ending == "stalled":
            return {"timeout": timeout(20, read=BETWEEN)}
        if cell.ending == "connection_refused":
            return {"base_url": f"http://127.0.0.1:{self._closed_port.getsockname()[1]}/v1"}
        return {}

    def _make(self, sdk: str, mode: str, known_host: bool) -> Any:
        module, prefix = MODULES[sdk], "Async" if mode == "async" else ""
        url = self._server.openai_url if sdk == "openai" else self._server.anthropic_url
        hooks = {}
        if known_host:
            url, hooks = _KNOWN_HOST[sdk], {"request": [self._rerouted(mode)]}
        # Certificates are not read: it takes most of the time of making a client.
        http = getattr(module, f"Default{prefix}HttpxClient")(verify=False, event_hooks=hooks)
        kind = getattr(module, f"{prefix}{_KINDS[sdk]}")
        return kind(api_key="sk-none", base_url=url, http_client=http, max_retries=0, timeout=20)

    def _rerouted(self, mode: str) -> Any:
        """A hook that sends a request for the known host to the test server."""
        port = int(self._server.url.rpartition(":")[2])

        def reroute(request: Any) -> None:
            if request.url.host != "127.0.0.1":
                request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)

        async def reroute_async(request: Any) -> None:
            reroute(request)

        return reroute_async if mode == "async" else reroute

    def close(self) -> None:
        """Close the sync clients and the port."""
        self._closed_port.close()
        for (_, mode, _), client in self._made.items():
            if mode == "sync":
                client.close()

    async def aclose(self) -> None:
        """Close the async clients."""
        for (_, mode, _), client in self._made.items():
            if mode == "async":
                await client.close()
