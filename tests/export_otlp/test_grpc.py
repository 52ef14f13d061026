"""Spans leave by OTLP over gRPC and arrive whole at `rotel`, an agent of another project."""

import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from tests.export_otlp.arrived import spans_of_real_calls
from tests.instrumentation.app import run_app
from tests.third_party.processes import free_port, serving

rotel = pytest.importorskip("rotel", reason="rotel has no wheel for this platform")
pytestmark = pytest.mark.servers
AGENT = str(Path(rotel.__file__ or "").with_name("rotel-agent"))
LIBRARIES = {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}


class Agent:
    """A running agent, which logs each span in words."""

    def __init__(self, port: int, log: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._log = log

    def spans(self) -> dict[str, str]:
        """What it logged of each span, by the span's id."""
        texts = re.split(r"^Span #\d+$", self._log.read_text(), flags=re.MULTILINE)[1:]
        return {_field(text, "ID"): text for text in texts}


def _field(text: str, name: str) -> str:
    found = re.search(rf"^ *{name} *: ?(.*)$", text, re.MULTILINE)
    assert found, name
    return found[1]


def _attributes(text: str) -> dict[str, Any]:
    """The attributes, each as it is logged: `Int(5)`; doubles as numbers, however spelled."""
    lines = re.findall(
        r"^     -> ([\w.]+): (.*)$", text.partition("ResourceSpans")[0], re.MULTILINE
    )
    return {
        name: float(value[7:-1]) if value.startswith("Double(") else value for name, value in lines
    }


def _as_logged(value: Any) -> Any:
    if isinstance(value, tuple):
        return f"Slice({', '.join(map(_as_logged, value))})"
    if isinstance(value, bool):
        return f"Bool({str(value).lower()})"
    if isinstance(value, int):
        return f"Int({value})"
    return value if isinstance(value, float) else f"Str({value})"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    port, log = free_port(), tmp_path / "rotel.log"
    endpoints = {"grpc": port, "http": free_port()}
    program = [AGENT, "start", "--exporter", "blackhole"]
    program += ["--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    for protocol, at in endpoints.items():
        program += [f"--otlp-{protocol}-endpoint", f"127.0.0.1:{at}"]
    running = Agent(port, log)
    with serving(program, port, log, LIBRARIES) as server:
        yield running
        server.terminate()
        assert server.wait(20) == 0


def test_every_attribute_arrives(agent: Agent) -> None:
    """Name, ids, times, kind, status, and each attribute with its value and type."""
    exporter = OTLPSpanExporter(endpoint=agent.endpoint, insecure=True)
    made = spans_of_real_calls(exporter)
    arrived = agent.spans()

    assert arrived.keys() == made.keys()
    for span_id, span in made.items():
        text = arrived[span_id]
        expected = {name: _as_logged(value) for name, value in (span.attributes or {}).items()}
        assert _attributes(text) == expected
        assert _field(text, "Trace ID") == f"{span.context.trace_id:032x}"
        assert _field(text, "Name") == span.name
        assert _field(text, "Kind") == "SPAN_KIND_CLIENT"
        assert _field(text, "Start time") == str(span.start_time)
        assert _field(text, "End time") == str(span.end_time)
        assert _field(text, "Status code") == f"STATUS_CODE_{span.status.status_code.name}"


def test_the_private_provider_exports_too(agent: Agent) -> None:
    """An app that sets nothing but the two OTEL_EXPORTER_OTLP_* variables."""
    app = """
        from costspan import Instrumentor
        from tests.instrumentation import rig

        Instrumentor().instrument()
        with rig.openai_client(rig.answer_chat) as client:
            client.chat.completions.create(**rig.ASK)
    """
    run_app(app, OTEL_EXPORTER_OTLP_ENDPOINT=agent.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    (text,) = agent.spans().values()

    assert _field(text, "Name") == "chat gpt-4o-mini"
    assert _attributes(text)["costspan.cost.total"] == 0.00027
