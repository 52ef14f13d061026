"""The head of the page: what was spent in which time, in one look; and its foot."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from costspan.report.page import wording
from costspan.report.page.markup import Markup, element, joined
from costspan.report.page.periods import axis
from costspan.report.page.questions import Contents


def title(found: Contents) -> str:
    """Of the browser's window, and of the file when it is printed."""
    return f"LLM spend, {_period(found)}"


def _period(found: Contents) -> str:
    """The time that was asked for; where that is open, from the first call's day to the last's."""
    slots = axis(found.time.rows, found.time.by[0]).slots
    days = sorted(row.keys[0] or "" for row in found.time.rows)
    if not slots and not (found.time.since and found.time.until):
        return "no calls"
    since = found.time.since or datetime.fromisoformat(days[0][:10])
    until = found.time.until or datetime.fromisoformat(days[-1][:10])
    return wording.span(since, until)


def header(found: Contents) -> Markup:
    """The headline, the notes and the key figures."""
    total = found.time.total
    asked = f"Calls where {found.time.where}" if found.time.where else None
    return joined(
        element("p", "LLM spend", class_="eyebrow"),
        element("h1", _headline(found)),
        element("p", _period(found), " (UTC)", class_="period") if total.calls else None,
        element("p", asked, class_="asked") if asked else None,
        _figures(found),
        _notes(found),
    )


def _headline(found: Contents) -> Markup | str:
    total = found.time.total
    if not total.calls:
        return "No calls"
    calls = "one call" if total.calls == 1 else f"{wording.round_count(total.calls)} calls"
    cost = "No price" if total.cost_usd is None else wording.round_money(total.cost_usd)
    return joined(element("strong", cost), " for ", calls)


def _figures(found: Contents) -> Markup | None:
    total, saving = found.time.total, found.particulars.saving.saved_usd
    if not total.calls:
        return None
    tokens = wording.round_count(total.input_tokens), wording.round_count(total.output_tokens)
    failed = wording.percent(wording.share(total.errors, total.calls))
    saved = "" if saving is None else f"saved about {wording.round_money(Decimal(f'{saving:.6f}'))}"
    latency, first = total.latency, total.first_token
    pairs = [
        ("Cost of a call", wording.round_money(wording.each(total)), "on average"),
        ("Failed", wording.count(total.errors), f"{failed} of the calls"),
        ("Tokens", wording.round_count(total.total_tokens), f"{tokens[0]} in, {tokens[1]} out"),
        ("Input from cache", wording.percent(total.cache_hit_rate), saved),
        ("Median latency", _half(latency), _most(latency)),
        ("Median first token", _half(first), _most(first)),
    ]
    items = (
        element("div", element("dt", term), element("dd", value, element("small", more)))
        for term, value, more in pairs
    )
    return element("dl", *items, class_="figures")


def _half(values: tuple[float, ...] | None) -> str:
    return wording.UNKNOWN if values is None else f"{wording.seconds(values[0])}\N{NO-BREAK SPACE}s"


def _most(values: tuple[float, ...] | None) -> str:
    return (
        "not measured"
        if values is None
        else f"95% within {wording.seconds(values[1])}\N{NO-BREAK SPACE}s"
    )


def _notes(found: Contents) -> Markup | None:
    told = [note for note in found.notes if not note.startswith(" ")]  # without places of lines
    if not told:
        return None
    items = (element("li", note) for note in told)
    return element(
        "aside",
        element("h2", "What the figures leave out"),
        element("ul", *items),
        class_="notes",
        aria_label="What the figures leave out",
    )


def footer(found: Contents) -> Markup:
    """When and of what the page was made."""
    files = wording.many(found.time.files, "file")
    made = f"Made by costspan on {wording.moment(found.made_at)} UTC of {files}."
    exact = (
        "Sums are exact; figures are rounded only to be shown, and every digit is in the page as "
        "JSON, in the element “data”. All times are UTC."
    )
    return joined(element("p", made), element("p", exact))
