"""`rotel`, an agent of another project, as a process that logs in words each span it receives."""

import re
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from tests.third_party.processes import free_port, serving

rotel = pytest.importorskip("rotel", reason="rotel has no wheel for this platform")
AGENT = str(Path(rotel.__file__ or "").with_name("rotel-agent"))
LIBRARIES = {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}


class Agent:
    """A running agent: where it listens for OTLP, by protocol, and what it logged."""

    def __init__(self, ports: Mapping[str, int], log: Path) -> None:
        self.endpoints = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        self._log = log

    def spans(self) -> dict[str, str]:
        """What it logged of each span, by the span's id."""
        texts = re.split(r"^Span #\d+$", self._log.read_text(), flags=re.MULTILINE)[1:]
        return {field(text, "ID"): text for text in texts}

    def assert_has(self, made: Mapping[str, ReadableSpan]) -> None:
        """Name, ids, times, kind, status, and each attribute with its value and type."""
        arrived = self.spans()
        assert arrived.keys() == made.keys()
        for span_id, span in made.items():
            text = arrived[span_id]
            expected = {name: _as_logged(value) for name, value in (span.attributes or {}).items()}
            assert attributes(text) == expected
            assert field(text, "Trace ID") == f"{span.context.trace_id:032x}"
            assert field(text, "Name") == span.name
            assert field(text, "Kind") == "SPAN_KIND_CLIENT"
            assert field(text, "Start time") == str(span.start_time)
            assert field(text, "End time") == str(span.end_time)
            assert field(text, "Status code") == f"STATUS_CODE_{span.status.status_code.name}"


def field(text: str, name: str) -> str:
    """One field of a logged span."""
    found = re.search(rf"^ *{name} *: ?(.*)$", text, re.MULTILINE)
    assert found, name
    return found[1]


def attributes(text: str) -> dict[str, Any]:
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
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-15)  # rotel reads JSON's doubles to the last bit but one
    return f"Str({value})"


@contextmanager
def running_agent(folder: Path) -> Iterator[Agent]:
    """An agent that runs until the block ends."""
    ports, log = {"grpc": free_port(), "http": free_port()}, folder / "rotel.log"
    program = [AGENT, "start", "--exporter", "blackhole"]
    program += ["--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    for protocol, port in ports.items():
        program += [f"--otlp-{protocol}-endpoint", f"127.0.0.1:{port}"]
    with serving(program, ports["http"], log, LIBRARIES) as server:
        yield Agent(ports, log)
        server.terminate()
        assert server.wait(20) == 0
