"""What may explain a difference, where the figures themselves suggest it, and with which amounts.

A cause is a hint and no proof: each names the figures that suggest it. Where nothing does, nothing
is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from costspan.call import plain
from costspan.report.figures import Figures
from costspan.report.reconciling.comparing import Comparison, Pair
from costspan.report.reconciling.statement import Item

_DAY = timedelta(days=1)
_MOST_LEFT = Decimal("0.2")
_CENTS = 2
_NEAR_HALF = Decimal("0.01")


class Cause(NamedTuple):
    """A likely cause: its word (`docs/reconcile.md` lists them), an amount, and a sentence."""

    word: str
    amount: Decimal | None
    text: str


class _Whole(NamedTuple):
    """What a pair's causes need to know of the whole comparison.

    `is_by_model` is false where the provider names no model, `digits` is how many decimals its
    amounts have, two at least, `booked_apart` what it books on no model, by day.
    """

    unit: str
    is_by_model: bool
    digits: int
    pairs: Mapping[tuple[date, str | None], Pair]
    booked_apart: Mapping[date, Decimal]


def causes_of(compared: Comparison) -> list[list[Cause]]:
    """What may explain the difference of each pair."""
    apart = {pair.day: pair.their_amount for pair in compared.pairs if pair.model is None}
    whole = _Whole(
        compared.statement.unit,
        compared.is_by_model,
        max((_CENTS, *map(_digits, compared.statement.items))),
        {(pair.day, pair.model): pair for pair in compared.pairs},
        apart,
    )
    return [_causes(pair, whole) for pair in compared.pairs]


def _causes(pair: Pair, whole: _Whole) -> list[Cause]:
    if not pair.difference:
        return []
    rounding = _rounding(pair, whole)
    if rounding is not None:
        return [rounding]
    return [
        *_one_sided(pair, whole),
        *_status(pair, whole.unit),
        *_streams(pair, whole.unit),
        *_batch(pair, whole.unit),
        *_edge(pair, whole),
        *_tools(pair, whole),
    ]


def _amount(amount: Decimal, unit: str) -> str:
    return f"{plain(amount)} {unit}"


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"


def _rounding(pair: Pair, whole: _Whole) -> Cause | None:
    """Each of the provider's amounts may be half a unit of its last place away from the truth."""
    most = Decimal(1).scaleb(-whole.digits) / 2 * len(pair.items)
    if whole.unit != "USD" or abs(pair.difference) > most:
        return None
    count = len(pair.items)
    amounts = "1 amount" if count == 1 else f"{count:,} amounts"
    each = "is" if count == 1 else "are"
    text = f"{amounts} of {whole.digits} decimals {each} up to {plain(most)} USD off"
    return Cause("rounding", most, text)


def _digits(item: Item) -> int:
    exponent = item.amount.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _one_sided(pair: Pair, whole: _Whole) -> Iterator[Cause]:
    unit = whole.unit
    requests = sum(item.requests or 0 for item in pair.items)
    calls = pair.ours.calls if pair.ours else 0
    if pair.model is None and whole.is_by_model:
        names = ", ".join(sorted({item.name for item in pair.items})[:5])
        yield Cause("no model", pair.their_amount, f"the provider books on no model: {names}")
    elif not pair.ours and pair.their_amount > 0:
        text = f"the files have no such call: {_amount(pair.their_amount, unit)} not recorded"
        yield Cause("not recorded", pair.their_amount, text)
    elif pair.ours and not pair.items:
        text = "the provider has no such line: another account, or a name that was not recognised"
        yield Cause("not billed here", pair.our_amount, text)
    elif requests > calls:
        asked = f"{requests:,} request{'' if requests == 1 else 's'}"
        text = f"the provider counts {asked}, the files {_calls(calls)}"
        yield Cause("not recorded", None, text)


def _status(pair: Pair, unit: str) -> Iterator[Cause]:
    """Calls that we know and have no whole price for; they only explain what is missing here."""
    ours = pair.ours or Figures()
    if pair.difference <= 0 or unit != "USD":
        return
    if ours.unpriced_calls:
        yield Cause("unpriced", None, f"{_calls(ours.unpriced_calls)} without a price")
    if ours.partial_calls:
        text = f"{_calls(ours.partial_calls)} of which a part has no price"
        yield Cause("partial", None, text)


def _streams(pair: Pair, unit: str) -> Iterator[Cause]:
    ours = pair.ours or Figures()
    if pair.abandoned.calls and pair.difference > 0:
        known = Decimal(getattr(pair.abandoned, pair.measure) or 0)
        text = (
            f"{_calls(pair.abandoned.calls)} broken off, of which {_amount(known, unit)} is known"
        )
        yield Cause("abandoned", known, text)
    if ours.estimated_calls:
        yield Cause("estimated", None, f"{_calls(ours.estimated_calls)} estimated")


def _batch(pair: Pair, unit: str) -> Iterator[Cause]:
    """Half the price: the files hold a batch's calls at the full one where it was not told them."""
    if unit != "USD" or pair.difference >= 0:
        return
    batch = sum((item.amount for item in pair.items if item.is_batch), Decimal(0))
    if batch:
        text = f"{_amount(batch, unit)} is of the batch tier; twice that is the full price"
        yield Cause("batch", batch, text)
    elif pair.their_amount and abs(2 * pair.their_amount / pair.our_amount - 1) <= _NEAR_HALF:
        yield Cause("batch", pair.their_amount, "the provider has half of ours, as for a batch")


def _edge(pair: Pair, whole: _Whole) -> Iterator[Cause]:
    """What is missing on one day and too much on the next was counted on the other side."""
    for day in (pair.day - _DAY, pair.day + _DAY):
        other = whole.pairs.get((day, pair.model))
        if other is None or other.difference * pair.difference >= 0:
            continue
        if abs(other.difference + pair.difference) <= _MOST_LEFT * abs(pair.difference):
            text = f"{day} differs by {_amount(other.difference, whole.unit)} the other way"
            yield Cause("day's edge", abs(other.difference), text)
    ran = pair.over_midnight
    if ran.calls:
        known = Decimal(getattr(ran, pair.measure) or 0)
        text = f"{_calls(ran.calls)} began on the day before: {_amount(known, whole.unit)}"
        yield Cause("day's edge", known, text)


def _tools(pair: Pair, whole: _Whole) -> Iterator[Cause]:
    ours = (pair.ours or Figures()).tools_usd or Decimal(0)
    is_apart = bool(whole.booked_apart.get(pair.day))
    if whole.unit == "USD" and ours and is_apart and pair.model and pair.difference < 0:
        text = f"{_amount(ours, 'USD')} of ours are fees of tools, which the provider books apart"
        yield Cause("tools", ours, text)


def remarks(compared: Comparison) -> list[Cause]:
    """What is to be said of the whole: what stands apart, and what the export leaves out."""
    found = []
    unit = compared.statement.unit
    for kind, word in (("credit", "credits and discounts"), ("tax", "taxes"), ("fee", "fees")):
        amounts = [item.amount for item in compared.apart if item.kind == kind]
        if amounts:
            total = sum(amounts, Decimal(0))
            text = f"{word} on the provider's side, not compared: {_amount(total, unit)}"
            found.append(Cause(kind, total, text))
    if not compared.statement.is_whole:
        text = "the export says that there are more pages (has_more): they are not in the file"
        found.append(Cause("more pages", None, text))
    return found
