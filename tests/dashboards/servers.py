"""Real servers with the files of collector-config/grafana, on free ports of this machine.

The files are the committed ones. Only addresses and times are replaced, each of which must be in
them: the tests wait for seconds where the files say minutes.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dashboards.api import Prometheus
from tests.servers.running import COLLECTOR, ROOT
from tests.third_party.processes import free_port, serving

GRAFANA = ROOT / "collector-config" / "grafana"
WINDOW, SETTLED = 5, 2
"""Seconds in place of the 60 and 10 of the recording rules; every second there is a scrape."""

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

needs_prometheus = [
    pytest.mark.system,
    pytest.mark.prometheus,
    pytest.mark.skipif(
        PROMETHEUS is None, reason="Prometheus is not installed: apt-get install prometheus"
    ),
]
needs_alertmanager = pytest.mark.skipif(
    ALERTMANAGER is None,
    reason="Alertmanager is not installed: apt-get install prometheus-alertmanager",
)


def placed(file: str, folder: Path, changes: Mapping[str, str]) -> Path:
    """A copy of a committed file, with these texts replaced."""
    text = (GRAFANA / file).read_text("utf-8")
    for old, new in changes.items():
        assert old in text, f"{file} does not say {old!r}"
        text = text.replace(old, new)
    copy = folder / Path(file).name
    copy.write_text(text, "utf-8")
    return copy


@contextmanager
def collector(folder: Path) -> Iterator[tuple[str, int]]:
    """A collector; gives where it takes OTLP by HTTP, and the port that shows its metrics."""
    grpc, http, metrics = (free_port() for _ in range(3))
    config = placed(
        "collector.yaml",
        folder,
        {
            "0.0.0.0:4317": f"127.0.0.1:{grpc}",
            "0.0.0.0:4318": f"127.0.0.1:{http}",
            "0.0.0.0:8889": f"127.0.0.1:{metrics}",
            # Its metrics of itself have a port of their own, which another one may have taken.
            "service:\n": "service:\n  telemetry:\n    metrics:\n      level: none\n",
        },
    )
    with serving([COLLECTOR, "--config", str(config)], metrics, folder / "collector.log"):
        yield f"http://127.0.0.1:{http}", metrics


@contextmanager
def prometheus(
    folder: Path, target: int, job: str = "collector", alertmanager: int = 9
) -> Iterator[Prometheus]:
    """A Prometheus that scrapes `target`, records every few seconds and alerts at once."""
    assert PROMETHEUS is not None
    port, rules = free_port(), folder / "rules"
    rules.mkdir()
    _quick_rules(rules)
    config = placed(
        "prometheus.yaml",
        folder,
        {
            "_interval: 15s": "_interval: 1s",
            "/etc/prometheus/rules": str(rules),
            "alertmanager:9093": f"127.0.0.1:{alertmanager}",
            "collector:8889": f"127.0.0.1:{target}",
            "job_name: collector": f"job_name: {job}",
        },
    )
    program = [
        PROMETHEUS,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'metrics'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with serving(program, port, folder / "prometheus.log"):
        yield Prometheus(f"http://127.0.0.1:{port}")


@contextmanager
def alertmanager(folder: Path) -> Iterator[tuple[int, Path]]:
    """An Alertmanager and the receiver of its webhooks; gives its port, and what is received."""
    assert ALERTMANAGER is not None
    port, hook, received = free_port(), free_port(), folder / "received"
    config = placed(
        "alertmanager.yaml",
        folder,
        {"receiver:8080": f"127.0.0.1:{hook}", "group_wait: 30s": "group_wait: 1s"},
    )
    program = [
        ALERTMANAGER,
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    receiver = [sys.executable, str(GRAFANA / "receiver.py"), str(hook)]
    with (
        serving(receiver, hook, received),
        serving(program, port, folder / "alertmanager.log"),
    ):
        yield port, received


def _quick_rules(folder: Path) -> None:
    times = {
        "interval: 60s": f"interval: {WINDOW}s",
        "[60s]": f"[{WINDOW}s]",
        "offset 10s": f"offset {SETTLED}s",
        "offset 70s": f"offset {WINDOW + SETTLED}s",
    }
    placed("rules/recording.yaml", folder, times)
    alerts = placed("rules/alerts.yaml", folder, {"interval: 1m": "interval: 1s"})
    alerts.write_text(re.sub(r"for: \d+m", "for: 0s", alerts.read_text("utf-8")), "utf-8")
