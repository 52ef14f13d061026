"""Where spans go: to the provider that was given, to the app's own, else to a private one.

Each of these can be tried only once in a process, so the app runs in one of its own.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.instrumentation.app import run_app
from tests.instrumentation.rig import (
    ASK,
    PATIENCE,
    answer_chat,
    openai_client,
    watched,
)

APP = """
import json, logging, sys
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
from opentelemetry import trace
from costspan import Instrumentor
from tests.instrumentation import rig

spans, client = rig.Spans(), rig.openai_client(rig.answer_chat)

def set_provider():
    trace.set_tracer_provider(rig.provider_into(spans))

def call():
    return client.chat.completions.create(**rig.ASK).id

def done():
    names = [span.name for span in spans.all()]
    kind = type(trace.get_tracer_provider()).__name__
    costs = Instrumentor().costs.summary()
    print(json.dumps([names, kind, costs.calls, str(costs.cost_usd), Instrumentor().destination]))

"""
ORDERS = {
    "before instrument()": ("set_provider(); Instrumentor().instrument(); call(); call()", 2),
    "before the first call": ("Instrumentor().instrument(); set_provider(); call(); call()", 2),
    "after the first call": ("Instrumentor().instrument(); call(); set_provider(); call()", 1),
}


class Receiver:
    """Takes OTLP over HTTP and keeps the names of the spans that came."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.came = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.names += [span.name for span in scope.spans]
        self.came.set()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.05,))
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


class TestAppsOwn:
    @pytest.mark.parametrize("order", ORDERS)
    def test_is_used_whenever_it_is_set(self, order: str) -> None:
        """The app's provider gets every span from then on; each call is counted in any case."""
        steps, seen = ORDERS[order]
        ran = run_app(f"{APP}{steps}; done()")

        names, kind, calls, cost, destination = ran.said
        assert names == ["chat gpt-4o-mini"] * seen
        assert (kind, calls, float(cost)) == ("TracerProvider", 2, 0.00054)
        assert destination == "the app's global TracerProvider"
        assert ran.stderr.count("INFO costspan ") == (0 if seen == 2 else 1)


class TestNone:
    def test_a_private_provider_serves_and_one_line_says_so(self) -> None:
        """Nothing global is set; one INFO line names what to set; the calls are counted."""
        ran = run_app(f"{APP}Instrumentor().instrument(); call(); call(); call(); done()")

        names, kind, calls, _, destination = ran.said
        assert (names, kind, calls) == ([], "ProxyTracerProvider", 3)
        assert destination.endswith("no exporter")
        (line,) = [line for line in ran.stderr.splitlines() if " costspan " in line]
        assert line.startswith("INFO costspan ")
        assert "set_tracer_provider" in line
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in line

    def test_nothing_is_said_before_the_first_call(self) -> None:
        """`instrument()` leaves the app time to set its own."""
        ran = run_app(f"{APP}Instrumentor().instrument(); print(json.dumps(1))")

        assert ran.stderr == ""

    @pytest.mark.parametrize(
        "variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    )
    def test_an_otlp_endpoint_in_the_environment_is_exported_to(
        self, receiver: Receiver, variable: str
    ) -> None:
        """The private provider exports there, and everything has left when the app has ended."""
        port = receiver.server.server_port
        path = "/v1/traces" if "TRACES" in variable else ""
        ran = run_app(
            f"{APP}Instrumentor().instrument(); call(); call(); done()",
            **{variable: f"http://127.0.0.1:{port}{path}"},
        )

        assert receiver.came.wait(PATIENCE)
        assert receiver.names == ["chat gpt-4o-mini"] * 2
        assert ran.said[1] == "ProxyTracerProvider"
        assert f"OTLP to http://127.0.0.1:{port}" in ran.stderr

    def test_an_exporter_that_cannot_be_made_costs_the_spans_alone(self) -> None:
        """The SDK's exporter refuses what a variable says: one ERROR line, and calls count."""
        ran = run_app(
            f"{APP}Instrumentor().instrument(); call(); call(); done()",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
            OTEL_EXPORTER_OTLP_COMPRESSION="lzw",
        )

        assert ran.said[2:4] == [2, "0.000540000000"]
        (line,) = [line for line in ran.stderr.splitlines() if line.startswith("ERROR ")]
        assert "cannot make the OTLP exporter" in line
        assert "OTEL_EXPORTER_OTLP_COMPRESSION" in line

    def test_an_exporter_that_is_switched_off_stays_off(self, receiver: Receiver) -> None:
        """`OTEL_TRACES_EXPORTER=none` outweighs an endpoint that other signals may use."""
        port = receiver.server.server_port
        run_app(
            f"{APP}Instrumentor().instrument(); call(); done()",
            OTEL_TRACES_EXPORTER="none",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
        )

        assert receiver.names == []


class TestGiven:
    def test_is_used_and_nothing_global_is_touched(self) -> None:
        """`tracer_provider=` gets the spans even where the app has a global one."""
        ran = run_app(
            APP
            + """
set_provider()
mine = rig.Spans()
Instrumentor().instrument(tracer_provider=rig.provider_into(mine))
call()
print(json.dumps([len(mine.all()), len(spans.all()), Instrumentor().destination]))
"""
        )

        assert ran.said == [1, 0, "the tracer_provider that was given to instrument()"]

    def test_the_global_one_stays_unset(self) -> None:
        """Never is a provider set for the app."""
        before = trace.get_tracer_provider()
        with watched() as spans, openai_client(answer_chat) as client:
            client.chat.completions.create(**ASK)
            spans.one()

        assert trace.get_tracer_provider() is before


class TestDisabled:
    @pytest.mark.parametrize("steps", ["set_provider(); ", ""])
    def test_otel_sdk_disabled_means_no_spans_but_counted_calls(
        self, steps: str, tmp_path: Path
    ) -> None:
        """`OTEL_SDK_DISABLED=true`: the app works, nothing is exported, costs and lines stand."""
        ran = run_app(
            f"{APP}{steps}Instrumentor().instrument(local={str(tmp_path)!r}); call(); done()",
            OTEL_SDK_DISABLED="true",
        )

        names, _, calls, cost, _ = ran.said
        assert (names, calls, float(cost)) == ([], 1, 0.00027)
        (file,) = tmp_path.iterdir()
        line: Any = json.loads(file.read_text())
        assert (line["cost_usd"], line["input_tokens"]) == (0.00027, 1000)
        assert line["trace_id"] is None
