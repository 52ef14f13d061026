"""A collector or a Jaeger as a process, with a configuration, on free ports of this machine."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.third_party.processes import PATIENCE, free_port

ROOT = Path(__file__).parents[2]
CONFIGS = Path(__file__).with_name("configs")
SHIPPED = ROOT / "collector-config"

COLLECTOR = os.environ.get("COSTSPAN_COLLECTOR", "")
JAEGER = os.environ.get("COSTSPAN_JAEGER", "")
needs_collector = [
    pytest.mark.system,
    pytest.mark.collector,
    pytest.mark.skipif(
        not Path(COLLECTOR).is_file(),
        reason="COSTSPAN_COLLECTOR names no collector: make parts, then make servers",
    ),
]
needs_jaeger = [
    pytest.mark.system,
    pytest.mark.jaeger,
    pytest.mark.skipif(
        not Path(JAEGER).is_file(),
        reason="COSTSPAN_JAEGER names no Jaeger: make parts, then make servers",
    ),
]

Found = TypeVar("Found")


def awaited(look: Callable[[], Found | None], what: str, patience: float = PATIENCE) -> Found:
    """What `look` finds, as soon as it finds something; another process tells in no other way."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.05)
    raise AssertionError(f"in {patience:g} s there was no {what}")


class Server:
    """One server with its configuration; it can be killed and started again where it was.

    Args:
        program: the collector or Jaeger.
        config: its YAML.
        folder: where it may write.
        environ: what the configuration reads, beside the ports, which each server has of its own.
    """

    def __init__(
        self, program: str, config: Path, folder: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self._words = [program, f"--config={config}"]
        self._log = folder / "log"
        self.spans_path = folder / "spans.jsonl"
        names = ("OTLP_GRPC", "OTLP_HTTP", "JAEGER_HTTP", "JAEGER_GRPC", "PROMETHEUS", "HEALTH")
        self.at = {name: f"127.0.0.1:{free_port()}" for name in names}
        self.environ = {
            **os.environ,
            **self.at,
            "SPANS_PATH": str(self.spans_path),
            "QUEUE_FOLDER": str(folder / "queue"),
            "STATE_FOLDER": str(folder / "state"),
            "TRACES_FOLDER": str(folder / "traces"),
            "OWN_METRICS_HOST": "127.0.0.1",
            "OWN_METRICS_PORT": str(free_port()),
            **(environ or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        """Where it takes OTLP over HTTP."""
        return f"http://{self.at['OTLP_HTTP']}"

    @property
    def grpc(self) -> str:
        """Where it takes OTLP over gRPC."""
        return f"http://{self.at['OTLP_GRPC']}"

    @property
    def own_metrics(self) -> str:
        """Where it tells of itself, if its configuration says so."""
        return f"http://127.0.0.1:{self.environ['OWN_METRICS_PORT']}/metrics"

    def start(self) -> None:
        """Run it; returns when it takes OTLP."""
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                self._words, stdout=out, stderr=subprocess.STDOUT, env=self.environ
            )
        awaited(self._listens, f"server that listens: {self._words}\n{self.log()}")

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        return all(_open(self.at[name]) for name in ("OTLP_GRPC", "OTLP_HTTP"))

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def stop(self) -> None:
        """End it as an operator does; harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def _end(self, by: int) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(by)
            process.wait(PATIENCE)


def _open(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server until the block ends."""
    server.start()
    try:
        yield server
    finally:
        server.stop()
