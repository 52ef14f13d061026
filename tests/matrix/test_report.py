"""A run that loses cells fails; a part that was asked for does not."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.matrix import report
from tests.matrix.report import MatrixReport, committed, mode

CELL = "tests/matrix/test_matrix.py::test_cell[one]"


def config(**option: Any) -> Any:
    """A configuration in which nothing was asked for but `option`."""
    asked = {"keyword": "", "markexpr": "", "deselect": None, "maxfail": 0, **option}
    return SimpleNamespace(option=SimpleNamespace(**asked), args=["tests"])


def ran(cells: int, nodeid: str = CELL, when: str = "call") -> MatrixReport:
    """A report of so many cells."""
    made = MatrixReport()
    for number in range(cells):
        outcome = "failed" if number == 0 else "passed"
        phase: Any = SimpleNamespace(nodeid=nodeid, when=when, outcome=outcome)
        made.pytest_runtest_logreport(phase)
    return made


@pytest.fixture(autouse=True)
def two_are_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "committed", lambda pair: 2)


def test_fewer_cells_than_committed_fail_the_run() -> None:
    """Cells that vanish would otherwise go unnoticed; a cell that failed was run."""
    assert "1 cells were run, 2 are committed" in str(ran(1).shortfall(config()))
    assert ran(2).shortfall(config()) is None
    assert ran(3).shortfall(config()) is None


def test_a_shortfall_is_the_exit_status() -> None:
    """The run ends as failed, though every test in it passed."""
    session: Any = SimpleNamespace(config=config(), exitstatus=pytest.ExitCode.OK)
    ran(2).pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.OK
    ran(1).pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("asked", [{"keyword": "sync"}, {"maxfail": 1}, {"lf": True}])
def test_a_part_that_was_asked_for_is_no_shortfall(asked: dict[str, Any]) -> None:
    """Who runs a few cells wants to see those."""
    assert ran(1).shortfall(config(**asked)) is None


def test_only_cells_count() -> None:
    """Neither other tests nor the phases around a cell do."""
    assert ran(5, nodeid="tests/matrix/test_report.py::test_one").run == 0
    assert ran(5, when="setup").run == 0
    assert ran(0).shortfall(config()) is None


@pytest.mark.parametrize(("value", "meant"), [("", "pairwise"), ("all", "all")])
def test_the_mode_is_a_variable(monkeypatch: Any, value: str, meant: str) -> None:
    """Unset or empty is the cover."""
    monkeypatch.setenv("COSTSPAN_MATRIX", value)
    assert mode() == meant


def test_a_misspelt_mode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would run the cover unnoticed."""
    monkeypatch.setenv("COSTSPAN_MATRIX", "full")
    with pytest.raises(pytest.UsageError, match="COSTSPAN_MATRIX=full"):
        mode()


def test_every_pair_of_the_matrix_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row of `make matrix` is held to one."""
    monkeypatch.setenv("COSTSPAN_MATRIX", "all")
    for pair in (
        "openai 1.109.1, anthropic 0.93.0",
        "openai 2.54.0, anthropic 1.17.0",
        "openai 3.54.0, anthropic 2.12.0",
    ):
        assert (committed(pair) or 0) > 3000
    assert committed("openai 9.0.0, anthropic 9.0.0") is None
