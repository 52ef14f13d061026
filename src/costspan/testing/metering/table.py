"""The table at the end of a run: what its dearest tests called and what that cost."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

_COUNTED = ("calls", "tokens", "unpriced", "refused", "stopped")
_LEAST = Decimal("0.000001")


class Table:
    """The sums of a run, from this process or from workers, as `Account.row` gives them."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def add(self, row: Row) -> None:
        """Add the sums of one account; those of a test that ran twice are one row."""
        known = self._rows.get(row["name"])
        self._rows[row["name"]] = dict(row) if known is None else _sum(row["name"], (known, row))

    @property
    def total(self) -> Row:
        """The sums of all."""
        return _sum("", self._rows.values())

    def is_over(self, spent: str, total: str) -> bool:
        """Whether the run's budget refused calls, or `spent` US dollars are more than `total`."""
        return bool(self.total["stopped"]) or Decimal(spent) > Decimal(total)

    def lines(self, most: int) -> list[str]:
        """The dearest tests and the sums of all; nothing where nothing was called.

        Args:
            most: how many tests to show.
        """
        if not self._rows:
            return []
        dearest = sorted(self._rows.values(), key=_dearest_first)
        shown, total = dearest[:most], self.total
        rest = len(dearest) - len(shown)
        total["name"] = f"in all{f', {rest} more not shown' if rest else ''}"
        texts = [_cells(row) for row in (*shown, total)]
        head = ("USD", "calls", "tokens", "")
        widths = [max(len(cells[i]) for cells in (head, *texts)) for i in range(3)]
        return [
            "  ".join([*(cells[i].rjust(widths[i]) for i in range(3)), cells[3]]).rstrip()
            for cells in (head, *texts)
        ]


def dollars(usd: str) -> str:
    """US dollars with six decimals; less than the last of them can say is said to be less."""
    amount = Decimal(usd)
    if 0 < amount < _LEAST:
        return f"<{_LEAST}"
    return f"{amount:.6f}"


def _dearest_first(row: Row) -> tuple[Decimal, int, str]:
    return -Decimal(row["usd"]), -row["calls"], row["name"]


def _sum(name: str, rows: Iterable[Row]) -> Row:
    together: Row = {"name": name, **dict.fromkeys(_COUNTED, 0)}
    usd = Decimal(0)
    for row in rows:
        usd += Decimal(row["usd"])
        for key in _COUNTED:
            together[key] += row[key]
    together["usd"] = str(usd)
    return together


def _cells(row: Row) -> tuple[str, str, str, str]:
    unknown = row["calls"] and row["unpriced"] == row["calls"]
    notes = [f"{row[key]:,} {key}" for key in ("unpriced", "refused") if row[key]]
    return (
        "?" if unknown else dollars(row["usd"]),
        f"{row['calls']:,}",
        f"{row['tokens']:,}",
        row["name"] + (f" ({', '.join(notes)})" if notes else ""),
    )
