"""The page on alerts: its numbers are the code's, and its line of the log is really written."""

from decimal import Decimal
from pathlib import Path

from costspan import Alert
from costspan.alerts import courier, gathering, lane, post
from costspan.alerts.log import line_of

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")


def test_the_numbers_of_the_page_are_the_codes():
    assert f"A queue\n  holds {courier.MOST_WAITING:,} alerts" in PAGE
    assert len(lane.PAUSES) + 1 == 8
    assert "tried again, eight times in about a minute" in PAGE
    assert 55 < sum(lane.PAUSES) < 65
    assert f"({post.TIMEOUT_SECONDS:g} seconds)" in PAGE
    assert (post.LONGEST_RETRY_AFTER, lane.LONGEST_WAIT) == (5 * 60, 15 * 60)
    assert "up to 5\n  minutes at a time and 15 in all" in PAGE
    assert courier.EXIT_SECONDS == 2
    assert "The end of the process waits two seconds" in PAGE
    assert gathering.GATHERED_FOR_SECONDS == 60
    assert "at most one a minute" in PAGE


def test_the_line_of_the_page_is_written():
    dear = Alert(
        budget="single call",
        per="call",
        limit=Decimal("0.02"),
        spent=Decimal("0.0231"),
        model="gpt-5.2",
        agent="poet",
        session="evening",
        endpoint="/ode",
        cost_usd=Decimal("0.0231"),
        input_tokens=1000,
        output_tokens=1525,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )
    assert f"\n{line_of(dear)}\n" in PAGE
