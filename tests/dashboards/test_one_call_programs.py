"""Ten programs that make one call each and end: their dollars are on the panel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.dashboards.api import PATIENCE
from tests.dashboards.made import query_of
from tests.dashboards.servers import ROOT, collector, needs_prometheus, prometheus
from tests.servers.running import needs_collector

pytestmark = [*needs_prometheus, *needs_collector]

PROGRAMS = 10
SPENT = query_of("costspan-spend", "Spent").expr


def run_programs(endpoint: str) -> None:
    """Run them, one after another or side by side as the machine has it."""
    subprocess.run(
        [sys.executable, "-m", "tests.dashboards.one_call_programs", endpoint, str(PROGRAMS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        timeout=PATIENCE,
        check=True,
    )


def test_ten_programs_of_one_call(tmp_path: Path) -> None:
    """0.25 USD each. increase() shows none of it: no series of theirs ever grows."""
    with collector(tmp_path) as (endpoint, port), prometheus(tmp_path, port) as asked:
        run_programs(endpoint)
        asked.wait("sum(costspan_cost_USD_total)", 0.25 * PROGRAMS)

        asked.wait(SPENT, 2.5)
        assert asked.number("count(costspan_cost_USD_total)") == PROGRAMS
        assert asked.number("sum(increase(costspan_cost_USD_total[1h]))") in (None, 0.0)
