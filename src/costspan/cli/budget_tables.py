"""Budgets in aligned text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costspan.alerts.alert import amount
from costspan.cost.budgets.survey import BudgetSurvey, ScopeState, Survey
from costspan.report.widths import padded, width

_HEADS = ("whose", "spent", "of", "share", "reserved", "forecast")
_LEFT = 1
"""How many columns are words; the others are numbers and stand to the right."""


def lines(found: Survey) -> Iterator[str]:
    """What a person reads, line by line."""
    for budget in found.budgets:
        yield f"{_plain(budget.name)}: {_what(budget)}"
        yield from (f"  {line}" for line in _table(budget))
    for name in found.not_understood:
        yield f"{_plain(name)}: described by a newer costspan, which this one does not understand"
    if found.alerts:
        yield "alerts"
    for alert in found.alerts:
        moment = f"{alert.at[:10]} {alert.at[11:16]} UTC"
        yield f"  {moment}  {alert.delivery:8}  {_plain(alert.text)}"


def _what(budget: BudgetSurvey) -> str:
    parts = [f"{amount(budget.limit, budget.unit)} per {' and '.join(budget.per)}"]
    if budget.window is not None:
        zone = f" ({budget.timezone})" if budget.timezone else ""
        parts.append(f"window {budget.window}{zone}")
    if budget.where:
        wanted = " and ".join(f"{key}={value}" for key, value in budget.where.items())
        parts.append(f"where {_plain(wanted)}")
    parts.append(f"action {budget.action}")
    parts.append("told at " + ", ".join(f"{share:.0%}" for share in budget.thresholds))
    if budget.resets_at is not None:
        parts.append(f"resets {budget.resets_at[:10]} {budget.resets_at[11:16]} UTC")
    return ", ".join(parts)


def _table(budget: BudgetSurvey) -> Iterator[str]:
    if budget.per == ("call",):
        yield "each call is held against it alone, so nothing is summed up"
        return
    if budget.scopes:
        yield from _aligned([_HEADS, *(_row(scope, budget.unit) for scope in budget.scopes)])
    else:
        yield "nothing is spent"
    more = budget.scopes_in_all - len(budget.scopes)
    if more:
        yield f"and {more:,} more, which --top shows"
    if budget.calls_skipped:
        many = budget.calls_skipped
        yield (
            f"{many:,} call{'' if many == 1 else 's'} without {' and '.join(budget.per)} "
            f"{'is' if many == 1 else 'are'} not counted"
        )


def _row(state: ScopeState, unit: str) -> tuple[str, ...]:
    return (
        "(all)" if state.scope is None else _plain(state.scope),
        amount(state.spent, unit),
        amount(state.limit, unit),
        f"{state.share:.0%}",
        amount(state.reserved, unit) if state.reserved else "-",
        "-" if state.forecast is None else amount(state.forecast, unit),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            padded(cell, wide, right=place >= _LEFT)
            for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells)


def _plain(text: str) -> str:
    """Without what would move a terminal's cursor: an app's users may have chosen it."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
