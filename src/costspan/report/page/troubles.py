"""The sections about the cache and about errors."""

from __future__ import annotations

from decimal import Decimal

from costspan.report.figures import Figures
from costspan.report.layout import decimals
from costspan.report.page import wording
from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.particulars import Failure, Saving
from costspan.report.page.questions import Contents
from costspan.report.page.tables import Cell, Head, Table, moments, names, table

_REFUSED = "BudgetExceeded"


def cache(found: Contents) -> Markup:
    """What came from the providers' caches, by model, and about what that saved."""
    total, saving = found.time.total, found.particulars.saving
    if not total.cached_tokens and not total.cache_write_tokens:
        return element("p", "No call read from a cache or said so.", class_="empty")
    places = decimals(total.cache_read_usd, total.cache_write_usd, _dollars(saving))
    heads = [names("Model"), Head("Input tokens"), Head("From cache"), Head("Cache reads"),
             Head("Cost of reads"), Head("Cost of writes"), Head("Saved, about")]  # fmt: skip
    rows = [
        [
            Cell(wording.name(row.keys[0]), (row.keys[0] or "")[:200]),
            *_cached(row.figures, found.particulars.savings.get(row.keys[0], Saving()), places),
        ]
        for row in found.models.rows
        if row.figures.cached_tokens or row.figures.cache_write_tokens
    ]
    feet = [[Cell("All models"), *_cached(total, saving, places)]]
    explained = (
        "Saved is about what the tokens that were read from a cache, and written to it, would have "
        "cost more as plain input: each at the price that the same call paid for the rest of its "
        f"input. Calls that paid for no other input are left out: {wording.count(saving.tokens)} "
        f"of {wording.count(total.cached_tokens)} tokens read are in it."
    )
    return joined(
        table(Table("cache-by-model", "The cache by model", heads, rows, feet)),
        element("p", explained, class_="note"),
    )


def _dollars(saving: Saving) -> Decimal | None:
    return None if saving.saved_usd is None else Decimal(f"{saving.saved_usd:.6f}")


def _cached(one: Figures, saving: Saving, places: int) -> list[Cell]:
    saved = _dollars(saving)
    return [
        Cell(wording.count(one.input_tokens), one.input_tokens),
        Cell(wording.percent(one.cache_hit_rate), one.cache_hit_rate),
        Cell(wording.count(one.cached_tokens), one.cached_tokens),
        Cell(wording.money(one.cache_read_usd, places), one.cache_read_usd),
        Cell(wording.money(one.cache_write_usd, places), one.cache_write_usd),
        Cell(wording.money(saved, places), saved),
    ]


def errors(found: Contents) -> Markup:
    """Failures by kind; which of them budgets refused, and what failed calls cost all the same."""
    failures, total = found.particulars.failures, found.time.total
    if not failures:
        return element("p", "No call failed.", class_="empty")
    places = decimals(*(one.cost_usd for one in failures))
    heads = [names("Error"), Head("Calls"), Head("Share of calls"), Head("Cost"),
             moments("First, UTC"), moments("Last, UTC")]  # fmt: skip
    rows = [_failed(one, total.calls, places) for one in failures]
    spent = sum((one.cost_usd or Decimal(0) for one in failures), Decimal(0))
    refused = sum(one.calls for one in failures if one.error.endswith(_REFUSED))
    said = []
    if spent:
        said.append(f"Calls that failed cost {wording.money(spent, places)} all the same.")
    if refused:
        said.append(
            f"{wording.many(refused, 'call')} refused by a budget before anything was sent."
        )
    return joined(
        table(Table("errors", "Calls that failed, by error", heads, rows, sorted_by=1)),
        element("p", " ".join(said), class_="note") if said else None,
    )


def _failed(one: Failure, calls: int, places: int) -> list[Cell]:
    code = (
        element("span", " ", wording.name(one.error_code), class_="code")
        if one.error_code
        else None
    )
    part = wording.share(one.calls, calls)
    return [
        Cell(joined(wording.name(one.error), code), f"{one.error} {one.error_code or ''}"[:200]),
        Cell(wording.count(one.calls), one.calls),
        Cell(wording.percent(part), part),
        Cell(wording.money(one.cost_usd, places), one.cost_usd),
        Cell(wording.moment(one.first), one.first.isoformat()),
        Cell(wording.moment(one.last), one.last.isoformat()),
    ]
