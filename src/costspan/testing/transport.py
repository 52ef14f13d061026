"""The socket side: read one request, send its answer, break off where the scenario says so."""

from __future__ import annotations

import gzip
import json
import socket
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from costspan.testing.exchange import Answer, Call, Event
from costspan.testing.listener import WireServer
from costspan.testing.routes import answer_call, wire_for
from costspan.testing.scenario import HEADER, Scenario, ScenarioError, parse_scenario
from costspan.testing.tally import Served

# What a body of another shape than the provider's raises in the wire modules.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class WireHandler(BaseHTTPRequestHandler):
    """Serves the requests of one keep-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered, so that head and body leave in one packet

    def __init__(self, request: socket.socket, client_address: object, server: BaseServer) -> None:
        assert isinstance(server, WireServer)
        self._state = server.state
        super().__init__(request, client_address, server)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Serve a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Serve a POST."""
        self._serve()

    def _serve(self) -> None:
        self._state.count_request()
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        call, answer = self._answer(raw)
        if call.scenario.stall:
            self._state.stopping.wait(call.scenario.stall)
        if answer.events is None:
            self._send_plain(call, answer)
        else:
            self._send_stream(call, answer, answer.events)

    def _answer(self, raw: bytes) -> tuple[Call, Answer]:
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(target.query))
        call = Call(self.command, target.path, query, headers, {}, Scenario(), uuid4().hex)
        try:
            scenario = parse_scenario(headers.get(HEADER, ""))
            call = replace(call, body=json.loads(raw or b"{}"), scenario=scenario)
            return call, answer_call(call)
        except _UNREADABLE as error:
            reason = str(error) if isinstance(error, ScenarioError) else f"unreadable: {error!r}"
            return call, wire_for(call.path).failure(400, reason, call.nonce)

    def _head(self, answer: Answer, **more: str) -> None:
        self.send_response(answer.status)
        for name, value in {**answer.headers, **more}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _client_left(self) -> bool:
        try:
            waiting: bytes = self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not waiting

    def _send_plain(self, call: Call, answer: Answer) -> None:
        payload, more = json.dumps(answer.body).encode(), {"content_type": "application/json"}
        if call.scenario.compress and answer.status == 200:
            payload, more["content_encoding"] = gzip.compress(payload, 1), "gzip"
        cut = call.scenario.cut is not None and answer.status == 200
        served = _served(call, answer, complete=not cut and not self._client_left())
        # On the books before it is on the wire: the client may look at once.
        self._state.tally.add(served)
        self.close_connection = self.close_connection or cut
        try:
            self._head(answer, content_length=str(len(payload)), **more)
            self.wfile.write(payload[: len(payload) // 2] if cut else payload)
            self.wfile.flush()
        except OSError:
            self._state.tally.mark_incomplete(served)
            self.close_connection = True

    def _send_stream(self, call: Call, answer: Answer, events: tuple[Event, ...]) -> None:
        """Send the events; the books are written before the last one leaves."""
        sent = events[: call.scenario.cut]
        served = _served(call, answer, answer.complete and len(sent) == len(events))
        try:
            self._head(answer, content_type="text/event-stream", transfer_encoding="chunked")
            for number, event in enumerate(sent):
                self._pause(call.scenario.pause if number else 0)
                if number == len(sent) - 1:
                    break
                self._send_event(event)
        except OSError:
            self._state.tally.add(replace(served, complete=False))
            self.close_connection = True
            return
        self._state.tally.add(served)
        self._end_stream(sent[-1:], cut=call.scenario.cut is not None)

    def _end_stream(self, last: tuple[Event, ...], *, cut: bool) -> None:
        """Send the last event, then the end mark, which a client may not stay to read."""
        self.close_connection = self.close_connection or cut
        try:
            for event in last:
                self._send_event(event)
            if not cut:
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _pause(self, seconds: float) -> None:
        if seconds:
            self._state.stopping.wait(seconds)
        if self._client_left():
            raise ConnectionResetError

    def _send_event(self, event: Event) -> None:
        data = event.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


def _served(call: Call, answer: Answer, complete: bool) -> Served:
    return Served(
        path=call.path,
        model=answer.model,
        stream=answer.events is not None,
        status=answer.status,
        input_tokens=answer.tokens.input,
        cached_tokens=answer.tokens.cached,
        cache_write_tokens=answer.tokens.cache_write,
        output_tokens=answer.tokens.output,
        complete=complete,
        headers=call.headers,
        body=call.body,
        response_id=answer.response_id,
    )
