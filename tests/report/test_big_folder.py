"""Every command that reads a folder, over one that does not fit into its memory.

`make proof` asks for 10 GB, and for 512 MiB at most of each whole process. Here the folder is
small, and so is the memory that DuckDB gets: what cannot be put on disk fails.
"""

import json
import logging
import os
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path
from statistics import quantiles

import pytest

from tests.benchmarks import reported
from tests.report.reconciling.exports import cost, openai_costs

GIGABYTES = float(os.environ.get("COSTSPAN_FOLDER_GB", "0"))
"""How large the folder is; if none is named, as large as the test suite has time for."""

CALLS = int(GIGABYTES * 10**9 / 1216) or 70_000
MOST = 512 << 10
"""KiB of a whole process."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the memory of a process is read as Linux tells"
)
streamed = pytest.mark.skipif(
    not GIGABYTES, reason="goes line by line: a small folder shows nothing of its memory"
)

_SMALL = """
import sys
from costspan.report import engine, query
engine._MEMORY, engine._MOST_THREADS, query._MOST_EXACT_BYTES = "64MiB", 1, 0
"""
"""Less memory for DuckDB, and nothing exact where much would not be."""

_RUN = """
from costspan.cli import main
code = main()
sys.stdout.flush()
with open("/proc/self/status") as status:
    sys.stderr.writelines(line for line in status if line.startswith("VmHWM:"))
sys.exit(code)
"""
"""The peak is asked of this program's own memory: that of `getrusage` has the parent's in it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "logs"
    reported.written(path, CALLS, is_each_its_own=True)
    return path


@cache
def lines() -> list[tuple[dict, int]]:
    """The lines that come back, each with how often it stands in the folder."""
    times = [0] * reported.DISTINCT
    for day in range(reported.DAYS):
        count = CALLS * (day + 1) // reported.DAYS - CALLS * day // reported.DAYS
        whole, rest = divmod(count, reported.DISTINCT)
        times = [n + whole + (place < rest) for place, n in enumerate(times)]
    found = (json.loads(line, parse_float=Decimal) for line in reported._lines())
    return list(zip(found, times, strict=True))


def dollars(by: str | None = None) -> dict[str | None, Decimal]:
    """By a field; of all calls under None where it is left out."""
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for line, times in lines():
        sums[by and line[by]] += Decimal(line["cost_usd"] or 0) * times
    return dict(sums)


def ran(*arguments: object, code: int = 0) -> str:
    """What a command prints that ends so, and with no more memory than it may have."""
    program = ("import sys" if GIGABYTES else _SMALL) + _RUN
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    most = int(done.stderr.rpartition("VmHWM:")[2].split()[0])
    logging.getLogger(__name__).info("%d MiB: costspan %s", most >> 10, arguments[0])
    assert most <= MOST
    return done.stdout


@pytest.mark.parametrize(("words", "field"), [("agent", "agent"), ("session", "session_id")])
def test_report(folder: Path, words: str, field: str):
    found = json.loads(ran("report", "--by", words, "--json", folder), parse_float=Decimal)
    assert found["percentiles"] == "approximate"
    assert (found["total"]["calls"], found["total"]["cost_usd"]) == (CALLS, dollars()[None])
    by = words.partition(",")[0]
    assert {row[by]: row["cost_usd"] for row in found["rows"]} == dollars(field)
    some = max(found["rows"], key=lambda row: row["cost_usd"])
    of_some = [pair for pair in lines() if pair[0][field] == some[by]]
    for sums, calls in ((found["total"], lines()), (some, of_some)):
        values = [line["latency_ms"] for line, times in calls for _ in range(min(times, 50))]
        exact = quantiles(values, n=100, method="inclusive")
        for name, place in (("p50", 49), ("p95", 94), ("p99", 98)):
            near = pytest.approx(float(exact[place]), rel=0.011)
            assert float(sums[f"latency_{name}_ms"]) == near


@pytest.mark.parametrize("word", ["call", "trace"])
def test_report_of_as_many_rows_as_there_are_calls(folder: Path, word: str):
    found = json.loads(ran("report", "--by", word, "--top", 3, "--json", folder))
    assert found["total"]["calls"] == CALLS
    assert len(found["rows"]) == 3
    assert all(row["latency_p50_ms"] is not None for row in found["rows"])
    assert found["other"]["calls"] == CALLS - sum(row["calls"] for row in found["rows"])


def test_page(folder: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    said = ran("report", "--html", page, folder)
    assert f"{CALLS:,} calls, " in said
    assert page.stat().st_size > 10_000


def test_as_if(folder: Path):
    said = ran("report", "--as-if", "gpt-5-mini", "--by", "session", "--json", folder)
    found = json.loads(said, parse_float=Decimal)
    assert found["total"]["calls"] == CALLS
    assert {row["session"]: row["cost_usd"] for row in found["rows"]} == dollars("session_id")


@pytest.mark.parametrize("by", [[], ["--by", "session"]])
def test_waste(folder: Path, by: list[str]):
    found = json.loads(ran("waste", "--json", *by, folder), parse_float=Decimal)
    assert (found["total"]["calls"], found["total"]["cost_usd"]) == (CALLS, dollars()[None])
    assert found["total"]["failed_calls"] == sum(n for line, n in lines() if line["error"])
    if by:
        assert {row["session"]: row["cost_usd"] for row in found["rows"]} == dollars("session_id")


@pytest.mark.parametrize("per", ["day", pytest.param("call", marks=streamed)])
def test_export(folder: Path, tmp_path: Path, per: str):
    out = tmp_path / "focus.csv"
    ran("export", "--format", "focus", "--per", per, "--by", "user", "--out", out, folder)
    with out.open() as file:
        head = next(file).rstrip("\n").split(",")
        place = head.index("BilledCost")
        assert place == 0
        total = sum(Decimal(row.partition(",")[0]) for row in file)
    out.unlink()
    assert total == dollars()[None]


def test_reconcile(folder: Path, tmp_path: Path):
    against = tmp_path / "openai.json"
    against.write_text(json.dumps(openai_costs([cost(1.0)], [cost(1.0)])))
    found = json.loads(ran("reconcile", "--against", against, "--json", folder))
    assert found["theirs"] == 2


@streamed
def test_show(folder: Path):
    trace = f"{20 << 100:032x}"
    assert trace in ran("show", trace, folder)


@streamed
def test_load(folder: Path, tmp_path: Path):
    path = tmp_path / "calls.db"
    found = json.loads(ran("load", "--into", f"sqlite:///{path}", "--json", folder))
    path.unlink()
    assert found["new"] == CALLS


@streamed
def test_replay(folder: Path):
    found = json.loads(
        ran("replay", "--dry-run", "--json", "--to", "http://localhost:4318", folder)
    )
    assert found["spans"] == CALLS


@streamed
def test_verify(folder: Path, tmp_path: Path):
    key = tmp_path / "key"
    key.write_text("a key of thirty-two letters or so")
    said = ran("verify", "--json", "--key-file", key, folder, code=1)
    assert json.loads(said)["counts"]["lines"] == CALLS
