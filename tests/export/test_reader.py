"""Reading: every call of the files, and the name and place of everything that is none."""

import gzip
import json
import os
import random
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import LocalFiles
from costspan.call import Cost
from costspan.export import folders, reader
from costspan.export.calls import CallsFile
from costspan.export.compression import compressor
from costspan.export.naming import COMPRESSED
from costspan.export.reader import Problem, Reading
from costspan.export.schema import encoded
from tests.cost.calls import finished

FUZZED = int(os.environ.get("COSTSPAN_FUZZ_LINES", "30000"))
"""Lines: `make proof` asks for a million."""

DAY = "llm_trace_2026-11-22.jsonl"
GAP = (
    b'{"schema":1,"kind":"gap","timestamp":"2026-11-22T12:00:01.000000Z","lost":3,"from":'
    b'"2026-11-22T12:00:00.000000Z","to":"2026-11-22T12:00:00.500000Z","reason":"No space left '
    b'on device","pid":7}\n'
)


def line(number: int = 1, **changes: object) -> bytes:
    call = finished(agent=f"agent {number}", input_tokens=number, output_tokens=2)
    made = json.loads(encoded(call, Cost(status="priced", total=number)), parse_float=Decimal)
    return json.dumps(made | changes, default=float).encode() + b"\n"


def read(*places: Path) -> tuple[list[int | None], Reading]:
    """The input tokens of each call, which tell the calls of this file apart."""
    reading = Reading(places)
    return [call.input_tokens for call in reading], reading


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / DAY


def test_what_was_written_is_read(tmp_path: Path):
    written = CallsFile(LocalFiles(tmp_path))
    cost = Cost(status="priced", total=123_456_789_012_345_678, input=0)
    written(finished(agent="Zoë", tags={"a": 0.5, "b": True}, input_tokens=7), cost)
    written.close()
    reading = Reading(tmp_path)
    (call,) = reading
    assert (call.agent, call.tags, call.input_tokens) == ("Zoë", {"a": Decimal("0.5"), "b": 1}, 7)
    assert call.cost_usd == Decimal("123456.789012345678")
    assert (call.input_usd, call.output_usd) == (0, None)
    assert (reading.calls, reading.problems, reading.counts["files"]) == (1, [], 1)


def test_each_iteration_begins_anew(file: Path):
    file.write_bytes(line(1) + b"torn\n")
    reading = Reading(file)
    for _ in range(2):
        assert len(list(reading)) == 1
        assert (reading.calls, reading.counts["torn"], len(reading.problems)) == (1, 1, 1)


class TestFolders:
    """Which files are read, and in which order."""

    def test_files_in_the_order_of_their_periods(self, tmp_path: Path):
        names = [
            "llm_trace_2026-11-20.jsonl",
            "llm_trace_2026-11-21.jsonl.gz",
            "llm_trace_2026-11-21.0001.jsonl",
            "llm_trace_2026-11-21.0010.jsonl",
            "llm_trace_2026-11-22.123-abcdef.jsonl",
            "llm_trace_2026-11-22.124-abcdef.jsonl",
            "llm_trace_2026-11-22T01.jsonl",
        ]
        others = ["otlp_trace_2026-11-20.jsonl", "notes.txt", "llm_trace_2026-11-23.jsonl.gz.tmp"]
        for name in [*others, *reversed(names)]:
            (tmp_path / name).touch()
        found = folders.files_in(tmp_path, "llm_trace_")
        assert [path.name for path in found] == names

    def test_what_a_killed_compressor_left_is_passed_over(self, tmp_path: Path):
        (tmp_path / DAY).write_bytes(line(1))
        with gzip.open(tmp_path / f"{DAY}.gz", "wb") as packed:
            packed.write(line(1) + line(2))
        assert read(tmp_path)[0] == [1, 2]

    @pytest.mark.parametrize("kind", ["gzip", "zstd"])
    def test_packed_files(self, tmp_path: Path, kind: str):
        path = tmp_path / f"{DAY}{COMPRESSED[kind]}"
        with path.open("wb") as raw, compressor(kind)(raw) as packed:
            packed.write(line(1) + line(2))
        assert read(tmp_path)[0] == [1, 2]

    def test_several_places_each_file_once(self, tmp_path: Path):
        for name, number in (("a", 1), ("b", 2)):
            (tmp_path / name).mkdir()
            (tmp_path / name / DAY).write_bytes(line(number))
        found, reading = read(tmp_path / "a", tmp_path / "b", tmp_path / "a" / DAY)
        assert (found, reading.counts["files"]) == ([1, 2], 2)

    def test_a_file_of_any_name(self, tmp_path: Path):
        (tmp_path / "mine.txt").write_bytes(line(1))
        assert read(tmp_path / "mine.txt")[0] == [1]

    def test_a_place_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(FileNotFoundError, match="there is no such file or folder"):
            read(tmp_path / "nowhere")

    def test_a_file_that_is_compressed_between_listing_and_reading(self, file: Path):
        file.write_bytes(line(1))
        paths = folders.files_in(file.parent, "llm_trace_")
        with gzip.open(f"{file}.gz", "wb") as packed:
            packed.write(file.read_bytes())
        file.unlink()
        assert [raw.text for path in paths for raw in folders.lines_of(path)] == [line(1)]


