"""Budgets as a TOML file writes them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from costspan.alerts.alert import Sink
from costspan.alerts.configured import Configured
from costspan.cost.budgets.budget import Budget
from costspan.cost.pricing.nearest import nearest
from costspan.errors import ConfigurationError

KEYS = tuple(name for name in inspect.signature(Budget.__init__).parameters if name != "self")
"""What a table may say of a budget: what `Budget(...)` takes."""


def budgets_of(tables: Sequence[Mapping[str, Any]], sinks: Configured) -> list[Budget]:
    """The `[[budgets]]` of a file.

    Args:
        sinks: those of the file's `[[alerts]]`, which a budget's `alerts` may name.

    Raises:
        ConfigurationError: a table is wrong, or a sink would never be told of anything; the message
            names the table and the remedy.
    """
    found = [_budget(number, table, sinks.by_name) for number, table in enumerate(tables, 1)]
    asked = {name for table in tables for name in table.get("alerts", ())}
    for name in sorted(sinks.named - asked):
        raise ConfigurationError(
            f'[[alerts]] name = "{name}": no budget names it, so it would never be told: write '
            f'alerts = ["{name}"] in a table of [[budgets]], or leave its name out'
        )
    return found


def _budget(number: int, table: Mapping[str, Any], sinks: Mapping[str, Sequence[Sink]]) -> Budget:
    name = table.get("name")
    if not isinstance(name, str):
        raise ConfigurationError(
            f'[[budgets]]: table {number} needs a name: write name = "the month"'
        )
    place = f'[[budgets]] name = "{name}"'
    for key in table:
        if key not in KEYS:
            close = nearest(key, KEYS)
            hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(KEYS)}"
            raise ConfigurationError(f"{place}: unknown key {key!r}: {hint}")
    settings = dict(table)
    if "alerts" in settings:
        settings["alerts"] = _routed(place, settings["alerts"], sinks)
    try:
        return Budget(**settings)
    except ConfigurationError as fault:
        raise ConfigurationError(f"{place}: {fault}") from None


def _routed(place: str, names: Any, sinks: Mapping[str, Sequence[Sink]]) -> list[Sink]:
    """The sinks that a budget names. None of them is quoted: an address may have been written."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(
            f'{place}: alerts is a list of names or types of [[alerts]], such as ["slack"]'
        )
    found: list[Sink] = []
    for name in names:
        if name not in sinks:
            known = ", ".join(f'"{one}"' for one in sinks) or "none is there"
            raise ConfigurationError(
                f"{place}: alerts names no [[alerts]] of the file: use a name or type ({known})"
            )
        found += [sink for sink in sinks[name] if sink not in found]
    return found
