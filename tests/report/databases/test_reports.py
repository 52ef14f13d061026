"""A report over a database that was loaded is that over the files, to the last digit."""

import contextlib
import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from costspan.cli import main
from costspan.errors import ConfigurationError
from costspan.export.schema import rfc3339
from costspan.report.databases.address import address
from costspan.report.databases.loading import load
from costspan.report.databases.opening import reading
from costspan.report.query import Question, Report, ask
from tests.report.databases.conftest import KINDS, empty
from tests.report.folders import GAP, line, write
from tests.report.test_exactness import START, calls

DEAREST = 9_223_372 * 10**12
BY = ("agent", "day", "model", "tag:team", "tag:cost_usd")

picos = st.integers(-(10**10), DEAREST).map(lambda count: f"{count // 10**12}.{count % 10**12:012}")
numbers = st.none() | st.integers(0, 10**9)
texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
moments = st.integers(0, 4 * 86_400 * 10**6).map(lambda us: rfc3339(START + us * 1000))
wilder = st.fixed_dictionaries(
    {"timestamp": moments, "latency_ms": st.floats(0, 1e9), "runtime_seconds": st.floats(0, 1e6)},
    optional={
        "agent": texts,
        "session_id": texts,
        "error": texts,
        "cost_usd": st.none() | st.integers(0, 10**17).map(lambda n: f"0.{n:017}"[:14]),
        "tools_usd": st.none() | picos.filter(lambda amount: not amount.startswith("-")),
        "cached_tokens": numbers,
        "total_tokens": numbers,
        "time_to_first_token_ms": st.none() | st.floats(0, 1e7),
        "stream": st.booleans(),
        "corrects": st.sampled_from([None, "00f067aa0ba902b7"]),
        "missing": st.lists(st.text("ab", max_size=2), max_size=2),
        "finish_reasons": st.none() | st.lists(st.sampled_from(["stop", "length"]), max_size=2),
        "trace_id": st.sampled_from([None, "4bf92f3577b34da6a3ce929d0e0e4736"]),
        "schema": st.sampled_from([1, 2]),
        "tags": st.dictionaries(
            st.sampled_from(["team", "Team", "n"]),
            st.text("xy", max_size=2) | st.integers(0, 9) | st.booleans() | st.floats(0, 9),
        ),
    },
)
odd = st.sampled_from(
    [
        {"agent": 5},
        {"agent": {"a": [1, True]}},
        {"input_tokens": "12"},
        {"input_tokens": 1.5},
        {"output_tokens": True},
        {"output_tokens": 10**30},
        {"latency_ms": "7.5"},
        {"latency_ms": "NaN"},
        {"latency_ms": "inf"},
        {"runtime_seconds": "NaN"},
        {"time_to_first_token_ms": "-inf"},
        {"missing": "x"},
        {"missing": None},
        {"finish_reasons": [1, None]},
        {"stream": 1},
        {"stream": None},
        {"retries": None},
        {"tags": None},
        {"tags": [1]},
        {"schema": "1"},
        {"server_port": "https"},
        {"timestamp": "2026-11-21"},
        {"timestamp": "2026-11-21T10:00:00Z"},
        {"timestamp": "2026-11-21T10:00:00+02:00"},
        {"timestamp": "0001-01-01T00:00:00+02:00"},
        {"cost_usd": "1e30"},
        {"timestamp": None},
        {"timestamp": 5},
        {"status": None},
        {"schema": 0},
        {"kind": None},
        {"kind": "note"},
    ]
)
BEYOND = [
    line().replace('"latency_ms": 1000.0', '"latency_ms": 1e400'),
    line().replace('"time_to_first_token_ms": null', '"time_to_first_token_ms": 1e400'),
]
"""Numbers of JSON that no double holds."""

noise = st.sampled_from([*BEYOND, "torn", "", "7", "[]", '{"level":"INFO"}', GAP, line()[:60]])
lines = st.lists(
    calls.map(lambda one: line(**one))
    | wilder.map(lambda one: line(**one))
    | odd.map(lambda one: line(**one))
    | noise,
    min_size=1,
    max_size=12,
)


