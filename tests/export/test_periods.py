"""Days and hours: every moment has one, and its name says when it ends."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.export.periods import end_of, period_of

SECOND = 10**9
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")


def at(text: str) -> int:
    """Nanoseconds of an ISO moment."""
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("moment", "unit", "zone", "name", "since", "until"),
    [
        ("2026-11-21T23:59:59Z", "day", UTC, "2026-11-21", "2026-11-21T00Z", "2026-11-22T00Z"),
        ("2026-11-22T00:00:00Z", "day", UTC, "2026-11-22", "2026-11-22T00Z", "2026-11-23T00Z"),
        ("2026-11-21T14:30:00Z", "hour", UTC, "2026-11-21T14", "2026-11-21T14Z", "2026-11-21T15Z"),
        # one hour before midnight in UTC is the next day in Berlin
        ("2026-11-21T23:00:00Z", "day", BERLIN, "2026-11-22", "2026-11-21T23Z", "2026-11-22T23Z"),
        # the days when the clocks change have 23 and 25 hours
        ("2026-03-29T12:00:00Z", "day", BERLIN, "2026-03-29", "2026-03-28T23Z", "2026-03-29T22Z"),
        ("2026-10-25T12:00:00Z", "day", BERLIN, "2026-10-25", "2026-10-24T22Z", "2026-10-25T23Z"),
        # half past in UTC is the full hour in India
        (
            "2026-11-21T14:31:00Z",
            "hour",
            KOLKATA,
            "2026-11-21T20",
            "2026-11-21T14:30Z",
            "2026-11-21T15:30Z",
        ),
    ],
)
def test_a_moment_and_its_period(
    moment: str, unit: str, zone: tzinfo, name: str, since: str, until: str
):
    assert period_of(at(moment), unit, zone) == (name, at(since), at(until))
    assert end_of(name, zone) == at(until)


def test_the_hour_that_the_clocks_repeat_has_one_name_and_ends_once():
    first, second = at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")
    assert period_of(first, "hour", BERLIN).name == "2026-10-25T02"
    assert period_of(second, "hour", BERLIN).name == "2026-10-25T02"
    assert end_of("2026-10-25T02", BERLIN) == at("2026-10-25T02:00:00Z")


@pytest.mark.parametrize("name", ["", "today", "2026-13-01", "2026-02-30", "2026-01-01T25", "x1"])
def test_what_is_no_period_has_no_end(name: str):
    assert end_of(name, UTC) is None


@given(
    st.integers(0, 4_000_000_000 * SECOND),
    st.sampled_from(["day", "hour"]),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu"]
    ),
)
def test_a_period_holds_its_moment_and_the_next_one_begins_where_it_ends(
    moment: int, unit: str, key: str
):
    zone = ZoneInfo(key)
    period = period_of(moment, unit, zone)
    assert period.since <= moment < period.until
    assert period_of(period.until, unit, zone).since == period.until
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment // 1000)).astimezone(
        zone
    )
    assert period.name == local.strftime("%Y-%m-%dT%H")[: len(period.name)]


@pytest.mark.parametrize("moment", [-5, 0, 10**30])
def test_a_moment_outside_of_any_calendar_has_a_file_all_the_same(moment: int):
    period = period_of(moment, "day", UTC)
    assert period.name in ("1970-01-01", "9999-01-01")
    assert period.since <= moment < period.until
