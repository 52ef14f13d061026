"""A line is loaded once, however often, and whatever came between."""

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import LocalFiles, Prices
from costspan.errors import ConfigurationError
from costspan.export import compression
from costspan.export.calls import CallsFile
from costspan.report.databases import loading
from costspan.report.databases.address import address
from costspan.report.databases.loading import Loaded, load
from costspan.report.databases.rollups import rollup
from tests.cost.calls import finished
from tests.report.databases.tables import asked, calls, dollars
from tests.report.folders import GAP, line, write

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LOADING = """
import sys
from costspan.report.databases import loading
from costspan.report.databases.address import address

loading.BATCH = 7
print("ready", flush=True)
sys.stdin.readline()
into = address(sys.argv[2])
loaded = loading.load([sys.argv[1]], into, told=lambda calls: print(calls, flush=True))
print("new", loaded.new, flush=True)
"""


def known(number: int, **fields: object) -> str:
    """A line that tells its ids."""
    return line(trace_id=TRACE, span_id=f"{number + 1:016x}", agent=f"a{number}", **fields)


def loaded(url: str, *places: Path) -> Loaded:
    return load(places, address(url))


def begun(folder: Path, url: str) -> "subprocess.Popen[str]":
    """A process that is about to load."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOADING, str(folder), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_again_is_nothing_new(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", *(known(n) for n in range(20)))
    first, second = loaded(url, folder), loaded(url, folder)
    assert (first.files, first.calls, first.new) == (1, 20, 20)
    assert (second.files, second.calls, second.new) == (1, 20, 0)
    assert dollars(url) == 10


@pytest.mark.parametrize("with_ids", [True, False])
def test_lines_that_come_later_and_files_that_are_packed(url: str, tmp_path: Path, with_ids: bool):
    make = known if with_ids else (lambda n: line(agent=f"a{n}"))
    folder = tmp_path / "logs"
    plain = folder / "llm_trace_2026-11-21.jsonl"
    write(folder, make(0), make(1))
    assert loaded(url, folder).new == 2
    write(folder, make(0), make(1), make(2))
    assert loaded(url, folder).new == 1
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    write(folder, make(3), name="llm_trace_2026-11-21.0001.jsonl")
    assert loaded(url, folder).new == 1
    elsewhere = folder.rename(tmp_path / "archive")
    assert loaded(url, elsewhere).new == 0
    with compression.zstd().open(elsewhere / f"{plain.name}.zst", "wb") as packed:
        packed.write(gzip.decompress((elsewhere / f"{plain.name}.gz").read_bytes()))
    (elsewhere / f"{plain.name}.gz").unlink()
    assert loaded(url, elsewhere).new == 0
    assert calls(url, "agent") == ["a0", "a1", "a2", "a3"]


def test_what_our_own_writer_rotates_and_packs(url: str, tmp_path: Path):
    """Loaded now and then, while files become full, are closed and packed."""
    files = LocalFiles(tmp_path / "logs", rotate="4 KB", compress="gzip")
    file = CallsFile(files)
    prices = Prices()
    for number in range(60):
        call = finished("gpt-4o-mini", agent=f"a{number:02}", input_tokens=number, output_tokens=1)
        file(call, prices.cost(call))
        if number % 20 == 9:
            loaded(url, tmp_path / "logs")
    file.close()
    loaded(url, tmp_path / "logs")
    assert len(list((tmp_path / "logs").iterdir())) > 5
    assert calls(url, "agent") == [f"a{number:02}" for number in range(60)]


def test_a_torn_line_is_loaded_when_its_end_is_there(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", known(0), known(1)[:100], end="")
    first = loaded(url, folder)
    assert (first.new, first.passed_over.lines) == (1, 1)
    write(folder, known(0), known(1), end="")
    second = loaded(url, folder)
    assert (second.new, second.passed_over.lines) == (1, 0)
    write(folder, known(0), known(1))
    assert loaded(url, folder).new == 0


def test_alike_lines_without_ids_are_as_many_as_they_are(url: str, tmp_path: Path):
    """Two calls may look alike; in a file of the same name elsewhere they are the same two."""
    folder = write(tmp_path / "logs", line(), line())
    assert loaded(url, folder).new == 2
    write(folder, line(), line(), line())
    assert loaded(url, folder).new == 1
    write(folder, line(), name="llm_trace_2026-11-21.4711-0a.jsonl")
    assert loaded(url, folder).new == 1
    copy = write(tmp_path / "copy", line(), line(), line())
    assert loaded(url, copy).new == 0
    assert dollars(url) == 2


def test_a_call_that_tells_its_ids_is_one_wherever_it_stands(url: str, tmp_path: Path):
    """Also after another program wrote its fields in another order, or packed files into one."""
    folder = write(tmp_path / "logs", known(0), known(1))
    loaded(url, folder)
    swapped = json.dumps(dict(reversed(json.loads(known(0)).items())))
    write(tmp_path / "all", swapped, known(1), name="llm_trace_2026-11-21.9999.jsonl")
    assert loaded(url, tmp_path / "all").new == 0


def test_calls_under_one_span_are_not_one(url: str, tmp_path: Path):
    """A foreign writer may give several calls the span around them."""
    later = "2026-11-21T10:00:00.000001Z"
    folder = write(tmp_path / "logs", known(0), known(0, timestamp=later))
    assert loaded(url, folder).new == 2


def test_a_correction_is_a_line_of_its_own(url: str, tmp_path: Path):
    folder = write(
        tmp_path / "logs",
        known(0, cost_usd="0.5"),
        known(1, cost_usd="-0.2", corrects=f"{1:016x}"),
    )
    assert loaded(url, folder).new == 2
    assert dollars(url) == Decimal("0.3")


def test_two_at_once(url: str, tmp_path: Path):
    folder = tmp_path / "logs"
    for day in (19, 20, 21):
        write(
            folder,
            *(known(day * 1000 + n) for n in range(60)),
            *(line(agent=f"{day}.{n}") for n in range(60)),
            name=f"llm_trace_2026-11-{day}.jsonl",
        )
    load([], address(url))
    both = [begun(folder, url) for _ in range(2)]
    for one in both:
        go(one)
    new = [int(one.communicate(timeout=60)[0].split()[-1]) for one in both]
    assert sum(new) == 360
    assert len(calls(url, "agent")) == len(set(calls(url, "agent"))) == 360


@pytest.mark.parametrize("batches", [1, 3])
def test_killed_in_the_middle_and_run_again(url: str, tmp_path: Path, batches: int):
    folder = write(tmp_path / "logs", *(known(n) for n in range(40)), *[line()] * 3)
    process = begun(folder, url)
    go(process)
    assert process.stdout is not None
    for _ in range(batches):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    load([folder], address(url))
    assert dollars(url) == Decimal("21.5")
    assert len(calls(url, "agent")) == 43


def test_what_is_no_call_is_counted_and_named(url: str, tmp_path: Path):
    """As a report does: see tests/report/test_passed_over.py."""
    mark = '{"schema":1,"kind":"opened","audit":{}}'
    folder = write(tmp_path / "logs", known(0), "torn", "", GAP, '{"level":"INFO"}', mark)
    path = folder / "llm_trace_2026-11-21.jsonl"
    write(folder, name="llm_trace_2026-11-22.jsonl", end="")
    (folder / "llm_trace_2026-11-20.jsonl.gz").write_bytes(b"no gzip")
    found = loaded(url, folder).passed_over
    assert (found.lines, found.gaps, found.lost, found.records) == (2, 1, 3, 1)
    assert (found.empty_files, found.unreadable_files, found.is_newer) == (1, 1, False)
    assert found.named[1:] == (
        f"{path}:2: torn",
        f"{path}:5: foreign",
        f"{folder / 'llm_trace_2026-11-22.jsonl'}: empty",
    )
    loaded(url, folder)
    assert asked(url, 'SELECT lost, "from", reason FROM costspan_gaps') == [
        (3, "2026-11-21T09:59:00.000000Z", "No space left on device")
    ]


def test_money_is_exact(url: str, tmp_path: Path):
    amounts = ("0.000000000001", "9223372.036854775807", "-4096.1", "999.999999999999")
    folder = write(tmp_path / "logs", *(known(n, cost_usd=one) for n, one in enumerate(amounts)))
    assert loaded(url, folder).new == 4
    assert dollars(url) == sum(map(Decimal, amounts))


def test_a_call_of_more_than_an_integer_holds_has_no_known_cost(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", known(0, cost_usd="9223372.036854775808"))
    found = loaded(url, folder)
    assert (found.calls, found.passed_over.lines) == (1, 0)
    assert calls(url, "cost_usd") == [None]


def test_the_last_day_of_all_is_rolled_up(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", known(0, timestamp="9999-12-31T23:59:59.999999Z"))
    load([folder], address(url), [rollup("day", []), rollup("hour", [])])
    for unit in ("day", "hour"):
        assert asked(url, f"SELECT calls FROM costspan_rollup_{unit}") == [(1,)]


def test_odd_texts_arrive(url: str, tmp_path: Path):
    odd = 'it\'s "\\N" \t\n\r\\ ☃ ' + chr(0x1F600) + " {} %s \x01\x02\x1f"
    tags = {odd: odd, "n": 5, "f": 1.5, "b": True, "list": [1, {"x": None}]}
    folder = write(
        tmp_path / "logs", known(0, session_id=odd, tags=tags, missing=[odd, "", "NULL"])
    )
    loaded(url, folder)
    ((session, found, missing),) = calls(url, "session_id", "tags", "missing")
    if url.startswith("sqlite"):
        found, missing = json.loads(found), json.loads(missing)
    assert (session, found, missing) == (odd, tags, [odd, "", "NULL"])


def test_what_postgresql_cannot_hold_does_not_stop_it(url: str, tmp_path: Path):
    folder = write(
        tmp_path / "logs",
        known(0, session_id="a\0b", tags={"k\0": "v\0"}),
        known(1, finish_reasons=["\0"]),
        known(2).replace('"tags": {}', '"tags": {"n": 1e99999, "deep": {"list": ["\\u0000"]}}'),
    )
    assert loaded(url, folder).new == 3
    stand_in = "\0" if url.startswith("sqlite") else "\N{REPLACEMENT CHARACTER}"
    assert f"a{stand_in}b" in calls(url, "session_id")


def test_columns_are_typed(url: str, tmp_path: Path):
    folder = write(
        tmp_path / "logs",
        known(0, latency_ms=1234.5, stream=True, timestamp="2026-11-21T12:00:00.5+02:00"),
    )
    loaded(url, folder)
    ((latency, stream, at, tokens, cost),) = calls(
        url, "latency_ms", "stream", "timestamp", "input_tokens", "cost_usd"
    )
    assert (latency, stream, tokens, float(cost)) == (1234.5, True, 100, 0.5)
    assert str(at)[:22].replace("T", " ") == "2026-11-21 10:00:00.50"


def test_a_folder_that_is_not_there(url: str, tmp_path: Path):
    with pytest.raises(ConfigurationError, match="there is no such file or folder"):
        loaded(url, tmp_path / "logs")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_memory_does_not_grow_with_the_files(tmp_path: Path):
    """Lines without ids too, of which it must be known how often they came before."""
    used = [_peak(tmp_path / str(count), count) for count in (4_000, 40_000)]
    assert used[1] - used[0] < 60, used  # what the rows alone would take is twice that


def _peak(folder: Path, count: int) -> float:
    """MiB at most of a process that loads so many lines of a kilobyte."""
    filler = "x" * 400
    lines: Sequence[str] = [
        (known(n, session_id=filler) if n % 2 else line(session_id=f"{filler}{n}"))
        for n in range(count)
    ]
    write(folder / "logs", *lines)
    code = (
        "import sys; from costspan.cli import main; main(sys.argv[1:]);"
        "print(open('/proc/self/status').read(), file=sys.stderr)"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "load",
            str(folder / "logs"),
            "--into",
            f"sqlite:///{folder}/x",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{count:,} new" in done.stdout
    kib = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert kib is not None
    return int(kib[1]) / 1024


def test_batches_are_bounded_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading, "_BATCH_BYTES", 2_000)
    folder = write(tmp_path / "logs", *(known(n) for n in range(10)))
    told: list[int] = []
    load([folder], address(f"sqlite:///{tmp_path}/x.db"), told=told.append)
    assert told == [2, 4, 6, 8, 10]