def same(url: str, folder: Path, **question: Any) -> Report:
    """The report over the files, which that over the database equals."""
    over_files = ask(Question([folder], **question))
    over_database = ask(Question([url], **question))
    passed = structs.replace(over_files.passed_over, lines=0, records=0, named=())
    expected = structs.replace(over_files, passed_over=passed, files=over_database.files)
    assert over_database == expected
    return over_files


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_over_any_folder(kind: str, request: pytest.FixtureRequest, data: st.DataObject):
    found = data.draw(lines)
    by = tuple(data.draw(st.lists(st.sampled_from(BY), max_size=2, unique=True)))
    where = data.draw(
        st.sampled_from(
            [None, "cost_usd > 0.5", "stream and tags.team is not null", "latency_ms < 5e5",
             "'length' in finish_reasons or agent like 'a%' or list_contains(missing, 'a')"]
        )
    )  # fmt: skip
    since = data.draw(st.sampled_from([None, "2026-11-20", "2026-11-21T10:00"]))
    with tempfile.TemporaryDirectory() as name:
        folder, url = Path(name, "logs"), empty(kind, request, Path(name))
        write(folder, *found[::2])
        write(folder, *found[1::2], name="llm_trace_2026-11-20.jsonl.gz")
        load([folder], address(url))
        load([folder], address(url))
        same(url, folder, by=by, where=where, since=since)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path / "logs",
        *(
            line(
                agent=f"a{n % 3}",
                timestamp=f"2026-11-{20 + n % 3}T10:{n:02}:00.000001Z",
                cost_usd=f"0.0{n:02}" if n % 7 else None,
                status="priced" if n % 7 else "unpriced",
                latency_ms=n / 3,
                tags={"team": f"t{n % 2}", "Team": n},
            )
            for n in range(30)
        ),
        GAP,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--by", "agent"),
        ("--by", "tag:team,tag:Team", "--top", "3", "--json"),
        ("--by", "day", "--csv"),
        ("--by", "agent", "--since", "2026-11-21", "--until", "2026-11-22", "--compare", "--json"),
        ("--where", "cost_usd > 0.01 and tags.team = 't1'", "--markdown"),
        ("--fail-over", "0.1"),
        ("--by", "call", "--where", "no such field"),
    ],
)
def test_every_option_of_the_command(url: str, folder: Path, arguments: tuple[str, ...]):
    load([folder], address(url))
    over_files, over_database = printed(str(folder), *arguments), printed(url, *arguments)
    assert over_database == over_files
    assert over_files[0] in (0, 1, 2)


def printed(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors; but for the count of files."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["report", *arguments])
    text = out.getvalue()
    if "--json" in arguments:
        text = json.dumps(json.loads(text) | {"files": 0})
    return code, text, err.getvalue()


def test_the_page(url: str, folder: Path, tmp_path: Path):
    """The same document. Over longer times the files' names may decide the unit of its axis."""
    load([folder], address(url))
    pages = []
    for number, place in enumerate((folder, url)):
        asked = ("--since", "2026-11-20", "--until", "2026-11-22", "--html", tmp_path / f"{number}")
        assert printed(str(place), *map(str, asked))[0] == 0
        text = (tmp_path / f"{number}").read_text()
        pages.append(re.sub(r'Made .*?<|[\d,]+ files?|"files":\d+|"made_at":"[^"]+"', "", text))
    assert pages[1] == pages[0]


def test_files_and_a_database_together(url: str, folder: Path, tmp_path: Path):
    load([folder], address(url))
    more = write(tmp_path / "more", line(agent="a1", cost_usd="2"))
    report = ask(Question([url, more], ("agent",)))
    assert report.total.calls == 31
    assert report.files == 2
    assert report.total.cost_usd == ask(Question([folder])).total.cost_usd + 2


def test_a_database_without_a_call(url: str, tmp_path: Path):
    load([write(tmp_path / "logs")], address(url))
    report = ask(Question([url]))
    assert (report.total.calls, report.files, report.passed_over.empty_files) == (0, 0, 0)


def test_a_number_beyond_a_double_spoils_nothing(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", line(), *BEYOND)
    load([folder], address(url))
    found = same(url, folder)
    assert (found.total.calls, found.passed_over.lines) == (2, 1)
    assert (found.total.latency, found.total.first_token) == ((1000.0,) * 3, None)


def test_a_dear_call_keeps_every_digit(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", line(cost_usd="9223372.036854775807"), line(cost_usd="0.1"))
    load([folder], address(url))
    same(url, folder)


def test_the_files_may_be_gone(url: str, folder: Path):
    load([folder], address(url))
    before = ask(Question([folder], ("agent",)))
    for path in folder.iterdir():
        path.unlink()
    assert ask(Question([url], ("agent",))).rows == before.rows


def test_nothing_in_the_database_is_changed(url: str, folder: Path):
    load([folder], address(url))
    with reading(address(url)) as database, pytest.raises(ConfigurationError, match="read"):
        database.ask("DELETE FROM costspan_gaps")
