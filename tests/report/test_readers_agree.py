"""What an odd line says, it says to every command: to a report, to a database and to `Reading`."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.export.reader import Reading, call_of
from costspan.export.schema import Line
from costspan.report.databases.address import address
from costspan.report.databases.loading import load
from costspan.report.query import Question, Report, ask
from costspan.report.traces.parts import part_of
from tests.report.folders import line, write

Seen = list[tuple[str | None, str | None, int, Decimal | None]]
"""Agent, day, calls, dollars."""


def of_report(report: Report) -> Seen:
    found = (
        (row.keys[0], row.keys[1], row.figures.calls, row.figures.cost_usd) for row in report.rows
    )
    return sorted(found, key=str)


def by_each_reader(folder: Path) -> list[Seen]:
    """What a report says, one over a database, and what is read in Python."""
    database = f"sqlite:///{folder / 'calls.db'}"
    load([folder], address(database), [], lambda calls: None)
    reports = [ask(Question([place], ("agent", "day"))) for place in (folder, database)]
    read = [(one.agent, one.timestamp[:10], 1, one.cost_usd) for one in Reading(folder)]
    return [*map(of_report, reports), sorted(read, key=str)]


def twice(name: str, first: str, second: str) -> str:
    """A line that has a key twice; the values are JSON."""
    text = re.sub(rf'"{name}": [^,]+, ', "", line(), count=1)
    return f'{{"{name}": {first}, {text[1:-1]}, "{name}": {second}}}'


DAY = "2026-11-21"
HALF = Decimal("0.5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (twice("agent", '"first"', '"second"'), ("first", DAY, 1, HALF)),
        (twice("cost_usd", "0.001", "0.002"), (None, DAY, 1, Decimal("0.001"))),
        (twice("agent", '"first"', '"second"').replace('": ', '" : '), ("first", DAY, 1, HALF)),
        (line(agent='a ":" b'), ('a ":" b', DAY, 1, HALF)),
        (line(tags={"a": {"b": 1}}), (None, DAY, 1, HALF)),
        (line(timestamp="2026-11-21T01:00:00+02:00"), (None, "2026-11-20", 1, HALF)),
        (line(timestamp="2026-11-21T23:30:00.5-0100"), (None, "2026-11-22", 1, HALF)),
        (line(timestamp="2026-11-21T23:30:00"), (None, DAY, 1, HALF)),
        (line(timestamp="9999-12-31T23:59:59.999999Z"), (None, "9999-12-31", 1, HALF)),
        (line(cost_usd="1e30"), (None, DAY, 1, None)),
        (line(cost_usd="-1e30"), (None, DAY, 1, None)),
        (line(cost_usd="1e9999"), (None, DAY, 1, None)),
        (line(cost_usd="9223372.036854775808"), (None, DAY, 1, None)),
        (line(cost_usd="9223372.036854775807"), (None, DAY, 1, Decimal("9223372.036854775807"))),
    ],
)
def test_a_call(tmp_path: Path, text: str, said: tuple[object, ...]):
    write(tmp_path, text)
    assert by_each_reader(tmp_path) == [[said]] * 3


@pytest.mark.parametrize(
    "text",
    [
        line(timestamp="9999-12-31T23:59:59-02:00"),
        line(timestamp="0001-01-01T00:00:00+02:00"),
        line(timestamp="infinity"),
        line(timestamp="290000-01-01T00:00:00Z"),
        line(timestamp="soon"),
        line(latency_ms=7).replace('"latency_ms": 7', '"latency_ms": 1e999'),
        line(runtime_seconds=7).replace('"runtime_seconds": 7', '"runtime_seconds": -1e999'),
        line(runtime_seconds=1e12),
        line(runtime_seconds=-1e300),
        twice("kind", "null", "1").replace('"schema": 1', '"schema": 0'),
    ],
)
def test_no_call(tmp_path: Path, text: str):
    write(tmp_path, text, line(agent="a"))
    assert by_each_reader(tmp_path) == [[("a", DAY, 1, HALF)]] * 3
    reading = Reading(tmp_path)
    assert [problem.what for _ in [list(reading)] for problem in reading.problems] == ["foreign"]
    assert ask(Question([tmp_path])).passed_over.lines == 1


def test_dollars_that_are_not_known_are_said(tmp_path: Path):
    write(tmp_path, line(cost_usd="1e30"), line(), line(cost_usd=None, status="not_billed"))
    total = ask(Question([tmp_path])).total
    assert (total.calls, total.unpriced_calls, total.cost_usd) == (3, 1, HALF)


@pytest.mark.parametrize("latency", [float("inf"), float("nan"), 1e300])
def test_a_latency_that_is_no_time_is_no_part_of_a_trace(latency: float):
    """The last is a number; before the first day there is none, and no arithmetic fails."""
    found = call_of(line().encode())
    assert isinstance(found, Line)
    fields = {name: getattr(found, name) for name in Line.__struct_fields__}
    part = part_of(Line(**fields | {"latency_ms": latency}))
    assert (part is None) == (latency != 1e300)