class TestPassedOver:
    """What is no call is counted and named, and the rest is read."""

    @pytest.mark.parametrize(
        ("other", "what"),
        [
            (line(9)[:-40] + b"\n", "torn"),
            (b"\xff\xfe\x00\n", "torn"),
            (b'{"schema":1}\n', "foreign"),
            (b'{"resourceSpans":[]}\n', "foreign"),
            (b"[1, 2]\n", "foreign"),
            (b'"text"\n', "foreign"),
            (line(9, schema="1"), "foreign"),
            (line(9, schema=0), "foreign"),
            (line(9, cost_usd="0.5"), "foreign"),
            (line(9, cost_usd=True), "foreign"),
            (line(9, timestamp=5), "foreign"),
            (line(9, input_tokens=1.5), "foreign"),
            (b'{"schema":2,"everything":"else"}\n', "newer"),
            (b'{"schema":1,"kind":"gap","lost":"many"}\n', "foreign"),
            (b'{"schema":1,"kind":"opened"}\n', "foreign"),
            (b"[" * 100_000 + b"\n", "torn"),
            (b'{"a":' * 100_000 + b"\n", "torn"),
        ],
        ids=lambda value: value if isinstance(value, str) else value[:40].decode("latin-1"),
    )
    def test_a_line(self, file: Path, other: bytes, what: str):
        file.write_bytes(line(1) + other + line(2))
        found, reading = read(file)
        assert found == [1, 2]
        if other.startswith((b"[[", b'{"a":{')):
            assert reading.problems[0].what in ("torn", "foreign")  # too deep to tell
        else:
            assert reading.problems == [Problem(file, 2, what)]
            assert str(reading.problems[0]) == f"{file}:2: {what}"
        assert reading.counts["lines"] == 3

    def test_the_last_line_without_its_newline_is_a_line(self, file: Path):
        file.write_bytes(line(1) + line(2)[:-1])
        assert read(file)[0] == [1, 2]

    def test_the_last_line_of_a_killed_process(self, file: Path):
        file.write_bytes(line(1) + line(2)[:-2])
        found, reading = read(file)
        assert (found, reading.problems) == ([1], [Problem(file, 2, "torn")])

    def test_a_gap(self, file: Path):
        file.write_bytes(line(1) + GAP + line(2))
        found, reading = read(file)
        assert (found, reading.lost, reading.counts["gaps"]) == ([1, 2], 3, 1)
        (gap,) = reading.gaps
        assert (gap.lost, gap.reason) == (3, "No space left on device")
        assert gap.since < gap.until
        assert reading.problems == []

    def test_blank_lines_are_nothing(self, file: Path):
        file.write_bytes(b"\n" + line(1) + b"\n \n")
        found, reading = read(file)
        assert (found, reading.problems, reading.counts["blank"]) == ([1], [], 3)

    def test_an_older_version_had_fewer_fields(self, file: Path):
        older = {
            name: value
            for name, value in json.loads(line(1)).items()
            if name not in ("retries", "tags", "missing", "stream", "corrects", "tools_usd")
        }
        file.write_bytes(json.dumps(older).encode())
        (call,) = Reading(file)
        assert (call.retries, call.tags, call.missing, call.stream) == (0, {}, (), False)
        assert (call.corrects, call.tools_usd, call.input_tokens) == (None, None, 1)

    def test_a_newer_version_with_more_fields_is_read(self, file: Path):
        file.write_bytes(line(1, schema=2, colour="red"))
        (call,) = Reading(file)
        assert (call.schema, call.input_tokens) == (2, 1)

    def test_an_empty_file(self, file: Path):
        file.touch()
        found, reading = read(file)
        assert (found, reading.problems) == ([], [Problem(file, 0, "empty")])

    @pytest.mark.parametrize("kind", ["gzip", "zstd"])
    def test_a_packed_file_that_was_cut(self, tmp_path: Path, kind: str):
        packed = tmp_path / f"{DAY}{COMPRESSED[kind]}"
        chance = random.Random(1)
        made = b"".join(line(n, response_id=chance.randbytes(9000).hex()) for n in range(200))
        with packed.open("wb") as raw, compressor(kind)(raw) as file:
            file.write(made)
        os.truncate(packed, packed.stat().st_size // 2)
        found, reading = read(packed)
        assert found == list(range(len(found)))
        assert 0 < len(found) < 200
        (problem,) = reading.problems
        assert (problem.what, problem.path) == ("unreadable", packed)
        assert problem.line == len(found) + 1

    @pytest.mark.parametrize("kind", ["gzip", "zstd"])
    def test_a_packed_file_that_is_none(self, tmp_path: Path, kind: str):
        packed = tmp_path / f"{DAY}{COMPRESSED[kind]}"
        packed.write_bytes(line(1))
        assert [one.what for one in read(packed)[1].problems] == ["unreadable"]

    def test_a_line_without_an_end_is_not_kept_in_memory(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(folders, "LONGEST_LINE", 1 << 16)
        file.write_bytes(line(1) + b"x" * (20 << 20) + b"\n" + line(2))
        tracemalloc.start()
        found, reading = read(file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (found, reading.problems) == ([1, 2], [Problem(file, 2, "foreign")])
        assert peak < 2 << 20

    def test_problems_are_named_up_to_a_number(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reader, "_MOST_KEPT", 3)
        file.write_bytes(b"torn\n" * 5 + GAP * 5 + line(1))
        found, reading = read(file)
        assert (found, len(reading.problems), len(reading.gaps)) == ([1], 3, 3)
        assert (reading.counts["torn"], reading.lost) == (5, 15)


def mutated(chance: random.Random, text: bytes) -> bytes:
    """A line with something done to it; what is left of it may still be a line."""
    made = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) or 1)
        match chance.randrange(6):
            case 0:
                del made[at : at + chance.randint(1, 30)]
            case 1:
                made[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                del made[at:]
            case 4:
                made[at:at] = made[: chance.randint(1, 60)]
            case 5:
                made[at:at] = chance.choice([b"1e999", b"NaN", b"null", b'"\\ud800"', b"{}", b"-"])
    return bytes(made)


def noise(chance: random.Random) -> bytes:
    """Something that was never a line."""
    match chance.randrange(5):
        case 0:
            return chance.randbytes(chance.randint(0, 200))
        case 1:
            return b"[" * chance.randint(1, 3000)
        case 2:
            return json.dumps({"schema": chance.randint(-3, 9), "kind": "gap"}).encode()
        case 3:
            return b'{"schema":1' + b',"a":1' * chance.randint(1, 50) + b"}"
    return b"1" * chance.randint(1, 5000)


def test_random_and_mutated_lines(tmp_path: Path):
    """No crash, every whole line read once and in its order, and everything counted."""
    chance = random.Random(20261122)
    seeds = [line(-1), GAP, line(-1, tags={"a": [1, {"b": 2}]}, cost_usd=0.000000000001)]
    whole = encoded(finished(agent="whole", input_tokens=12345678), Cost(status="priced", total=1))
    before, after = whole.split(b"12345678")
    good, total, path = 0, 0, tmp_path / DAY
    with path.open("wb") as file:
        while total < FUZZED:
            total += 1
            kind = chance.randrange(3)
            if kind == 0:
                file.write(before + str(10**8 + good).encode() + after)
                good += 1
                continue
            text = noise(chance) if kind == 1 else mutated(chance, chance.choice(seeds))
            file.write(text.replace(b"\n", b" ") + b"\n")
    reading = Reading(tmp_path)
    expected = 10**8
    for call in reading:
        if call.agent == "whole":
            assert call.input_tokens == expected
            expected += 1
    assert expected == 10**8 + good
    counts = reading.counts
    assert counts["lines"] == total
    words = ("calls", "gaps", "records", "blank", "torn", "foreign", "newer")
    assert sum(counts[word] for word in words) == total
    assert counts["torn"] > total / 5
    assert counts["foreign"] > 0
