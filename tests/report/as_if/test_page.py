"""The page of `--as-if`: its tables hold what the code holds."""

import json
from pathlib import Path

from costspan.report.as_if import render
from costspan.report.as_if.query import Compared, as_dict
from tests.report.as_if.settled import compared
from tests.test_docs import first_cells


def test_the_figures():
    assert first_cells("as-if.md", "figure") == list(as_dict(Compared()))


def test_the_keys_of_the_json(tmp_path: Path):
    found = json.loads(render.as_json(compared(tmp_path, [], "half")))
    assert first_cells("as-if.md", "key") == list(found)


def test_the_reasons():
    listed = first_cells("as-if.md", "`reason` in `--json`")
    assert set(listed) == set(render.REASONS)
