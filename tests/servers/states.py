"""Which of the configurations in collector-config a run has tried, and how."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.running import ROOT, SHIPPED

PAGE = ROOT / "docs" / "collector.md"
BEGIN, END = "<!-- what was run -->\n", "<!-- end -->\n"
RUN, VALIDATED, NEITHER = "run end to end", "validated", "neither"
REASONS = {
    "clickhouse/collector.yaml": "needs ClickHouse's engine, which `make databases` installs",
    "clickhouse/compose.yaml": "needs Docker",
    "files/collector.yaml": "the `otlpjsonfile` receiver could not be had: with `otlp` in its "
    "place the rest is valid, and a collector takes each line of such a file as a request",
    "jaeger/compose.yaml": "needs Docker",
    "files/compose.yaml": "needs Docker",
    "gateway/compose.yaml": "needs Docker",
    "grafana/compose.yaml": "needs Docker",
    "grafana/tempo.yaml": "Tempo could not be had",
    "influxdb/collector.yaml": "the `influxdb` exporter could not be had: with another in its "
    "place the rest is valid",
    "influxdb/compose.yaml": "needs Docker",
}
"""Why some are not run by any test."""

ELSEWHERE = ("grafana/alertmanager.yaml", "grafana/prometheus.yaml")
"""Run by tests/dashboards, with what they belong to."""


def configurations() -> list[str]:
    """The YAML files of the folders that are tried here."""
    folders = {Path(name).parent for name in REASONS}
    return sorted(
        path.relative_to(SHIPPED).as_posix()
        for folder in folders
        for path in (SHIPPED / folder).glob("*.yaml")
        if path.relative_to(SHIPPED).as_posix() not in ELSEWHERE
    )


def loaded(name: str) -> Any:
    return yaml.safe_load((SHIPPED / name).read_text())


class States:
    """Gathers, out of the tests that passed, what `runs` and `validates` say of each file."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Have each report carry what its test runs or validates."""
        for item in items:
            for mark, state in (("validates", VALIDATED), ("runs", RUN)):
                names = [one.args[0] for one in item.iter_markers(mark)]
                item.user_properties += [(name, state) for name in names]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        if report.when == "call" and report.passed:
            for name, state in report.user_properties:
                if self._found.get(name) != RUN:
                    self._found[name] = str(state)

    def table(self) -> str:
        """The files, each with what became of it, as Markdown."""
        rows = ["| file in collector-config | in this run | why not more |", "|---|---|---|"]
        for name in configurations():
            state = self._found.get(name, NEITHER)
            why = "" if state == RUN else REASONS.get(name, "what it needs was not there")
            rows.append(f"| `{name}` | {state} | {why} |")
        return "\n".join(rows) + "\n"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table, and with WRITE_DOCS=1 put it on its page."""
        if not self._found:
            return
        terminalreporter.write_line(self.table())
        if os.environ.get("WRITE_DOCS"):
            head, _, rest = PAGE.read_text().partition(BEGIN)
            tail = rest.partition(END)[2]
            PAGE.write_text(f"{head}{BEGIN}{self.table()}{END}{tail}")
