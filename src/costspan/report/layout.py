"""What a table of a report shows: its columns, what stands in them, and what fits a width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from costspan.report.figures import Figures, together
from costspan.report.percentiles import APPROXIMATE
from costspan.report.query import Report, Row
from costspan.report.vocabulary import NONE, OTHER, TIMES, printable
from costspan.report.widths import padded, width

_GAP = 2
BAR = 10
"""Characters of a full bar."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


class Chosen(Struct, frozen=True):
    """The rows that are shown: those of time in its order, others the dearest first.

    `other` is all that is not shown, together; None where all is. `others` is how many rows.
    """

    rows: list[Row]
    other: Row | None = None
    others: int = 0


def chosen(report: Report, top: int | None) -> Chosen:
    """At most `top` rows, all if it is None or 0."""
    shown, rest = report.rows[: top or None], report.rows[top:] if top else []
    if report.by and report.by[0] in TIMES:
        shown = sorted(shown, key=lambda row: [key or "" for key in row.keys])
    keys = (OTHER, *("" for _ in report.by[1:]))
    if report.other is not None:
        return Chosen(shown, Row(keys, report.other), report.others)
    if not rest:
        return Chosen(shown)
    before = [row.before for row in rest if row.before is not None]
    together_before = together(before) if report.before is not None else None
    other = Row(keys, together([row.figures for row in rest]), together_before)
    return Chosen(shown, other, len(rest))


class Column(Struct, frozen=True):
    """A column: its head, its cells below, and how soon it gives way; 0 never does."""

    head: str
    cells: list[str]
    gives_way: int = 0
    is_text: bool = False

    @property
    def width(self) -> int:
        """Columns of a terminal that the widest takes."""
        return max(map(width, (self.head, *self.cells)))


_Cell = Callable[[Row], str]


def columns(report: Report, shown: Chosen, *, bars: bool = False) -> list[Column]:
    """The columns of a table, the total in the last row."""
    rows = [*shown.rows, *([shown.other] if shown.other else [])]
    total = Row(("total", *("" for _ in report.by[1:])), report.total, report.before)
    found = [
        Column(word, [key_cell(row.keys[index]) for row in (*rows, total)], is_text=True)
        for index, word in enumerate(report.by)
    ]
    for head, gives_way, cell in _figures(report):
        found.append(Column(head, [cell(row) for row in (*rows, total)], gives_way))
        if head == "cost USD" and bars:
            most = max((row.figures.cost_usd or Decimal(0) for row in rows), default=Decimal(0))
            drawn = [_bar(row.figures.cost_usd, most) for row in rows]
            found.append(Column("", [*drawn, ""], 1, is_text=True))
    return found


def _figures(report: Report) -> list[tuple[str, int, _Cell]]:
    total = report.total
    digits = decimals(total.cost_usd, (report.before or Figures()).cost_usd)
    about = "~" if report.percentiles == APPROXIMATE else ""
    found: list[tuple[str, int, _Cell]] = [
        ("calls", 0, lambda row: count(row.figures.calls)),
        ("errors", 1, lambda row: count(row.figures.errors)),
        ("input", 2, lambda row: count(row.figures.input_tokens)),
        ("output", 2, lambda row: count(row.figures.output_tokens)),
        ("cached", 4, lambda row: _percent(row.figures.cache_hit_rate)),
        ("cost USD", 0, lambda row: dollars(row.figures.cost_usd, digits)),
    ]
    if report.before is not None:
        found.append(("before", 0, lambda row: dollars((row.before or Figures()).cost_usd, digits)))
        found.append(("change", 0, change))
    if total.unpriced_calls:
        found.append(("unpriced", 1, lambda row: count(row.figures.unpriced_calls)))
    if total.partial_calls:
        found.append(("partial", 1, lambda row: count(row.figures.partial_calls)))
    for index, name in enumerate(("p50", "p95", "p99")):
        head, soon = f"{about}{name} s", (3, 2, 6)[index]
        found.append((head, soon, lambda row, at=index: _seconds(row.figures.latency, at)))  # type: ignore[misc]
    for index, name in enumerate(("p50", "p95", "p99")):
        head, soon = f"{about}TTFT {name}", (4, 7, 8)[index]
        found.append((head, soon, lambda row, at=index: _seconds(row.figures.first_token, at)))  # type: ignore[misc]
    found.append(("tok/s", 4, lambda row: _speed(row.figures.tokens_per_second)))
    if total.gpu_hours is not None:
        found.append(("GPU h", 3, lambda row: _hours(row.figures.gpu_hours)))
    return found


def fitting(found: Sequence[Column], most: int) -> list[Column]:
    """The columns that fit into so many of a terminal, without those that give way soonest."""
    kept = list(found)
    while sum(column.width + _GAP for column in kept) - _GAP > most:
        soonest = max(range(len(kept)), key=lambda place: (kept[place].gives_way, place))
        if not kept[soonest].gives_way:
            break
        del kept[soonest]
    return kept


def aligned(found: Sequence[Column], between: str) -> Iterator[str]:
    """The head and each row as a line, the cells of a column as wide as the widest."""
    widths = [column.width for column in found]
    for row in zip(*((column.head, *column.cells) for column in found), strict=True):
        yield between.join(
            padded(cell, wide, right=not column.is_text)
            for column, cell, wide in zip(found, row, widths, strict=True)
        )


def dollars(amount: Decimal | None, digits: int) -> str:
    """US dollars with so many decimals; what would show as none of them is "<" the least."""
    if amount is None:
        return "-"
    least = Decimal(1).scaleb(-digits)
    return f"<{least}" if 0 < amount < least / 2 else f"{amount:,.{digits}f}"


def decimals(*totals: Decimal | None) -> int:
    """Decimals of a column of dollars: fewer, the greater the total."""
    most = max(abs(total or Decimal(0)) for total in totals)
    return 2 if most >= 100 else 4 if most >= 1 or not most else 6


def change(row: Row) -> str:
    """How much more or less it cost than before."""
    now, before = row.figures.cost_usd, row.before.cost_usd if row.before else None
    if not before or before < 0:
        return "new" if now else "-"
    return f"{float((now or 0) / before - 1):+.0%}"


def key_cell(key: str | None) -> str:
    """A key as it can be printed: a line break or an escape would spoil the table."""
    return NONE if key is None else printable(key)


def count(count: int | None) -> str:
    """A count with commas; a dash where nobody knows it."""
    return "-" if count is None else f"{count:,}"


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{part:.0%}"


def _seconds(values: tuple[float, ...] | None, index: int) -> str:
    return "-" if values is None else f"{values[index] / 1e3:.2f}"


def _speed(tokens: float | None) -> str:
    return "-" if tokens is None else f"{tokens:,.0f}"


def _hours(hours: float | None) -> str:
    return "-" if hours is None else f"{hours:,.2f}"


def _bar(amount: Decimal | None, most: Decimal) -> str:
    eighths = round(max(float((amount or 0) / most), 0) * BAR * 8) if most > 0 else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest]).rstrip()
