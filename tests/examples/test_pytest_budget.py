"""The example of budgets in pytest, as its reader runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.testing.plugin.conftest import INI, PLUGIN, loads_by_itself

EXAMPLE = Path(__file__).parents[2] / "examples" / "test_budget.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the example stands alone."""
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / EXAMPLE.name).write_text(EXAMPLE.read_text("utf-8"))
    return tmp_path


def run(folder: Path, server: LLMServer, *args: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    plugin = () if loads_by_itself() else ("-p", PLUGIN)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, *args],
        cwd=folder,
        env={
            **env,
            "OPENAI_BASE_URL": server.openai_url,
            "OPENAI_API_KEY": "key",
            "OPENAI_CUSTOM_HEADERS": "x-costspan-scenario: tokens=20/100",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_tests_pass_and_show_what_they_spent(folder: Path, server: LLMServer) -> None:
    done = run(folder, server)

    assert done.returncode == 0, done.stdout
    # gpt-5.2: 20 x 1.75 + 100 x 14 = 1,435 millionths of a dollar for each call
    assert "0.007175      5     600  test_budget.py::test_it_ends[5]" in done.stdout
    assert "0.011480      8     960  in all" in done.stdout
    assert "3 passed" in done.stdout


def test_a_total_stops_the_run(folder: Path, server: LLMServer) -> None:
    done = run(folder, server, "--llm-budget-total", "0.005")

    assert done.returncode == 1
    # Two are made; each of the two tests that go on is refused one, and fails.
    assert "0.002870 of 0.005 USD spent, 2 calls refused: the run failed" in done.stdout
    assert "BudgetExceeded: budget '--llm-budget-total 0.005' allows 0.005 USD" in done.stdout
