"""The page of waste: its tables hold what the code holds."""

import json
from pathlib import Path

from costspan.report.waste import render, rules
from costspan.report.waste.query import Wasted
from tests.report.waste.test_rules import wasted
from tests.test_docs import TEXTS, first_cells


def test_the_figures():
    assert first_cells("waste.md", "figure") == list(Wasted().as_dict())


def test_the_keys_of_the_json(tmp_path: Path):
    found = json.loads(render.as_json(wasted(tmp_path)))
    assert first_cells("waste.md", "key") == list(found)


def test_the_rules_in_their_order():
    assert first_cells("waste.md", "rule") == list(rules.CLASSES)


def test_the_bounds_of_the_rules():
    text = " ".join(TEXTS["waste.md"].split())
    assert f"{rules.LEAST_PREFIX:,} input tokens" in text
    assert (rules.REPEATED_WITHIN, rules.CACHE_LASTS) == (
        "INTERVAL 10 MINUTES",
        "INTERVAL 5 MINUTES",
    )
    assert "at most ten minutes later" in text
    assert "at most five minutes before" in text
    assert all(f"`{word}`" in text for word in rules._LIMITS)
