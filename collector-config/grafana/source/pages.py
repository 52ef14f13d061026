"""What the dashboards have in common: their variables, the links between them, their rows."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from panels import METRICS
from questions import AGENT, CALLS, MODEL

TAG = "costspan"
Row = tuple[str, Sequence[Builder[models.Panel]]]


def page(
    uid: str, title: str, about: str, rows: Sequence[Row], variables: Sequence[Any] = ()
) -> models.Dashboard:
    """One dashboard: rows of panels, each row with its title."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .editable()
        .refresh("1m")
        .time("now-24h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_to_the_others())
    )
    for variable in (_source("metrics", "prometheus", "Metrics"), *variables):
        made.with_variable(variable)
    for name, panels in rows:
        made.with_row(dashboard.Row(name))
        for panel in panels:
            made.with_panel(panel)
    built = made.build()
    for number, panel in enumerate(built.panels or (), 1):
        panel.id_val = number  # links to a panel name it
    return built


SERVICE = "service"


def chosen() -> list[Any]:
    """Service, model and agent: any number of each."""
    return [
        _values(SERVICE, "Service", "job", CALLS),
        _values("model", "Model", MODEL, f'{CALLS}{{job=~"$service"}}'),
        _values("agent", "Agent", AGENT, f'{CALLS}{{job=~"$service"}}'),
    ]


def service() -> list[Any]:
    """The service alone."""
    return chosen()[:1]


def traces() -> Any:
    """Where the traces are."""
    return _source("traces", "tempo", "Traces")


def _source(name: str, kind: str, label: str) -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable(name).label(label).type(kind)


def _values(name: str, label: str, of: str, series: str) -> dashboard.QueryVariable:
    # ".*" and not the list of all values: calls that have no agent are calls, too.
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(METRICS)
        .query(f"label_values({series}, {of})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _to_the_others() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("costspan")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )
