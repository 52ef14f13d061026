"""The section about budgets and alerts: what `costspan budgets --json` prints of a store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from costspan.call import plain
from costspan.report.page import wording
from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.questions import Contents
from costspan.report.page.tables import Cell, Head, Table, bar, moments, names, table


def budgets(found: Contents) -> Markup:
    """How each budget stands and who was told; where there is no store, a sentence that says so."""
    if found.budgets is None:
        return element("p", found.no_budgets, class_="empty")
    known = found.budgets["budgets"]
    if not known:
        return element("p", "The store knows no budgets.", class_="empty")
    heads = [names("Budget"), names("Whose"), Head("Spent"), Head("Limit"), Head("Used"),
             Head("Reserved"), names("At a limit"), moments("Begins again, UTC")]  # fmt: skip
    rows = [row for budget in known for row in _rows(budget)]
    return joined(
        table(Table("budgets-now", "Budgets now", heads, rows)),
        *(_unshown(budget) for budget in known),
        _alerts(found.budgets["alerts"]),
    )


def _rows(budget: Mapping[str, Any]) -> list[list[Cell]]:
    unit = budget["unit"]
    per = " and ".join(budget["per"])
    what = joined(
        wording.name(budget["name"]),
        element("span", f"per {per}" + _window(budget), class_="sub"),
    )
    last = [
        Cell(budget["action"], budget["action"]),
        Cell(_moment(budget["resets_at"]), budget["resets_at"]),
    ]
    name = budget["name"][:200]
    none = Cell(wording.UNKNOWN)
    if not budget["scopes"]:
        limit = Cell(_amount(budget["limit"], unit), budget["limit"])
        return [[Cell(what, name), none, none, limit, none, none, *last]]
    return [
        [
            Cell(joined(what, bar(float(scope["share"]), warns=True)), name),
            Cell("all" if scope["scope"] is None else wording.name(scope["scope"]), scope["scope"]),
            Cell(_amount(scope["spent"], unit), scope["spent"]),
            Cell(_amount(scope["limit"], unit), scope["limit"]),
            Cell(_used(float(scope["share"])), scope["share"]),
            Cell(_amount(scope["reserved"], unit), scope["reserved"]),
            *last,
        ]
        for scope in budget["scopes"]
    ]


def _window(budget: Mapping[str, Any]) -> str:
    window, zone = budget["window"], budget["timezone"]
    return "" if window is None else f", window {window}" + (f" ({zone})" if zone else "")


def _used(part: float) -> Markup | str:
    written = wording.percent(part)
    return element("strong", written, class_="over") if part >= 1 else written


def _amount(amount: Any, unit: str) -> str:
    exact = Decimal(amount)
    if unit == "usd":
        return f"${exact:,.2f}" if exact == exact.quantize(Decimal("0.01")) else f"${plain(exact)}"
    return f"{exact:,f} {unit}" if exact == int(exact) else f"{plain(exact)} {unit}"


def _moment(written: str | None) -> str:
    return wording.UNKNOWN if written is None else wording.moment(datetime.fromisoformat(written))


def _unshown(budget: Mapping[str, Any]) -> Markup | None:
    said = []
    if more := budget["scopes_in_all"] - len(budget["scopes"]):
        said.append(f"{wording.many(more, 'more scope')} not shown")
    if skipped := budget["calls_skipped"]:
        said.append(f"{wording.many(skipped, 'call')} without its key not counted")
    if not said:
        return None
    return element("p", wording.name(budget["name"]), ": ", ", ".join(said), class_="note")


def _alerts(alerts: list[Mapping[str, Any]]) -> Markup:
    if not alerts:
        return element("p", "No alert was told.", class_="empty")
    heads = [names("Alert"), moments("Told, UTC"), names("Severity"), names("Delivery")]
    rows = [
        [
            Cell(wording.name(one["text"], most=400), one["text"][:200]),
            Cell(_moment(one["at"]), one["at"]),
            Cell(one["severity"], one["severity"]),
            Cell(one["delivery"], one["delivery"]),
        ]
        for one in alerts
    ]
    return table(Table("alerts", "The latest alerts", heads, rows, sorted_by=1))
