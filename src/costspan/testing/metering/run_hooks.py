"""The hooks around a whole run: its budget, its workers, and the table at its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from costspan.testing.metering.table import Table, dollars

if TYPE_CHECKING:
    from costspan.testing.metering.run import Run

KEY = "costspan"
SHOWN = 10


class RunHooks:
    """One process of a run: the only one, a worker of pytest-xdist, or the controller of workers.

    Raises:
        pytest.UsageError: an option is wrong.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.total: str = config.getoption("llm_budget_total") or config.getini("llm_budget_total")
        summary = config.getoption("llm_budget_summary")
        self._shown = _shown(summary)
        self.watches_all = bool(self.total) or (summary is not None and self._shown > 0)
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._controls = self._worker is None and config.getoption("dist", "no") != "no"
        self._table = Table()
        self._folder: str | None = None
        self._spent: str | None = None
        self.run: Run | None = None
        if self.total:
            _check(self.total)

    def started(self) -> Run:
        """What counts calls; made when it is first needed."""
        if self.run is None:
            from costspan.testing.metering.run import Run

            store = None if self._worker is None else self._worker.get(KEY)
            self.run = Run(self.total or None, store)
        return self.run

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Watch everything from here on, where that was asked for."""
        if self._controls and self.total:
            self._folder = tempfile.mkdtemp(prefix="costspan-pytest-")
        elif self.watches_all and not self._controls:
            with _as_usage_error():
                self.started().on()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Gather what belongs to no test, and fail the run if its budget did not do."""
        result = yield
        rows = [] if self.run is None else self.run.rows()
        if self._worker is not None:
            session.config.workeroutput[KEY] = rows  # type: ignore[attr-defined]
        for row in rows:
            self._table.add(row)
        if self.total and self._worker is None:
            self._spent = self._spent_in_all()
            if self._table.is_over(self._spent, self.total) and session.exitstatus == 0:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.run is not None:
            self.run.close()
        return result

    def _spent_in_all(self) -> str:
        """US dollars; also of a worker that crashed, where there are workers."""
        if self._folder is None:
            return str(self._table.total["usd"])
        from costspan.testing.metering.run import spent_in

        return spent_in(self._store(self._folder), self.total)

    @staticmethod
    def _store(folder: str) -> str:
        return os.path.join(folder, "costs.db")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the run's spending is kept."""
        if self._folder is not None:
            node.workerinput[KEY] = self._store(self._folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker says at its end."""
        for row in (getattr(node, "workeroutput", None) or {}).get(KEY, ()):
            self._table.add(row)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the sums of a test, from this process or from a worker."""
        row = getattr(report, KEY, None)
        if row is not None:
            self._table.add(row)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the dearest tests, where any called, and what the run has spent."""
        lines = self._table.lines(self._shown) if self._shown else []
        if lines:
            terminalreporter.write_sep("=", "language model calls of the dearest tests")
            for line in lines:
                terminalreporter.line(line)
        if self._spent is not None:
            said = f"--llm-budget-total: {dollars(self._spent)} of {self.total} USD spent"
            if self._table.is_over(self._spent, self.total):
                said += f", {self._table.total['stopped']:,} calls refused: the run failed"
                terminalreporter.line(said, red=True, bold=True)
            else:
                terminalreporter.line(said)

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        if self.run is not None:
            self.run.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _shown(option: str | None) -> int:
    if option is None:
        return SHOWN
    if option == "off":
        return 0
    if not option.isdecimal():
        raise pytest.UsageError(
            f"--llm-budget-summary {option}: give how many tests to show, or 'off'"
        )
    return int(option)


def _check(total: str) -> None:
    with _as_usage_error():
        from costspan.testing.metering.limits import total_of

        total_of(total)


@contextmanager
def _as_usage_error() -> Iterator[None]:
    """What is wrong with a setting, said as pytest says what is wrong with an option."""
    from costspan.errors import ConfigurationError

    try:
        yield
    except ConfigurationError as fault:
        raise pytest.UsageError(str(fault)) from None
