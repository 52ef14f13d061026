"""Arguments that are numbers: rows and dollars."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation


def count(text: str) -> int:
    """A number of rows."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows: write 10")
    return int(text)


def dollars(text: str) -> Decimal:
    """An amount of US dollars, exact."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of dollars: write 5.00")
    return amount
