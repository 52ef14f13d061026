"""How the page writes amounts, counts, times and names."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from itertools import islice

from costspan.report.figures import Figures
from costspan.report.layout import dollars
from costspan.report.page.markup import Markup, element
from costspan.report.vocabulary import NONE

_TO = " \N{EN DASH} "
UNKNOWN = "\N{EN DASH}"
"""What stands where nothing is known: no zero."""

_BREAKS = re.compile(r"(?<=[_./:-])(?=\w)")
"""Where a name may go on in the next line."""

_LONGEST = 64
_TAIL = 16
_MINUS = "\N{MINUS SIGN}"
_BURSTS = 10**12
_MOST_IN_A_TITLE = 1_000
_SHORT_SCALE = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))


def money(amount: Decimal | None, digits: int) -> str:
    """US dollars, such as `$1,234.50`, `-$0.0200` with a true minus sign and `<$0.0001`."""
    if amount is None:
        return UNKNOWN
    written = dollars(abs(amount), digits)
    sign = _MINUS if amount < 0 and Decimal(written.strip("<").replace(",", "")) else ""
    return f"<${written[1:]}" if written.startswith("<") else f"{sign}${written}"


def round_money(amount: Decimal | None) -> str:
    """US dollars as a headline has them: cents, unless that would be too coarse."""
    size = abs(amount or Decimal(0))
    cents = size >= Decimal("0.1") or not size
    return money(amount, 2 if cents else 4 if size >= Decimal("0.001") else 6)


def count(number: int | None) -> str:
    """A whole number, such as `1,234`; one that would burst its column is rounded."""
    if number is not None and abs(number) >= _BURSTS:
        return round_count(number)
    return UNKNOWN if number is None else f"{number:,}".replace("-", _MINUS)


def round_count(number: int | None) -> str:
    """A whole number as a headline has it: `1.23 million`."""
    for size, name in _SHORT_SCALE:
        if number is not None and abs(number) >= size:
            return f"{number / size:,.2f} {name}".replace("-", _MINUS)
    return count(number)


def tick(value: float, digits: int) -> str:
    """A number on an axis: `0.25`, `1,500`, `25k`, `1.5M`."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * (1 if size > 1e3 else 10):
            return f"{value / size:,.4g}{letter}".replace("-", _MINUS)
    return f"{value:,.{digits}f}".replace("-", _MINUS)


def money_tick(value: float, digits: int) -> str:
    """Dollars on an axis: `$0.50`, `$25k`."""
    written = tick(abs(value), max(digits, 2) if digits else 0)
    return f"{_MINUS if value < 0 else ''}${written}"


def many(number: int, what: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(part: float | None) -> str:
    """A share, such as `42%`; what is there and would show as none of it is `<1%`."""
    if part is None:
        return UNKNOWN
    if part and -0.005 < part < 0.005:
        return "<1%" if part > 0 else f"{_MINUS}<1%"
    return f"{part:.0%}".replace("-", _MINUS)


def share(part: Decimal | int | None, whole: Decimal | int | None) -> float | None:
    """What a part is of a whole, for a percentage or a bar; None where that says nothing."""
    if part is None or not whole or whole < 0:
        return None
    return float(part / whole)


def each(one: Figures) -> Decimal | None:
    """What a call cost on average, of those that have a cost."""
    priced = one.calls - one.unpriced_calls
    return one.cost_usd / priced if one.cost_usd is not None and priced else None


def seconds(milliseconds: float | None) -> str:
    """Seconds with two decimals, without the unit."""
    return UNKNOWN if milliseconds is None else f"{milliseconds / 1e3:,.2f}"


def moment(instant: datetime, *, with_seconds: bool = False) -> str:
    """`21 Nov 2026, 08:02`."""
    return (
        f"{day(instant)}, {instant:%H:%M:%S}"
        if with_seconds
        else f"{day(instant)}, {instant:%H:%M}"
    )


def day(instant: datetime) -> str:
    """`21 Nov 2026`."""
    return f"{instant.day} {instant:%b} {instant.year}"


def span(first: datetime, last: datetime) -> str:
    """`1 to 21 November 2026` with a dash; with the time of the day where there is one."""
    if any(one.hour or one.minute for one in (first, last)):
        return f"{moment(first)}{_TO}{moment(last)}"
    end = f"{last.day} {last:%B} {last.year}"
    if first == last:
        return end
    begin = (
        str(first.day)
        if (first.year, first.month) == (last.year, last.month)
        else f"{first.day} {first:%B}"
    )
    return f"{begin}{_TO}{end}" if first.year == last.year else f"{begin} {first.year}{_TO}{end}"


def shortened(text: str, most: int = _LONGEST) -> str:
    """A name as it fits into a table: its beginning and its end."""
    if len(text) <= most:
        return text
    return f"{text[: most - _TAIL].rstrip()}…{text[1 - _TAIL :].lstrip()}"


def name(text: str | None, most: int = _LONGEST) -> Markup:
    """A name that somebody chose, set apart from the direction of the text around it."""
    if text is None:
        return element("span", NONE, class_="none")
    if not text.strip():
        return element("span", "(blank)", class_="none")
    whole = text[:_MOST_IN_A_TITLE] if len(text) > most else None
    words = _BREAKS.split(shortened(text, most))
    parts = (part for word in words for part in (element("wbr"), word))
    return element("bdi", *islice(parts, 1, None), title=whole)
