"""What a run of the matrix prints at its end, and the number of cells below which it fails.

Loaded from the top, so that under xdist the controller has it: it gathers the workers' reports.
"""

import os
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

MODE = "COSTSPAN_MATRIX"
MODES = ("pairwise", "all")
_COUNTS = Path(__file__).with_name("counts.toml")
_FILE = "tests/matrix/test_matrix.py::test_cell["


def mode() -> str:
    """Which cells a run takes: `all`, or by default the `pairwise` cover."""
    chosen = os.environ.get(MODE) or MODES[0]
    if chosen not in MODES:
        raise pytest.UsageError(f"{MODE}={chosen}: use one of {', '.join(MODES)}")
    return chosen


def installed_pair() -> str:
    """The pair of SDK versions that is installed, as `counts.toml` names it."""
    import anthropic
    import openai

    return f"openai {openai.__version__}, anthropic {anthropic.__version__}"


def committed(pair: str) -> int | None:
    """The least number of cells that a whole run must have run; None for a pair of no record."""
    numbers = tomllib.loads(_COUNTS.read_text("utf-8"))
    return numbers.get(pair, {}).get(mode())


class MatrixReport:
    """Counts the cells that were run, and says so."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        if report.when == "call" and report.nodeid.startswith(_FILE):
            self.outcomes[report.outcome] += 1

    @property
    def run(self) -> int:
        """Cells that were run, whatever came out."""
        return self.outcomes["passed"] + self.outcomes["failed"]

    def shortfall(self, config: pytest.Config) -> str | None:
        """In words, how a whole run fell short of the committed number."""
        least = committed(installed_pair()) if self.run and not is_partial(config) else None
        if least is None or self.run >= least:
            return None
        return f"{self.run} cells were run, {least} are committed in {_COUNTS.name}"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that lost cells."""
        if not is_worker(session.config) and self.shortfall(session.config):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Cells run, impossible and skipped."""
        if not self.run:
            return
        from tests.matrix.cells import matrix

        whole = matrix()
        write = terminalreporter.write_line
        terminalreporter.section("matrix")
        write(f"{installed_pair()}: {self.run} of {len(whole.cells)} cells run ({mode()})")
        for title, reasons in (("impossible", whole.impossible), ("skipped", whole.skipped)):
            write(f"{title}: {sum(reasons.values())}")
            for reason, number in sorted(reasons.items(), key=lambda pair: -pair[1]):
                write(f"{number:8} {reason}")
        shortfall = self.shortfall(config)
        if shortfall:
            write(f"FAILED: {shortfall}", red=True)


def is_worker(config: pytest.Config) -> bool:
    """Whether this is one of xdist's workers rather than the run itself."""
    return hasattr(config, "workerinput")


def is_partial(config: pytest.Config) -> bool:
    """Whether a part of the tests was asked for, so that the number says nothing."""
    option = config.option
    chosen = [option.keyword, option.markexpr, option.deselect, option.maxfail]
    chosen += [getattr(option, name, None) for name in ("lf", "failedfirst", "stepwise")]
    return any(chosen) or any("::" in argument for argument in config.args)


def pytest_configure(config: pytest.Config) -> None:
    """Have one report a run."""
    config.pluginmanager.register(MatrixReport(), "costspan-matrix-report")
