"""docs/grafana.md: its queries return data, and its tables hold what the files hold."""

from __future__ import annotations

import re
from pathlib import Path

from costspan import semconv
from tests.dashboards.api import until
from tests.dashboards.conftest import Filled
from tests.dashboards.servers import GRAFANA, ROOT, needs_prometheus
from tests.test_docs import first_cells, written_attributes

PAGE = (ROOT / "docs" / "grafana.md").read_text("utf-8")
ALERTS = (GRAFANA / "rules" / "alerts.yaml").read_text("utf-8")
RECORDING = (GRAFANA / "rules" / "recording.yaml").read_text("utf-8")


def fenced(language: str) -> list[str]:
    """The page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def rows(header: str) -> list[list[str]]:
    """The cells of the table that begins with this header, without back quotes."""
    table = PAGE.partition(f"\n| {header} |")[2].partition("\n\n")[0]
    return [
        [cell.strip().strip("`") for cell in row.strip("|").split("|")]
        for row in table.splitlines()[2:]
    ]


class TestWithPrometheus:
    """Over what a real run left there."""

    pytestmark = needs_prometheus

    def test_no_query_of_the_page_is_empty(self, filled: Filled) -> None:
        queries = fenced("promql")

        assert len(queries) == 13
        for query in queries:  # a forecast needs two records, which are seconds apart
            until(lambda query=query: filled.prometheus.instant(query), lambda query=query: query)

    def test_the_metrics_have_the_names_of_the_page(self, filled: Filled) -> None:
        names = {row[1 if filled.way == "push" else 2] for row in rows("metric")}
        there = set(filled.prometheus.get("label/__name__/values"))

        assert len(names) == 8
        assert names - there == set()


def test_traceql_asks_for_attributes_that_are_written() -> None:
    asked = set(re.findall(r"span\.([\w.]+)", "".join(fenced("traceql"))))

    assert len(fenced("traceql")) == 4
    assert asked - written_attributes() == set()
    assert semconv.COST_STATUS in asked


def test_the_table_of_what_is_recorded() -> None:
    recorded = re.findall(r"# (.+)\n      - record: (\S+)", RECORDING)

    assert rows("recorded every minute") == [[name, about] for about, name in recorded]


def test_the_table_of_alerts() -> None:
    alerts = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", ALERTS, re.S)

    assert [(row[0], row[2]) for row in rows("alert")] == alerts
    assert first_cells("grafana.md", "alert") == [name for name, _ in alerts]


def test_the_page_names_the_versions_that_were_run() -> None:
    compose: Path = GRAFANA / "compose.yaml"
    (collector,) = re.findall(r"collector-contrib:(\d+\.\d+)\.", compose.read_text("utf-8"))

    assert f"the collector {collector};" in PAGE
