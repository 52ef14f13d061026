"""Receivers of OTLP that refuse, wait and take as a test says, over HTTP and gRPC."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from tests.third_party.processes import PATIENCE

CODES = {429: grpc.StatusCode.RESOURCE_EXHAUSTED, 503: grpc.StatusCode.UNAVAILABLE}
"""What the protocol's page on gRPC has where HTTP has a status."""


class Received:
    """What came: the ids of the spans that were taken, and how often something was refused.

    Args:
        refusals: the answers to the first requests; all later ones are taken.
    """

    def __init__(self, refusals: Sequence[int] = ()) -> None:
        self._refusals = list(refusals)
        self._changed = threading.Condition()
        self.span_ids: list[str] = []
        self.refused: list[int] = []
        self.arrived = threading.Event()
        self.answering = threading.Event()
        self.answering.set()

    def answer(self, request: ExportTraceServiceRequest) -> int:
        """200 and the spans are kept, or the refusal that is next."""
        self.arrived.set()
        assert self.answering.wait(PATIENCE)
        with self._changed:
            if self._refusals:
                self.refused.append(self._refusals.pop(0))
                return self.refused[-1]
            self.span_ids += [
                span.span_id.hex()
                for of_resource in request.resource_spans
                for of_scope in of_resource.scope_spans
                for span in of_scope.spans
            ]
            self._changed.notify_all()
            return 200

    def wait_for(self, count: int) -> list[str]:
        """The ids, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.span_ids) >= count, PATIENCE)
            return list(self.span_ids)


@contextmanager
def receiving(protocol: str, received: Received) -> Iterator[str]:
    """A receiver that runs until the block ends; the block has its HOST:PORT."""
    with _over_http(received) if protocol == "http" else _over_grpc(received) as address:
        yield address


@contextmanager
def _over_http(received: Received) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status = received.answer(ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            if status != 200:
                self.send_header("retry-after", "0")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _over_grpc(received: Received) -> Iterator[str]:
    class Service(TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:
            status = received.answer(request)
            if status != 200:
                context.abort(CODES[status], "refused by the test")
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(4))
    add_TraceServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
