"""`opentelemetry-instrument python app.py`, really run: costspan as one of its instrumentations."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.instrumentation.app import Ran, run_app

PROGRAM = Path(sys.executable).with_name("opentelemetry-instrument")
NO_DISTRO = "opentelemetry-distro is not in this environment: pip install 'costspan[auto]'"
EXPORTERS = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
APP = """
import json
from opentelemetry import trace
from tests.instrumentation import rig

client = rig.openai_client(rig.answer_chat)
client.chat.completions.create(**rig.ASK)
from costspan import Instrumentor

costs = Instrumentor().costs
print(json.dumps([costs and str(costs.summary().cost_usd), Instrumentor().destination]))
"""


def run(**variables: str) -> Ran:
    return run_app(APP, str(PROGRAM), sys.executable, "-W", "error", **EXPORTERS, **variables)


def test_costspan_is_on_before_the_app_starts() -> None:
    """The entry point is found and loaded; the app knows nothing of it."""
    ran = run(OTEL_TRACES_EXPORTER="none")

    assert float(ran.said[0]) == 0.00027


def test_the_environment_sets_it_up(tmp_path: Path) -> None:
    """Settings come from COSTSPAN_* variables."""
    run(OTEL_TRACES_EXPORTER="none", COSTSPAN_LOCAL=str(tmp_path))

    (file,) = tmp_path.iterdir()
    assert file.read_text().count("\n") == 1


def test_a_wrong_setting_keeps_costspan_off_and_the_app_running() -> None:
    """One ERROR line, and the app's call works unseen."""
    ran = run(OTEL_TRACES_EXPORTER="none", COSTSPAN_CAPTURE_CONTENT="sometimes")

    assert ran.said == [None, "nowhere: not instrumented"]
    assert ran.stderr.count("costspan stays off: capture_content='sometimes'") == 1
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(importlib.util.find_spec("opentelemetry.distro") is None, reason=NO_DISTRO)
def test_spans_go_to_the_provider_of_the_distro() -> None:
    """The distro sets a global provider, and spans go there."""
    ran = run(OTEL_TRACES_EXPORTER="none")

    assert ran.said[1] == "the app's global TracerProvider"
