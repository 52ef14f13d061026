"""`costspan report --html`: the page, and what a store says of budgets for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import structs

from costspan import settings
from costspan.call import plain
from costspan.errors import ConfigurationError
from costspan.report.databases.spilling import FIELDS, as_files
from costspan.report.page.document import document
from costspan.report.page.questions import contents
from costspan.report.query import Question, Report

_NOT_KEPT = (
    "The calls files do not say how budgets stand: a store does. Name it by --store, such as "
    "--store sqlite:///costs.db, or by COSTSPAN_STORE, and this section shows its"
    " budgets and alerts."
)


def write(
    file: str, asked: Question, store: str | None, notes: Callable[[Report], Iterable[str]]
) -> Report:
    """Write the page, say where it is, and return the report that it is of.

    Raises:
        ConfigurationError: it cannot be asked, or not be written there.
    """
    with as_files(asked.places, FIELDS) as places:
        found = contents(structs.replace(asked, places=places))
    budgets, why = _budgets(store)
    found = structs.replace(found, notes=tuple(notes(found.time)), budgets=budgets, no_budgets=why)
    try:
        Path(file).write_text(document(found), "utf-8")
    except OSError as fault:
        raise ConfigurationError(f"{file} cannot be written: {fault.strerror}") from None
    total = found.time.total
    calls = f"{total.calls:,} call{'' if total.calls == 1 else 's'}"
    print(f"{file}: {calls}, {plain(total.cost_usd or Decimal(0))} USD")
    return found.time


def _budgets(named: str | None) -> tuple[Mapping[str, Any] | None, str]:
    """What `costspan budgets --json` prints; else None, and a sentence that says why."""
    if (named or settings.read().store) == "memory":
        return None, _NOT_KEPT
    from costspan.cli import budgets
    from costspan.cost.stores.contract import StoreDown

    try:
        return json.loads(budgets.as_json(named), parse_float=Decimal), ""
    except StoreDown:
        return None, "The store of the budgets did not answer when this page was made."
