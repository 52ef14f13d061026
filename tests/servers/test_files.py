"""The lines that JsonlSpanExporter writes, each as the body of a request to a real collector."""

import json
import urllib.request
from pathlib import Path

import pytest

from costspan import JsonlSpanExporter, LocalFiles
from tests.export_otlp.arrived import spans_of_real_calls
from tests.servers.arrived import awaited_spans, typed
from tests.servers.running import Server, needs_collector

pytestmark = needs_collector


def taken(collector: Server, line: bytes) -> bytes:
    """The answer to a line that was sent; an HTTP error where it is refused."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{collector.http}/v1/traces", line, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


@pytest.mark.validates("files/collector.yaml")
def test_every_line_is_read_and_every_span_arrives(collector: Server, tmp_path: Path) -> None:
    """Also those without spans, which an audited file begins and ends with."""
    files = LocalFiles(tmp_path / "logs", audit_key="k" * 32)
    made = spans_of_real_calls(JsonlSpanExporter(files))
    (path,) = (tmp_path / "logs").glob("otlp_trace_*.jsonl")
    lines = path.read_bytes().splitlines()
    assert any(not json.loads(line).get("resourceSpans") for line in lines)

    for line in lines:
        assert json.loads(taken(collector, line)) == {"partialSuccess": {}}

    arrived = {span.span_id: span for span in awaited_spans(collector.spans_path, len(made))}
    assert {one: typed(span.attributes) for one, span in arrived.items()} == {
        one: typed(span.attributes or {}) for one, span in made.items()
    }
