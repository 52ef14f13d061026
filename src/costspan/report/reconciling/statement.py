"""What a provider's export says, in one form whatever its shape was."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from costspan.errors import ConfigurationError

_MOST_DIGITS = 18
"""Before the decimal point of an amount."""

_DIGITS_OF_A_DAY = len("20261121")
_LONGEST = 40


class Item(Struct, frozen=True, kw_only=True):
    """One line of a provider's export.

    Attributes:
        day: the UTC day that it is booked on.
        name: how the provider calls it.
        model: the model, where the line has one.
        amount: US dollars or tokens, as the statement's `unit` says; exact.
        requests: how many calls, where the line says so.
        kind: `usage`, `credit` (discounts and refunds too), `tax` or `fee`.
        is_batch: whether it is of the batch tier.
    """

    day: date
    name: str
    model: str | None = None
    amount: Decimal
    requests: int | None = None
    kind: str = "usage"
    is_batch: bool = False


class Statement(Struct, frozen=True, kw_only=True):
    """A provider's export.

    Attributes:
        shape: what it was recognised as.
        provider: the provider whose calls it is about, by our name for it.
        unit: `USD` or `tokens`.
        calls: which of the provider's calls it is about, as a report's `--where`.
        first, last: the days that it is about.
        is_whole: no further page is announced that is not in the file.
    """

    shape: str
    provider: str
    unit: str
    items: tuple[Item, ...]
    calls: str = "true"
    first: date
    last: date
    is_whole: bool = True


def statement_of(shape: str, provider: str, unit: str, items: Any, days: Any = ()) -> Statement:
    """A statement over its items' days and those that are named besides.

    Raises:
        ConfigurationError: there is no day in it.
    """
    found = tuple(items)
    all_days = sorted({*days, *(item.day for item in found)})
    if not all_days:
        raise ConfigurationError(f"there is nothing in this export ({shape})")
    return Statement(
        shape=shape,
        provider=provider,
        unit=unit,
        items=found,
        first=all_days[0],
        last=all_days[-1],
    )


def day_of(moment: Any) -> date:
    """The UTC day of a moment: seconds since the epoch, or RFC 3339, or a day.

    Raises:
        ValueError: it is none.
    """
    try:
        if isinstance(moment, str) and moment.isdecimal() and len(moment) > _DIGITS_OF_A_DAY:
            moment = int(moment)
        if isinstance(moment, int | Decimal):
            return datetime.fromtimestamp(float(moment), UTC).date()
        found = datetime.fromisoformat(str(moment))
        return (found if found.tzinfo is None else found.astimezone(UTC)).date()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{_cut(moment)} is no day") from None


def amount_of(written: Any) -> Decimal:
    """An amount of dollars or tokens, exact; nothing is 0.

    Raises:
        ValueError: it is none, or no bill has so many.
    """
    try:
        found = Decimal(0 if written is None or written == "" else written)
    except (ArithmeticError, TypeError, ValueError):
        found = Decimal("NaN")
    if not found.is_finite() or found.adjusted() > _MOST_DIGITS:
        raise ValueError(f"{_cut(written)} is no amount")
    return found


def name_of(written: Any) -> str | None:
    """A model's name; None where there is none.

    Raises:
        ValueError: it is no text.
    """
    if written is None or isinstance(written, str):
        return written or None
    raise ValueError(f"{_cut(written)} is no name of a model")


def _cut(written: Any) -> str:
    """As it stands in a sentence."""
    text = repr(str(written) if isinstance(written, Decimal) else written)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def in_usd(currency: object) -> None:
    """Nothing.

    Raises:
        ConfigurationError: it is another currency.
    """
    if str(currency or "USD").upper() != "USD":
        raise ConfigurationError(f"the export is in {currency}: only US dollars can be compared")
