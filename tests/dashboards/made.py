"""The committed dashboards: their panels, and the queries as Grafana would send them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.dashboards.servers import GRAFANA

PAGES = {
    file.stem: json.loads(file.read_text("utf-8"))
    for file in sorted((GRAFANA / "dashboards").glob("*.json"))
}
CHOSEN = {
    "${metrics}": "prometheus",
    "$service": ".*",
    "$model": ".*",
    "$agent": ".*",
    "$__range_s": "3600",
    "$__range": "1h",
    "$__rate_interval": "15s",
    "$__interval": "15s",
}
"""What Grafana puts in the place of variables, all services, models and agents being chosen."""


class Query(NamedTuple):
    """One query of a panel."""

    page: str
    title: str
    legend: str
    expr: str
    instant: bool
    columns: tuple[str, ...]


def panels(page: str) -> list[dict[str, Any]]:
    """The panels of a dashboard that are no rows."""
    return [panel for panel in PAGES[page]["panels"] if panel["type"] != "row"]


def queries() -> Iterator[Query]:
    """Every query of every panel for Prometheus."""
    for page in PAGES:
        for panel in panels(page):
            for target in panel["targets"]:
                if target["datasource"]["type"] == "prometheus":
                    yield Query(
                        page,
                        panel["title"],
                        target.get("legendFormat", ""),
                        chosen(target["expr"]),
                        target.get("instant", False),
                        _columns(panel),
                    )


def _columns(panel: dict[str, Any]) -> tuple[str, ...]:
    """The columns of a table."""
    for one in panel.get("transformations", ()):
        if one["id"] == "filterFieldsByName":
            return tuple(one["options"]["include"]["names"])
    return ()


def query_of(page: str, title: str) -> Query:
    """The first query of one panel."""
    return next(one for one in queries() if (one.page, one.title) == (page, title))


def chosen(expr: str) -> str:
    """A query with its variables replaced."""
    for variable, value in CHOSEN.items():
        expr = expr.replace(variable, value)
    return expr
