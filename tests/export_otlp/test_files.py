"""Lines of `JsonlSpanExporter` are OTLP as others read it: sent as they are, they arrive whole."""

from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from costspan import JsonlSpanExporter
from tests.export_otlp.agent import running_agent
from tests.export_otlp.arrived import spans_of_real_calls

pytestmark = pytest.mark.servers


def test_every_attribute_arrives(tmp_path: Path) -> None:
    """A line of a file has the form of an OTLP/HTTP request in JSON."""
    made = spans_of_real_calls(JsonlSpanExporter(tmp_path / "logs"))
    (path,) = (tmp_path / "logs").iterdir()
    with running_agent(tmp_path) as agent:
        for line in path.read_bytes().splitlines():
            request = Request(
                f"{agent.endpoints['http']}/v1/traces",
                data=line,
                headers={"Content-Type": "application/json"},
            )
            with urlopen(request, timeout=30) as answer:
                assert answer.status == 200
    agent.assert_has(made)  # it has written its whole log when it has ended
