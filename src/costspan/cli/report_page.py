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
from costspan.cli.passed_over import many
from costspan.cost.stores.opening import has_file
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

_NOT_THERE = (
    "The file of the store that COSTSPAN_STORE or COSTSPAN_CONFIG names is not there, as seen "
    "from where this page was made: nothing was counted in it yet."
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
    told = (*_of_parts(found.time.total.partial_calls), *notes(found.time))
    found = structs.replace(found, notes=told, budgets=budgets, no_budgets=why)
    try:
        Path(file).write_text(document(found), "utf-8")
    except OSError as fault:
        raise ConfigurationError(f"{file} cannot be written: {fault.strerror}") from None
    total = found.time.total
    is_unknown = total.calls and total.cost_usd is None
    cost = "no price known" if is_unknown else f"{plain(total.cost_usd or Decimal(0))} USD"
    print(f"{file}: {many(total.calls, 'call')}, {cost}")
    return found.time


def _of_parts(calls: int) -> Iterable[str]:
    """What a table of the terminal has a column for, and those of the page have not."""
    if calls:
        yield f"{many(calls, 'call')} with a price for a part only: the rest is not in the sums"


def _budgets(named: str | None) -> tuple[Mapping[str, Any] | None, str]:
    """What `costspan budgets --json` prints; else None, and a sentence that says why."""
    url = named or settings.read().store
    if url == "memory":
        return None, _NOT_KEPT
    if named is None and not has_file(url):
        return None, _NOT_THERE
    from costspan.cli import budgets
    from costspan.cost.stores.contract import StoreDown

    try:
        return json.loads(budgets.as_json(named), parse_float=Decimal), ""
    except StoreDown:
        return None, "The store of the budgets did not answer when this page was made."
