"""The kinds of panels: each takes what it asks, its unit and what it says, and looks alike."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    dashboard,
    prometheus,
    stat,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.builders import common as looks
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.tempo import SearchTableType

from questions import MINUTE

METRICS = models.DataSourceRef(type_val="prometheus", uid="${metrics}")
TRACES = models.DataSourceRef(type_val="tempo", uid="${traces}")

USD = "currencyUSD"
SHARE = "percentunit"
SECONDS = "s"
COUNT = "short"

Steps = Sequence[tuple[float, str]]
"""Values from which on a panel has a colour; below the first it is green."""

NO_LIMITS: Steps = ()


Asked = Sequence[tuple[str, str]]
"""Queries, each with the legend of its series."""


def number(
    title: str,
    expr: str,
    unit: str,
    about: str,
    *,
    steps: Steps = NO_LIMITS,
    since: str | None = None,
    none: str = "none",
) -> stat.Panel:
    """One number of this moment, a quarter of a row wide.

    `since` counts from another time than the dashboard's: `now/d` is today, `now/M` this month.
    """
    panel = (
        _of(stat.Panel(), title, unit, about, steps)
        .height(5)
        .span(6)
        .no_value(none)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .reduce_options(looks.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_now(expr))
    )
    return panel.time_from(since).hide_time_override(True) if since else panel


def bars(title: str, exprs: Asked, unit: str, about: str) -> timeseries.Panel:
    """Amounts by time: each bar is what was added since the bar before, so that they add up."""
    panel = (
        _of(timeseries.Panel(), title, unit, about)
        .height(9)
        .span(12)
        .interval(MINUTE)
        .draw_style(common.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .line_width(0)
        .stacking(looks.StackingConfig().mode(common.StackingMode.NORMAL))
        .legend(_legend("sum"))
        .tooltip(_tooltip())
    )
    return _asking(panel, exprs)


def lines(
    title: str,
    exprs: Asked,
    unit: str,
    about: str,
    *,
    steps: Steps = NO_LIMITS,
    exemplars: bool = False,
) -> timeseries.Panel:
    """Levels by time, each with its legend; with `exemplars` single calls as dots."""
    panel = (
        _of(timeseries.Panel(), title, unit, about, steps)
        .height(9)
        .span(12)
        .min(0)
        .fill_opacity(10)
        .span_nulls(True)
        .legend(_legend("lastNotNull"))
        .tooltip(_tooltip())
    )
    if steps:
        panel.thresholds_style(
            looks.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return _asking(panel, exprs, exemplars=exemplars)


def ranking(
    title: str, expr: str, legend: str, unit: str, about: str, *, steps: Steps = NO_LIMITS
) -> bargauge.Panel:
    """The largest first, each as a bar of its own."""
    return (
        _of(bargauge.Panel(), title, unit, about, steps)
        .height(9)
        .span(12)
        .min(0)
        .no_value("none")
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(looks.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_now(expr).legend_format(legend))
    )


def rows(title: str, expr: str, names: dict[str, str], unit: str, about: str) -> table.Panel:
    """A table: `names` are the labels to show, in their order, with the words above them.

    `Value` is the number.
    """
    only = models.DataTransformerConfig(
        id_val="filterFieldsByName", options={"include": {"names": list(names)}}
    )
    ordered = models.DataTransformerConfig(
        id_val="organize",
        options={
            "indexByName": {label: index for index, label in enumerate(names)},
            "renameByName": names,
        },
    )
    target = _now(expr).format(PromQueryFormat.TABLE)
    return (
        _of(table.Panel(), title, unit, about)
        .height(9)
        .span(12)
        .no_value("none")
        .with_target(target)
        .with_transformation(only)
        .with_transformation(ordered)
    )


def spans(title: str, traceql: str, about: str) -> table.Panel:
    """Spans that a TraceQL query finds, each with a link to its trace."""
    target = (
        tempo.TempoQuery()
        .datasource(TRACES)
        .ref_id("A")
        .query_type("traceql")
        .query(traceql)
        .limit(20)
        .table_type(SearchTableType.SPANS)
    )
    return (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(TRACES)
        .height(9)
        .span(24)
        .override_by_name("costspan.cost.total", [models.DynamicConfigValue("unit", USD)])
        .with_target(target)
    )


def _of(panel: Any, title: str, unit: str, about: str, steps: Steps = NO_LIMITS) -> Any:
    """What all panels of metrics have."""
    first = models.Threshold(value=None, color="green" if steps else "text")
    return (
        panel.title(title)
        .description(about)
        .datasource(METRICS)
        .unit(unit)
        .thresholds(
            dashboard.ThresholdsConfig()
            .mode(models.ThresholdsMode.ABSOLUTE)
            .steps([first, *(models.Threshold(value=at, color=color) for at, color in steps)])
        )
    )


def _now(expr: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(METRICS).ref_id("A").expr(expr).instant()


def _asking(panel: timeseries.Panel, exprs: Asked, *, exemplars: bool = False) -> timeseries.Panel:
    for ref, (expr, legend) in zip("ABCDEF", exprs, strict=False):
        query = prometheus.Dataquery().datasource(METRICS).ref_id(ref).expr(expr).range()
        # The queries of a panel have the same exemplars: the first brings them.
        panel.with_target(query.legend_format(legend).exemplar(exemplars and ref == "A"))
    return panel


def _legend(calc: str) -> looks.VizLegendOptions:
    return (
        looks.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([calc])
    )


def _tooltip() -> looks.VizTooltipOptions:
    return (
        looks.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
