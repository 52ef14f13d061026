"""Counts what a run passed by what it needs, and fails a whole run that lost some.

Loaded from the top, so that under xdist the controller has it: it gathers the workers' reports.
"""

import os
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.matrix.report import is_partial, is_worker

_COMMITTED = Path(__file__).with_name("counts.toml")


_WHOLE = ["tests"]
_SERVERS = (_WHOLE, ["tests/servers", "tests/databases"])
PARTS = {
    "aimock": (_WHOLE, ["tests/third_party"]),
    "redis": (_WHOLE,),
    "postgres": (_WHOLE,),
    "chromium": (_WHOLE, ["tests/report/page"]),
    "jaeger": _SERVERS,
    "collector": _SERVERS,
    "prometheus": (_WHOLE, ["tests/dashboards"]),
}
"""System parts, each with the runs that hold its number where it was started."""
NEEDS = ("recordings", *PARTS, "system")
_NEED = "need"


class Counts:
    """The tests that passed, by need: `pypi`, `recordings`, a system part or another `system`."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tell by its marks what a test needs: its keywords may be a parameter's name, too."""
        marked = (need for need in NEEDS if item.get_closest_marker(need))
        item.user_properties.append((_NEED, next(marked, "pypi")))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        if report.when == "call" and report.passed:
            self.passed[str(dict(report.user_properties)[_NEED])] += 1

    def shortfalls(self, config: pytest.Config) -> list[str]:
        """In words, what a run fell short of; nothing is asked of a run of a part."""
        committed = tomllib.loads(_COMMITTED.read_text("utf-8"))
        asked = {
            "pypi": not is_partial(config) and config.args == config.getini("testpaths"),
            "recordings": not is_partial(config)
            and config.args == config.getini("testpaths")
            and "COSTSPAN_RECORDINGS" in os.environ,
        }
        for part, homes in PARTS.items():
            asked[part] = self.passed[part] > 0 and not is_partial(config) and config.args in homes
        least = {need: committed.get(need, 0) for need, is_asked in asked.items() if is_asked}
        return [
            f"{self.passed[need]} tests passed that need {need}, {number} are committed"
            for need, number in least.items()
            if self.passed[need] < number
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that lost tests."""
        if not is_worker(session.config) and self.shortfalls(session.config):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """The numbers, and what they fell short of."""
        found = ", ".join(f"{number} {need}" for need, number in sorted(self.passed.items()))
        terminalreporter.write_line(f"passed by need: {found}")
        for shortfall in self.shortfalls(config):
            terminalreporter.write_line(f"FAILED: {shortfall} in {_COMMITTED.name}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Have one count a run."""
    config.pluginmanager.register(Counts(), "costspan-counts")
