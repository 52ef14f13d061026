"""The page of one trace: its tables hold what the code holds."""

import json
from pathlib import Path

from costspan.report.traces import drawn
from costspan.report.traces.finding import find
from costspan.report.traces.tree import tree_of
from tests.report.folders import line, write
from tests.test_docs import first_cells


def test_the_keys_of_the_json(tmp_path: Path):
    write(tmp_path, line(trace_id="a" * 32, span_id="b" * 16))
    found = json.loads(drawn.as_json(tree_of(find("aaaa", [tmp_path])), 1))
    assert first_cells("show.md", "key") == list(found)
    assert first_cells("show.md", "key of a span") == list(found["spans"][0])
