"""The committed dashboards: made by the committed code, whole, and laid out."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.made import PAGES, panels, queries
from tests.dashboards.servers import GRAFANA

ALL = [(page, panel) for page in PAGES for panel in panels(page)]
EACH_PANEL = pytest.mark.parametrize(
    "panel", [panel for _, panel in ALL], ids=[f"{page}/{panel['title']}" for page, panel in ALL]
)
RECORDED = set(
    re.findall(r"- record: (\S+)", (GRAFANA / "rules" / "recording.yaml").read_text("utf-8"))
)


def test_they_are_what_the_code_makes(tmp_path: Path) -> None:
    """`make dashboards` changes nothing."""
    subprocess.run([sys.executable, str(GRAFANA / "source"), str(tmp_path)], check=True)
    made = {file.relative_to(tmp_path) for file in tmp_path.rglob("*.*")}

    assert {str(file) for file in made} == {
        *(f"dashboards/{page}.json" for page in PAGES),
        "rules/recording.yaml",
    }
    for file in made:
        assert (tmp_path / file).read_text() == (GRAFANA / file).read_text(), (
            f"make dashboards: {file}"
        )


@EACH_PANEL
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    overrides = panel.get("fieldConfig", {}).get("overrides", [])
    units = [one["id"] for override in overrides for one in override["properties"]]

    assert panel["description"].endswith(".")
    assert defaults.get("unit") or units == ["unit"]
    assert defaults.get("thresholds") or panel["datasource"]["type"] == "tempo"


@pytest.mark.parametrize("page", PAGES)
def test_no_panel_overlaps_another_or_leaves_the_page(page: str) -> None:
    """Each square of the grid belongs to one panel at most, and no row has a gap."""
    places = [panel["gridPos"] for panel in PAGES[page]["panels"]]
    squares = [
        (place["x"] + column, place["y"] + row)
        for place in places
        for column, row in itertools.product(range(place["w"]), range(place["h"]))
    ]

    assert len(squares) == len(set(squares))
    assert {column for column, _ in squares} == set(range(24))
    assert len(squares) == 24 * len({row for _, row in squares})


@pytest.mark.parametrize("page", PAGES)
def test_panels_have_ids_of_their_own(page: str) -> None:
    ids = [panel["id"] for panel in PAGES[page]["panels"]]

    assert ids == list(range(1, len(ids) + 1))


def test_no_amount_reads_increase() -> None:
    """It shows nothing of a series' first call; `rate` is for quantiles by time alone."""
    for query in queries():
        assert "increase(" not in query.expr
        assert "rate(" not in query.expr or query.expr.startswith("histogram_quantile("), (
            query.title
        )


def test_every_series_that_is_asked_for_is_recorded() -> None:
    asked = {name for query in queries() for name in re.findall(r"costspan:[\w:]+", query.expr)}

    assert asked - RECORDED == set()


def test_latencies_have_dots_that_lead_to_traces() -> None:
    with_dots = {
        panel["title"]
        for panel in panels("costspan-calls")
        if any(target.get("exemplar") for target in panel["targets"])
    }

    assert with_dots == {"Duration", "Time to the first chunk", "Time between chunks"}
