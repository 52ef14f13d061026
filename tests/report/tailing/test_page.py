"""The page of calls as they are made: what it shows is what is printed."""

from costspan.report.tailing.choosing import FIELDS
from costspan.report.tailing.printing import HEAD, row
from costspan.report.tailing.totals import Totals
from tests.report.tailing.test_choosing import call
from tests.test_docs import fenced, first_cells


def test_the_output():
    """Its calls are those of the page of reports."""
    ((_, shown),) = [(name, text) for name, text in fenced("text") if name.startswith("tail.md")]
    calls = [
        call(agent="reviewer", model="gpt-5.2", input_tokens=8200, output_tokens=410,
             latency_ms=2310.0, cost_usd="0.0102", timestamp="2026-11-20T09:14:02.118000Z"),
        call(agent="reviewer", model="claude-sonnet-4-5", input_tokens=12000, output_tokens=900,
             latency_ms=5120.0, cost_usd="0.0252", timestamp="2026-11-20T16:40:10.501000Z"),
        call(agent="planner", model="gpt-5.2", input_tokens=None, output_tokens=None,
             latency_ms=30010.0, cost_usd=None, timestamp="2026-11-21T08:02:51.300000Z",
             error="openai.APITimeoutError", outcome="failed", status="unpriced"),
    ]  # fmt: skip
    totals = Totals(0)
    for one in calls:
        totals.add(one, 1)
    _, *lines = shown.splitlines()
    assert lines == [HEAD, *map(row, calls), f"^C{totals.ending(125)}"]


def test_the_options():
    named = {option.split()[0] for option in first_cells("tail.md", "option")}
    assert named == {f"--{word}" for word in FIELDS} | {"-n", "--min-usd", "--errors", "--json"}
