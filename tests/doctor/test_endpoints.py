"""The endpoint of spans is asked with an empty export, and what it says is said."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as wire
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from costspan.doctor import endpoints
from tests.otlp_receiver import Receiver, receiving
from tests.third_party.processes import free_port


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def asked(exporter: object) -> endpoints.Heard:
    (heard,) = endpoints.heard([exporter])
    return heard


def test_an_empty_export_with_the_exporters_own_path_and_headers(receiver: Receiver) -> None:
    url = f"{receiver.url}/otel/v1/traces"

    finding = asked(HttpExporter(url, headers={"x-api-key": "k-1"})).finding

    assert (finding.severity, finding.remedy) == ("ok", None)
    assert finding.text == f"{url} answers HTTP 200 to an empty export"
    (request,) = receiver.received
    assert (request.path, request.body) == ("/otel/v1/traces", b"")
    assert request.headers["x-api-key"] == "k-1"
    assert request.headers["content-type"] == "application/x-protobuf"


@pytest.mark.parametrize(
    ("status", "severity", "word"),
    [
        (400, "note", "empty export"),
        (401, "error", "HEADERS"),
        (403, "error", "HEADERS"),
        (404, "error", "/v1/traces"),
        (429, "warning", "log"),
        (503, "warning", "log"),
        (302, "error", "redirects"),
    ],
)
def test_a_refusal(receiver: Receiver, status: int, severity: str, word: str) -> None:
    receiver.status = status
    receiver.headers["Location"] = f"{receiver.url}/elsewhere"

    finding = asked(HttpExporter(f"{receiver.url}/v1/traces")).finding

    assert finding.severity == severity
    assert f"HTTP {status}" in finding.text
    assert word in f"{finding.text} {finding.remedy}"
    assert [request.path for request in receiver.received] == ["/v1/traces"]


def test_a_user_in_the_address(receiver: Receiver) -> None:
    host = receiver.url.removeprefix("http://")

    finding = asked(HttpExporter(f"http://me:p%40w@{host}/v1/traces")).finding

    assert finding.severity == "ok"
    assert "p%40w" not in finding.text
    (request,) = receiver.received
    assert request.headers["authorization"] == "Basic bWU6cEB3"


def test_nobody_listens() -> None:
    finding = asked(HttpExporter(f"http://user:pw@127.0.0.1:{free_port()}/v1/traces")).finding

    assert finding.severity == "error"
    assert "does not answer (ConnectionRefusedError)" in finding.text
    assert "pw" not in finding.text


def test_its_clock(receiver: Receiver) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    receiver.date = format_datetime(later, usegmt=True)

    ahead = asked(HttpExporter(f"{receiver.url}/v1/traces")).ahead

    assert ahead == pytest.approx(3600, abs=30)


def test_a_date_that_is_none(receiver: Receiver) -> None:
    receiver.date = "yesterday"

    assert asked(HttpExporter(f"{receiver.url}/v1/traces")).ahead is None


def test_an_exporter_without_an_endpoint() -> None:
    assert asked(ConsoleSpanExporter()).finding.text == "ConsoleSpanExporter, which is not asked"


class Traces(service.TraceServiceServicer):
    """Takes exports that have the key."""

    def Export(self, request: wire.ExportTraceServiceRequest, context: grpc.ServicerContext):
        if ("x-api-key", "k-1") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no key")
        return wire.ExportTraceServiceResponse()


@pytest.fixture
def grpc_address() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1))
    service.add_TraceServiceServicer_to_server(Traces(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize(
    ("key", "severity", "said"),
    [("k-1", "ok", "answers OK to an empty export"), ("k-2", "error", "answers UNAUTHENTICATED")],
)
def test_grpc(grpc_address: str, key: str, severity: str, said: str) -> None:
    exporter = GrpcExporter(f"http://{grpc_address}", headers={"x-api-key": key})

    finding = asked(exporter).finding

    exporter.shutdown()
    assert (finding.severity, finding.text) == (severity, f"grpc://{grpc_address} {said}")


def test_grpc_where_nobody_listens() -> None:
    exporter = GrpcExporter(f"http://127.0.0.1:{free_port()}")

    finding = asked(exporter).finding

    exporter.shutdown()
    assert finding.severity == "error"
    assert "does not answer" in finding.text
