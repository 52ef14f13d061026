"""A local server that stands for Slack, PagerDuty and a webhook's receiver.

It holds what it gets against what the vendors document (see `schemas`), answers as they do, and
misbehaves on command.
"""

import json
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.alerts.schemas import pagerduty_faults, slack_faults

SLACK, PAGERDUTY, HOOK = "/services/", "/v2/enqueue", "/hook"
_LINGER_AT_ONCE = struct.pack("ii", 1, 0)  # closing sends a reset


@dataclass
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    faults: list[str] = field(default_factory=list)

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class StandIn:
    """The server; as a context manager it listens.

    `misbehave("500", "hang")` is how it treats the next two requests: a status, `429 N` (with
    Retry-After: N), `400 WORD` (with a body), `hang` (no answer), `reset`, `slow` (the body of the
    answer never ends), `redirect`.
    """

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.arrived = threading.Semaphore(0)
        self.stopping = threading.Event()
        self._commands: deque[str] = deque()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.stand_in = self

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def slack_url(self) -> str:
        return f"http://{self.address}{SLACK}T0/B0/s3cret"

    @property
    def pagerduty_url(self) -> str:
        return f"http://{self.address}{PAGERDUTY}"

    @property
    def hook_url(self) -> str:
        return f"http://{self.address}{HOOK}"

    def misbehave(self, *commands: str) -> None:
        with self._lock:
            self._commands.extend(commands)

    def take(self, got: Got) -> str:
        """Keep a request; gives how it is to be answered."""
        with self._lock:
            self.got.append(got)
            command = self._commands.popleft() if self._commands else ""
        self.arrived.release()
        return command


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stand_in(self) -> StandIn:
        return self.server.stand_in

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = Got(self.path, headers, body)
        status, said = self._judge(got)
        command = self.stand_in.take(got)
        if command == "hang":
            self.stand_in.stopping.wait()
        elif command == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AT_ONCE)
            self.connection.close()
        elif command == "slow":
            self._head(status, {"Content-Length": "1000"})
            self.stand_in.stopping.wait()
        elif command == "redirect":
            self._head(302, {"Location": self.stand_in.hook_url, "Content-Length": "0"})
        elif command:
            number, _, more = command.partition(" ")
            self._answer(int(number), more, {"Retry-After": more} if more.isdecimal() else {})
        else:
            self._answer(status, said, {})

    def _judge(self, got: Got) -> tuple[int, str]:
        """How the vendor answers."""
        if got.path.startswith(SLACK):
            got.faults = slack_faults(got.body)
            return (400, "invalid_payload") if got.faults else (200, "ok")
        if got.path == PAGERDUTY:
            got.faults = pagerduty_faults(got.body)
            answer = {"status": "success", "message": "Event processed"}
            return (400, "{}") if got.faults else (202, json.dumps(answer))
        return 204, ""

    def _answer(self, status: int, said: str, headers: dict[str, str]) -> None:
        body = said.encode()
        self._head(status, {**headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
