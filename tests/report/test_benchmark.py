"""The benchmark of reports: its files are of calls, and costspan and jq find the same in them."""

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.report.query import Question, ask
from tests.benchmarks import reported


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(("lean", "size"), [(False, 1216), (True, 412)])
def test_costspan_and_jq_find_the_same(tmp_path: Path, lean: bool, size: int):
    paths = reported.written(tmp_path, 12_000, lean=lean)
    assert round(sum(path.stat().st_size for path in paths) / 12_000) == size

    report = ask(Question([tmp_path], ("agent",)))
    command = ["jq", "-n", "-c", reported._JQ, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert report.total.calls == 12_000
    assert report.passed_over.lines == 0
    found = {row.keys[0] or "-": float(row.figures.cost_usd) for row in report.rows}
    assert len(found) == 6
    assert json.loads(done.stdout) == pytest.approx(found)
    assert report.total.cost_usd == sum(
        (Decimal(row.figures.cost_usd) for row in report.rows), Decimal(0)
    )
