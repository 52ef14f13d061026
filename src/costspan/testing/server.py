"""`LLMServer`: a local server that speaks the OpenAI, Anthropic and Gemini wire formats."""

from __future__ import annotations

from threading import Thread
from types import TracebackType

from costspan.testing.listener import ServerState, WireServer
from costspan.testing.tally import Tally
from costspan.testing.transport import WireHandler


class LLMServer:
    """A model provider on 127.0.0.1, for tests.

    ```python
    with LLMServer() as server:
        client = OpenAI(base_url=server.openai_url, api_key="any")
        client.chat.completions.create(..., extra_headers={"x-costspan-scenario": "retries=2"})
        assert server.tally.total().calls == 1
    ```

    See `costspan.testing.scenario` for what the header can order.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._state = ServerState()
        self._server: WireServer | None = None
        self._thread: Thread | None = None

    def start(self) -> LLMServer:
        """Bind the port (any free one for 0) and serve in a daemon thread."""
        if self._server is not None:
            raise RuntimeError("the server runs already")
        self._state.stopping.clear()
        self._server = WireServer(self._port, WireHandler, self._state)
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.05,), name="llm-server", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and every open connection; harmless when not running."""
        server, self._server = self._server, None
        thread, self._thread = self._thread, None
        if server is None or thread is None:
            return
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()

    def __enter__(self) -> LLMServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The root, `http://127.0.0.1:PORT`."""
        if self._server is None:
            raise RuntimeError("the server is not running: use `with LLMServer()` or `start()`")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def openai_url(self) -> str:
        """`base_url` for the OpenAI SDK."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """`base_url` for the Anthropic SDK, which adds `/v1` itself."""
        return self.url

    @property
    def gemini_url(self) -> str:
        """`http_options={"base_url": ...}` for the google-genai SDK."""
        return self.url

    @property
    def tally(self) -> Tally:
        """What was served so far; it can be read after the server stopped, too."""
        return self._state.tally

    @property
    def requests_seen(self) -> int:
        """HTTP requests so far, retries counted one by one."""
        return self._state.requests_seen
