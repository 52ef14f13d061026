"""The calls of a question as a table: what is read of them, and what is passed over."""

from decimal import Decimal
from pathlib import Path

import pytest

from costspan.report import sheet
from costspan.report.running import run
from costspan.report.selection import asked, files_of
from tests.report.folders import GAP, line, write


def read(folder: Path, columns: dict[str, str], fields: set[str], **question: object) -> list:
    """The columns of `calls`, in the order of their dollars."""
    what = asked([folder], question.pop("by", ()), **question)

    def work(engine: object, files: object) -> list:
        sheet.fill(engine, files, what, {"cost_usd": "cost_usd", **columns}, {"cost_usd", *fields})
        keys = [f"k{place}" for place in range(len(what.by))]
        wanted = ", ".join((*keys, *columns, "cost_usd"))
        return engine.execute(f"SELECT {wanted} FROM calls ORDER BY cost_usd").fetchall()

    with files_of(what, {"cost_usd", *fields}) as files:
        return run(files, work, what.written)[0]


def test_keys_and_columns(tmp_path: Path):
    write(tmp_path, line(agent="a", cost_usd="1"), line(cost_usd="2", input_tokens=7))
    columns = {"twice": "2 * input_tokens", "more": "twice + 1"}
    found = read(tmp_path, columns, {"input_tokens"}, by=("agent", "day"))
    assert found == [("a", "2026-11-21", 200, 201, 1), (None, "2026-11-21", 14, 15, 2)]


def test_tags_whose_keys_differ_by_case_only(tmp_path: Path):
    write(
        tmp_path,
        line(cost_usd="1", tags={"Team": "x", "team": "y"}),
        line(cost_usd="2", tags={"team": "z"}),
        line(cost_usd="3", tags={"other": "z"}),
    )
    by = ("tag:Team", "tag:team")
    found = read(tmp_path, {}, set(), by=by, where="tags.team in ('y', 'z')")
    assert found == [("x", "y", 1), (None, "z", 2)]


def test_dear_calls_keep_every_digit(tmp_path: Path):
    amount = "9123456.123456789012"
    write(tmp_path, line(cost_usd="0.000000000001"), line(cost_usd=amount))
    assert read(tmp_path, {}, set()) == [(Decimal("0.000000000001"),), (Decimal(amount),)]


def test_what_is_no_call_is_counted_apart(tmp_path: Path):
    audit = '{"schema":1,"kind":"seal","timestamp":"2026-11-21T10:00:00.000000Z"}'
    write(tmp_path, line(), GAP, GAP, audit, "torn", '{"a":1}', "", line(schema=2))

    def work(engine: object, files: object) -> list:
        sheet.fill(engine, files, what, {"cost_usd": "cost_usd"}, {"cost_usd"})
        return engine.execute(sheet.NOTES).fetchall()

    what = asked([tmp_path], ())
    with files_of(what, {"cost_usd"}) as files:
        rows = run(files, work)[0]
    notes = {row[0]: row for row in rows if row[0] or row[6]}
    kinds = [row for row in rows if not row[0] and not row[6]]
    assert notes[True][7:] == (2, False, 2)
    assert notes[False][9] == 2
    assert [row[3:6] for row in kinds] == [(2, 6, 1)]


def test_times_and_conditions(tmp_path: Path):
    for day in (20, 21, 22):
        write(
            tmp_path,
            line(timestamp=f"2026-11-{day}T10:00:00Z", cost_usd=str(day)),
            name=f"llm_trace_2026-11-{day}.jsonl",
        )
    window = {"since": "2026-11-21", "until": "2026-11-22T11:00"}
    assert read(tmp_path, {}, set(), **window) == [(21,), (22,)]
    assert read(tmp_path, {}, set(), **window, where="cost_usd > 21") == [(22,)]


@pytest.mark.parametrize("top", [None, 0, 2, 5])
def test_the_dearest_and_the_others_as_one(tmp_path: Path, top: int | None):
    write(tmp_path, *(line(agent=f"a{n}", cost_usd=str(n)) for n in (3, 1, 5, 2, 4)))
    what = asked([tmp_path], ("agent",))
    statement = (
        "SELECT grouping(k0) = 1 AS is_total, k0, sum(cost_usd) AS usd FROM calls "
        "GROUP BY GROUPING SETS ((k0), ())"
    )

    def work(engine: object, files: object) -> list:
        sheet.fill(engine, files, what, {"cost_usd": "cost_usd"}, {"cost_usd"})
        return engine.execute(sheet.dearest(statement, 1, ["usd"], "usd", top)).fetchall()

    with files_of(what, {"cost_usd"}) as files:
        total, *rows = run(files, work)[0]
    assert total == (True, None, 15, 0)
    shown = [(False, f"a{n}", n, 0) for n in (5, 4, 3, 2, 1)]
    assert rows == ([*shown[:2], (False, None, 6, 3)] if top == 2 else shown)
