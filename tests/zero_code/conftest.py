"""Programs run by `opentelemetry-instrument`, in environments made of what their users have."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from costspan.testing import LLMServer
from examples.demo_receiver import Span, SpanReceiver

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOT_MADE = "set COSTSPAN_AUTO to the folder of the environments auto and auto-bare: make auto"


class Ended(NamedTuple):
    """What a program left: its output, and the spans that arrived by OTLP."""

    stdout: str
    stderr: str
    spans: list[Span]

    def named(self, name: str) -> list[Span]:
        """The spans of one name."""
        return [span for span in self.spans if span.name == name]

    def lines(self, *words: str) -> list[str]:
        """The lines of the log that hold every word."""
        return [line for line in self.stderr.splitlines() if all(word in line for word in words)]


class Launcher:
    """Starts programs in one of the environments, against a local model provider."""

    def __init__(self, environment: Path, folder: Path, server: LLMServer) -> None:
        self.environment = environment
        self._folder = folder
        self._variables = {
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "OPENAI_BASE_URL": server.openai_url,
            "OPENAI_API_KEY": "key",
            "OPENAI_CUSTOM_HEADERS": "x-costspan-scenario: tokens=1000/100",
            "ANTHROPIC_BASE_URL": server.anthropic_url,
            "ANTHROPIC_API_KEY": "key",
            "ANTHROPIC_CUSTOM_HEADERS": "x-costspan-scenario: tokens=1000/100",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai",  # the peer; some tests want it
        }

    def run(self, program: str | Path = "app.py", *, peer: bool = False, **variables: str) -> Ended:
        """`opentelemetry-instrument python PROGRAM`, to its end, which must be a good one.

        Args:
            program: a file of this folder, or a path.
            peer: whether another maker of GenAI spans is switched on too.
            variables: of its environment, which holds no others of OTEL_* or COSTSPAN_*.
        """
        with SpanReceiver() as receiver:
            endpoint = receiver.url.removesuffix("/v1/traces")
            environ = {**self._variables, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
            if peer:
                del environ["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"]
            ended = subprocess.run(
                ["opentelemetry-instrument", "python", str(HERE / program)],
                executable=self.environment / "bin" / "opentelemetry-instrument",
                env={**environ, **variables},
                cwd=self._folder,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        assert ended.returncode == 0, ended.stderr
        return Ended(ended.stdout, ended.stderr, receiver.spans)


def _environment(name: str) -> Path:
    folder = os.environ.get("COSTSPAN_AUTO")
    if not folder or not Path(folder, name).is_dir():
        pytest.skip(NOT_MADE)
    return Path(folder, name)


@pytest.fixture(params=["auto", "auto-bare"])
def either(request: pytest.FixtureRequest, tmp_path: Path, server: LLMServer) -> Launcher:
    """Starts programs with `opentelemetry-distro` installed, and without."""
    return Launcher(_environment(request.param), tmp_path, server)


@pytest.fixture
def distro(tmp_path: Path, server: LLMServer) -> Launcher:
    """Starts programs with `opentelemetry-distro` installed."""
    return Launcher(_environment("auto"), tmp_path, server)


@pytest.fixture
def bare(tmp_path: Path, server: LLMServer) -> Launcher:
    """Starts programs without `opentelemetry-distro`."""
    return Launcher(_environment("auto-bare"), tmp_path, server)
