"""The listening socket and its connections; what is said on them is the handler's business."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event as Signal
from threading import Lock
from time import monotonic, sleep

from costspan.testing.tally import Tally

_Request = socket.socket | tuple[bytes, socket.socket]
_PATIENCE = 1.0  # seconds that a stopping server waits for its threads


@dataclass(slots=True)
class ServerState:
    """What the request threads share; `stopping` also ends their sleeps."""

    tally: Tally = field(default_factory=Tally)
    stopping: Signal = field(default_factory=Signal)
    requests_seen: int = 0
    _lock: Lock = field(default_factory=Lock)

    def count_request(self) -> None:
        """Count one HTTP request, whatever becomes of it."""
        with self._lock:
            self.requests_seen += 1


class WireServer(ThreadingHTTPServer):
    """One daemon thread a connection; open connections are closed when the server stops."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, port: int, handler: type[BaseHTTPRequestHandler], state: ServerState
    ) -> None:
        self.state = state
        self._open: set[_Request] = set()
        super().__init__(("127.0.0.1", port), handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse name lookup, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: _Request, client_address: object) -> None:
        """Remember the connection, then serve it in a thread."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Request) -> None:
        """Close the connection and forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Wake every thread that waits on a keep-alive connection, and see it end."""
        self.state.stopping.set()
        for connection in tuple(self._open):
            with suppress(OSError):
                assert isinstance(connection, socket.socket)
                connection.shutdown(socket.SHUT_RDWR)
        deadline = monotonic() + _PATIENCE
        while self._open and monotonic() < deadline:
            sleep(0.001)

    def handle_error(self, request: _Request, client_address: object) -> None:
        """Stay silent: a client that leaves in the middle is part of the tests."""
