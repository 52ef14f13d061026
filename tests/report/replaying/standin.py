"""A receiver of OTLP/HTTP that keeps what it was sent and answers as a test says."""

import gzip
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Reply(NamedTuple):
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Post(NamedTuple):
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    request: ExportTraceServiceRequest

    @property
    def spans(self) -> list[Span]:
        groups = self.request.resource_spans
        return [span for group in groups for scope in group.scope_spans for span in scope.spans]


class StandIn:
    """What was posted; `taken` is the ids of the spans of requests that were answered with 200."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.taken: list[str] = []
        self.replies: list[Reply] = []
        self.reply: Callable[[Post], Reply] = lambda post: Reply()
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, post: Post) -> Reply:
        with self._lock:
            self.posts.append(post)
            reply = self.replies.pop(0) if self.replies else self.reply(post)
            if reply.status == 200:
                self.taken += [span.span_id.hex() for span in post.spans]
            return reply


def partial(rejected: int, message: str) -> Reply:
    """The answer of a receiver that does not want some of the spans."""
    said = ExportTraceServiceResponse()
    said.partial_success.rejected_spans = rejected
    said.partial_success.error_message = message
    return Reply(body=said.SerializeToString())


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """One that listens until the block ends."""
    there = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            reply = there.answer(Post(self.path, dict(self.headers), request))
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    there.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
