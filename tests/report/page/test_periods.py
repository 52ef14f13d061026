"""The time axis: no gap, no more slots than can be drawn, whatever the clock of a writer said."""

from decimal import Decimal

import pytest

from costspan.report.figures import Figures
from costspan.report.page.periods import MOST, axis, by_row, merged
from costspan.report.query import Row


def row(key: str, cost: str = "1", latency: tuple[float, ...] | None = (1.0, 2.0, 3.0)) -> Row:
    return Row((key,), Figures(calls=1, cost_usd=Decimal(cost), latency=latency))


def test_days_without_calls_are_there_too():
    found = axis([row("2026-11-03"), row("2026-10-30")], "day")

    assert found.unit == "day"
    assert [slot.label for slot in found.slots] == ["30 Oct", "31 Oct", "1 Nov", "2 Nov", "3 Nov"]
    assert found.slots[0].name == "Friday, 30 Oct 2026"


def test_hours_fill_their_days():
    found = axis([row("2026-11-03T14")], "hour")

    assert [slot.label for slot in found.slots[:2]] == ["3 Nov", "01:00"]
    assert len(found.slots) == 24
    assert found.slots[14].name == "3 Nov 2026, 14:00 to 14:59"


@pytest.mark.parametrize(
    ("first", "last", "unit", "slots"),
    [
        ("2026-08-01", "2026-11-28", "day", 120),
        ("2026-07-31", "2026-11-28", "week", 18),
        ("2024-09-01", "2026-11-28", "week", 118),
        ("2019-01-01", "2026-11-28", "month", 95),
        ("1970-01-01", "2026-11-28", "year", 57),
    ],
)
def test_where_days_are_too_many_longer_periods_are_taken(first, last, unit, slots):
    found = axis([row(first), row(last)], "day")

    assert (found.unit, len(found.slots)) == (unit, slots)


def test_sums_are_kept_by_longer_periods():
    rows = [row("2026-01-01", "0.1"), row("2026-01-02", "0.2"), row("2026-11-28", "0.4")]
    found = axis(rows, "day")

    figures = merged(found, rows)

    assert found.unit == "week"
    assert figures[0].cost_usd == Decimal("0.3")
    assert figures[0].latency is None
    assert figures[1].cost_usd is None
    assert sum(one.cost_usd or 0 for one in figures) == Decimal("0.7")


def test_percentiles_are_never_put_together():
    rows = [row(f"{2000 + n}-01-01") for n in range(10)]

    found, figures = by_row(rows, "day")

    assert found.unit == "day"
    assert [one.latency for one in figures] == [(1.0, 2.0, 3.0)] * 10


def test_of_very_many_days_the_latest_are_measured():
    rows = [row(f"20{year}-0{month}-0{day}") for year in range(10, 27) for month in range(1, 10)
            for day in (1, 2)]  # fmt: skip

    found, _ = by_row(rows, "day")

    assert len(found.slots) == MOST
    assert found.slots[-1].label == "2 Sep"


@pytest.mark.parametrize("key", ["1-01-01", "0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar(key: str):
    assert len(axis([row(key)], "day").slots) == 1
    assert axis([row(key), row("2026-11-21")], "day").unit == "year"


def test_no_rows_no_slots():
    assert axis([], "day").slots == []
