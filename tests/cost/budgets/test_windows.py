"""Where windows begin and end: calendars in their zones, clocks put forward and back, slices."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from costspan import Budget
from costspan.cost.budgets.windows import TRACE_KEPT

MINUTE = 60_000


def at(text: str) -> int:
    """Milliseconds since the epoch of a moment in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


CALENDARS = [
    # window, zone, a moment, the window's start, its end; all in UTC
    ("hour", None, "2030-03-17T17:46:40", "2030-03-17T17:00", "2030-03-17T18:00"),
    ("day", None, "2030-03-17T17:46:40", "2030-03-17T00:00", "2030-03-18T00:00"),
    ("day", None, "2030-03-17T00:00:00", "2030-03-17T00:00", "2030-03-18T00:00"),
    ("day", None, "2030-03-16T23:59:59.999", "2030-03-16T00:00", "2030-03-17T00:00"),
    ("week", None, "2030-03-17T17:46:40", "2030-03-11T00:00", "2030-03-18T00:00"),
    ("week", None, "2030-03-18T00:00:00", "2030-03-18T00:00", "2030-03-25T00:00"),
    ("week", None, "2031-01-01T12:00:00", "2030-12-30T00:00", "2031-01-06T00:00"),
    ("month", None, "2030-01-31T12:00:00", "2030-01-01T00:00", "2030-02-01T00:00"),
    ("month", None, "2030-02-28T12:00:00", "2030-02-01T00:00", "2030-03-01T00:00"),
    ("month", None, "2032-02-29T12:00:00", "2032-02-01T00:00", "2032-03-01T00:00"),
    ("month", None, "2030-12-31T23:59:59", "2030-12-01T00:00", "2031-01-01T00:00"),
    # Half an hour off UTC.
    ("hour", "Asia/Kolkata", "2030-03-17T17:46:40", "2030-03-17T17:30", "2030-03-17T18:30"),
    ("day", "Asia/Kolkata", "2030-03-17T17:46:40", "2030-03-16T18:30", "2030-03-17T18:30"),
    # Berlin puts its clocks forward on 31 March 2030 at 01:00 UTC, and back on 27 October.
    ("day", "Europe/Berlin", "2030-03-31T12:00:00", "2030-03-30T23:00", "2030-03-31T22:00"),
    ("day", "Europe/Berlin", "2030-10-27T12:00:00", "2030-10-26T22:00", "2030-10-27T23:00"),
    ("week", "Europe/Berlin", "2030-03-31T12:00:00", "2030-03-24T23:00", "2030-03-31T22:00"),
    ("month", "Europe/Berlin", "2030-03-31T12:00:00", "2030-02-28T23:00", "2030-03-31T22:00"),
    ("month", "Europe/Berlin", "2030-10-27T12:00:00", "2030-09-30T22:00", "2030-10-31T23:00"),
    # The hour that is there twice is two of them.
    ("hour", "Europe/Berlin", "2030-10-27T00:30:00", "2030-10-27T00:00", "2030-10-27T01:00"),
    ("hour", "Europe/Berlin", "2030-10-27T01:30:00", "2030-10-27T01:00", "2030-10-27T02:00"),
    # Havana has no midnight on 10 March 2030, and two of them on 3 November.
    ("day", "America/Havana", "2030-03-10T12:00:00", "2030-03-10T05:00", "2030-03-11T04:00"),
    ("day", "America/Havana", "2030-03-10T04:59:59", "2030-03-09T05:00", "2030-03-10T05:00"),
    ("day", "America/Havana", "2030-11-03T04:30:00", "2030-11-03T04:00", "2030-11-04T05:00"),
    ("day", "America/Havana", "2030-11-03T05:30:00", "2030-11-03T04:00", "2030-11-04T05:00"),
    # Samoa left out 30 December 2011.
    ("day", "Pacific/Apia", "2011-12-29T12:00:00", "2011-12-29T10:00", "2011-12-30T10:00"),
    ("day", "Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00", "2011-12-31T10:00"),
]


@pytest.mark.parametrize(("window", "zone", "moment", "start", "end"), CALENDARS)
def test_the_window_that_a_moment_is_in(window, zone, moment, start, end):
    found = Budget("b", usd=1, window=window, timezone=zone).window.at(at(moment))
    assert (found.start, found.end) == (at(start), at(end))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"])
@pytest.mark.parametrize("window", ["hour", "day", "week", "month"])
def test_windows_follow_each_other_without_a_gap(window: str, zone: str):
    """Through a year, each moment is in one window, and its end is the next one's start.

    But for Lord Howe's hours, where clocks are set by half an hour: the hour begins anew then.
    """
    if (window, zone) == ("hour", "Australia/Lord_Howe"):
        return
    calendar = Budget("b", usd=1, window=window, timezone=zone).window
    first = moment = at("2030-01-01T00:00")
    end = at("2031-02-01T00:00") if window != "hour" else at("2030-04-15T00:00")
    steps = 0
    while moment < end:
        found = calendar.at(moment)
        assert found.start <= moment < found.end
        assert calendar.at(found.end - 1) == found
        assert calendar.at(found.end).start == found.end
        local = datetime.fromtimestamp(found.start / 1000, ZoneInfo(zone))
        if window != "hour":
            assert (local.hour, local.minute) in ((0, 0), (1, 0))  # 1 where there is no midnight
        moment = found.end
        steps += 1
    assert steps > 10
    assert first < moment


def test_a_sliding_window_counts_for_its_length_and_at_most_a_sixtieth_more():
    window = Budget("b", usd=1, window="10m").window
    added = at("2030-03-17T17:46:43")
    bucket = window.counter("b", "", added).bucket

    def counts(later: int) -> bool:
        return window.counter("b", "", added + later).since <= bucket

    assert counts(0)
    assert counts(10 * MINUTE)
    assert not counts(10 * MINUTE + 10_000)


@pytest.mark.parametrize("text", ["1s", "7s", "90s", "10m", "24h", "7d", "2w", "59m"])
def test_a_sliding_window_needs_no_more_than_61_amounts(text: str):
    window = Budget("b", usd=1, window=text).window
    counter = window.counter("b", "", at("2030-03-17T17:46:43.217"))
    width = -(-window.length // 60)
    assert (counter.bucket - counter.since) / width <= 60
    assert counter.until - counter.bucket >= window.length


def test_without_a_window_what_was_spent_counts_for_ever():
    now = at("2030-03-17T17:46:43")
    counter = Budget("b", usd=1).window.counter("b", "", now)
    assert (counter.bucket, counter.since, counter.until) == (0, 0, 0)
    of_trace = Budget("b", usd=1, per="trace").window.counter("b", "", now)
    assert of_trace.until == now + TRACE_KEPT
