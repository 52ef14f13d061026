"""Rollups equal the calls after every load, also after one that was killed, and with late lines."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan.errors import ConfigurationError
from costspan.report.databases import loading
from costspan.report.databases.address import address
from costspan.report.databases.loading import load
from costspan.report.databases.rollups import SUMS, Rollup, rollup
from costspan.report.query import Question, ask
from tests.report.databases.tables import asked
from tests.report.folders import line, write


def call(number: int, **fields: Any) -> str:
    found = {
        "timestamp": f"2026-11-{19 + number % 3}T{number % 4 + 10}:00:{number % 60:02}.000001Z",
        "endpoint": (None, "/review", "")[number % 3],
        "model": f"m{number % 2}",
        "tags": {"team's %s": "x"} if number % 2 else {"n": number % 5},
        "cost_usd": f"0.{number:012}",
        "runtime_seconds": number / 7,
        "error": "openai.APIError" if number % 5 == 0 else None,
        "status": ("priced", "partial", "unpriced", "estimated")[number % 4],
        "total_tokens": None if number % 3 else 7,
        "span_id": f"{number:016x}",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    return line(**(found | fields))


def rows(url: str, kept: Rollup) -> dict[tuple[str | None, ...], dict[str, Any]]:
    """The rows of a rollup by their keys, dollars exact."""
    is_file = url.startswith("sqlite")
    sums = [name.replace("_usd", "_picos") if is_file else name for name in SUMS]
    names = ", ".join(f'"{name}"' for name in (kept.unit, *kept.keys, *sums))
    found = {}
    for row in asked(url, f"SELECT {names} FROM {kept.name}{'_exact' if is_file else ''}"):
        keys, values = row[: 1 + len(kept.keys)], row[1 + len(kept.keys) :]
        period = str(keys[0]).replace(" ", "T")[: 10 if kept.unit == "day" else 13]
        said = dict(zip(SUMS, values, strict=True))
        if is_file:
            for name in SUMS:
                if name.endswith("_usd") and said[name] is not None:
                    said[name] = Decimal(said[name]).scaleb(-12)
        said["runtime_seconds"] = pytest.approx(float(said["runtime_seconds"]))
        assert (period, *keys[1:]) not in found
        found[period, *keys[1:]] = said
    return found


def assert_right(url: str, folder: Path, kept: Rollup) -> None:
    """It says what a report over the files says."""
    report = ask(Question([folder], (kept.unit, *kept.words)))
    expected: dict[Any, Any] = defaultdict(dict)
    for row in report.rows:
        figures = row.figures.as_dict()
        expected[row.keys] = {name: figures[name] for name in SUMS}
        expected[row.keys]["runtime_seconds"] = float(figures["runtime_seconds"])
    assert rows(url, kept) == expected


DAILY = rollup("day", ["endpoint", "model", "tag:team's %s"])
HOURLY = rollup("hour", [])


def test_sums_equal_the_calls_after_every_load(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", *(call(n) for n in range(50)))
    first = load([folder], address(url), [DAILY])
    assert first.rollups == {"day, endpoint, model, tag:team's %s": 3}
    assert_right(url, folder, DAILY)
    again = load([folder], address(url))
    assert again.rollups == {str(DAILY): 0}
    late = [call(n) for n in (53, 56)]  # of 2026-11-21 alone
    write(folder, *late, name="llm_trace_2026-11-21.0001.jsonl")
    assert load([folder], address(url)).rollups == {str(DAILY): 1}
    assert_right(url, folder, DAILY)
    assert load([folder], address(url), [HOURLY, DAILY]).rollups == {str(DAILY): 0, "hour": 12}
    assert_right(url, folder, HOURLY)
    assert_right(url, folder, DAILY)


def test_corrections_are_taken_off(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", call(1, cost_usd="0.5"), call(4, cost_usd="-0.2"))
    load([folder], address(url), [DAILY])
    assert_right(url, folder, DAILY)


def test_a_load_that_was_killed_before_it_summed_up(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = write(tmp_path / "logs", *(call(n) for n in range(6)))
    load([folder], address(url), [DAILY])
    write(folder, *(call(n) for n in range(12)))
    with monkeypatch.context() as patched:
        patched.setattr(loading, "_summed_up", lambda database: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load([folder], address(url))
    assert load([], address(url)).rollups == {str(DAILY): 3}
    assert_right(url, folder, DAILY)


def test_the_view_of_sqlite_is_in_dollars(tmp_path: Path):
    folder = write(tmp_path / "logs", call(1, cost_usd="0.5"))
    url = f"sqlite:///{tmp_path}/calls.db"
    load([folder], address(url), [rollup("hour", ["user", "provider"])])
    found = asked(
        url, "SELECT hour, user_id, provider, cost_usd FROM costspan_rollup_hour_user_provider"
    )
    assert found == [("2026-11-20T11:00:00Z", None, "openai", 0.5)]


@pytest.mark.parametrize(
    ("unit", "words", "name"),
    [
        ("day", [], "costspan_rollup_day"),
        ("day", ["endpoint", "model"], "costspan_rollup_day_endpoint_model"),
        ("hour", ["tag:team", "agent"], "costspan_rollup_hour_tag_team_agent"),
        ("hour", ["agent", "agent"], "costspan_rollup_hour_agent"),
    ],
)
def test_names_of_tables(unit: str, words: list[str], name: str):
    assert rollup(unit, words).name == name


def test_names_of_tables_for_odd_and_long_words():
    odd, other = rollup("day", ["tag:Team's"]), rollup("day", ["tag:team's"])
    assert odd.name != other.name
    assert odd.name.startswith("costspan_rollup_day_tag_")
    longest = rollup("day", ["agent", "session", "endpoint", "user", "model", "provider", "tag:a"])
    assert len(longest.name) == 63


@pytest.mark.parametrize(
    ("unit", "words", "said"),
    [
        ("month", [], "write day or hour"),
        ("day", ["session_id"], "write session"),
        ("day", ["hour"], "a rollup is by agent"),
        ("day", ["call"], "a rollup is by agent"),
        ("day", ["color"], "there is no report by 'color'"),
    ],
)
def test_what_cannot_be_kept(unit: str, words: list[str], said: str):
    with pytest.raises(ConfigurationError, match=said):
        rollup(unit, words)
