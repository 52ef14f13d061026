"""The audit chain: whatever is done to the files is found, with its place."""

import gzip
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import costspan.settings
from costspan import ConfigurationError, JsonlSpanExporter, LocalFiles
from costspan.call import Cost
from costspan.export import queues
from costspan.export.auditing import audit, verifying
from costspan.export.auditing.keys import Key
from costspan.export.auditing.verifying import verify
from costspan.export.calls import CallsFile
from costspan.export.folders import RawLine
from costspan.export.local_files import files_of
from costspan.export.queues import Queue
from costspan.export.reader import Reading
from tests.export.auditing.audited import (
    DAY,
    NEXT_DAY,
    SECRET,
    call,
    kinds,
    places,
    verified,
    write,
)
from tests.export.otlp_lines import parsed
from tests.export_otlp.arrived import spans_of_real_calls


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two writers: opened, three calls, closed; the first of them goes on the day after."""
    folder = tmp_path_factory.mktemp("audited")
    checkpoints = folder / "elsewhere" / "checkpoints.jsonl"
    write(folder, [0, 0, 0, 1, 1], checkpoints=checkpoints)
    write(folder, [0, 0, 0], checkpoints=checkpoints)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to do something to."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def rows(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def put(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))


class TestLines:
    """What stands in the files."""

    def test_each_line_is_sealed_with_its_writer_and_number(self, written: Path):
        found = [json.loads(line) for line in rows(written / DAY)]
        first, second = found[:5], found[5:]
        for lines in (first, second):
            assert [line["audit"]["seq"] for line in lines] == [1, 2, 3, 4, 5]
            assert len({line["audit"]["writer"] for line in lines}) == 1
            assert [line.get("kind") for line in lines] == ["opened", None, None, None, "closed"]
            assert {line.get("file") for line in lines} == {DAY, None}
        assert first[0]["audit"]["writer"] != second[0]["audit"]["writer"]

    def test_the_code_is_what_the_page_says(self, written: Path):
        """HMAC-SHA256 of the code before and of the line up to its own, worked out by hand."""
        before = bytes(32)
        for line in rows(written / DAY)[:5]:
            body, mac = re.fullmatch(rb'(.*),"mac":"(.{64})"\}\}\n', line).groups()
            made = hmac.new(SECRET.encode(), before + body, sha256)
            assert made.hexdigest() == mac.decode()
            before = made.digest()

    def test_a_file_begins_with_what_was_written_last(self, written: Path):
        last = json.loads(rows(written / DAY)[4])["audit"]
        opened = json.loads(rows(written / NEXT_DAY)[0])
        assert opened["before"] == {"file": DAY, "seq": 5, "mac": last["mac"]}
        assert opened["audit"]["seq"] == 6

    def test_it_adds_few_bytes_to_a_line(self, tmp_path: Path):
        write(tmp_path / "sealed", [0] * 10)
        write(tmp_path / "plain", [0] * 10, audit_key=None)
        added = [
            len(sealed) - len(plain)
            for sealed, plain in zip(
                rows(tmp_path / "sealed" / DAY)[1:-1], rows(tmp_path / "plain" / DAY), strict=True
            )
        ]
        assert added == [135 + 1] * 8 + [135 + 2] * 2

    def test_readers_read_the_calls(self, written: Path):
        reading = Reading(written)
        assert [line.input_tokens for line in reading] == [1, 2, 3, 1, 2, 3, 4, 5]
        assert (reading.counts["records"], reading.problems) == (6, [])

    def test_the_key_stands_nowhere(self, written: Path):
        for path in written.rglob("*.jsonl"):
            assert SECRET.encode() not in path.read_bytes()


class TestSound:
    """Nothing is found where nothing was done."""

    def test_two_writers_on_two_days(self, written: Path):
        found = verified(written, checkpoints=[written / "elsewhere" / "checkpoints.jsonl"])
        assert (found.findings, found.found) == ([], 0)
        counts = found.counts
        assert (counts["lines"], counts["writers"], counts["files"]) == (14, 2, 2)
        assert str(found) == "14 lines, 2 writers, 2 files, 6 checkpoints: no findings"

    def test_a_line_that_belongs_to_the_day_before(self, tmp_path: Path):
        """Its writer goes back to the earlier file."""
        write(tmp_path, [0, 1, 0, 1])
        assert verified(tmp_path).findings == []

    def test_writers_that_move_on_while_their_files_are_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        write(tmp_path, [1], close=False)  # another one is there already
        file = write(tmp_path, [0], close=False)
        lines_of = verifying.lines_of
        moves = iter([0, 1])

        def moved_on(path: Path) -> Iterator[RawLine]:
            yield from lines_of(path)
            for number, day in enumerate(moves):
                file(call(number, day), Cost(status="priced", total=1))

        monkeypatch.setattr(verifying, "lines_of", moved_on)
        assert verified(tmp_path, allow_open=True).findings == []
        assert next(moves, None) is None

    @pytest.mark.parametrize(
        "rules",
        [
            {"rotate": "1 KB"},
            {"rotate": "1 KB", "compress": "gzip"},
            {"per_process": True},
            {"durability": "batch"},
            {"durability": "fsync"},
        ],
    )
    def test_rules_of_local_files(self, tmp_path: Path, rules: dict):
        write(tmp_path, [0] * 20, **rules)
        found = verified(tmp_path)
        assert (found.findings, found.counts["writers"]) == ([], 1)
        assert sum(1 for _ in Reading(tmp_path)) == 20

    def test_compressed_files(self, folder: Path):
        for path in list(folder.glob("*.jsonl")):
            Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        assert verified(folder).findings == []

    def test_threads(self, tmp_path: Path):
        file = write(tmp_path, [], close=False)
        cost = Cost(status="priced", total=1)
        threads = [
            threading.Thread(target=lambda: [file(call(n), cost) for n in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        file.close()
        found = verified(tmp_path)
        assert (found.findings, found.counts["lines"], found.counts["writers"]) == ([], 202, 1)

    def test_processes_that_fork_and_end(self, tmp_path: Path):
        """Each is a writer of its own, in the same files."""
        script = (
            "import os\n"
            "from tests.export.auditing.audited import *\n"
            f"file = write(Path({str(tmp_path)!r}), [0, 0], close=False)\n"
            "for n in range(4):\n"
            "    if os.fork() == 0:\n"
            "        for m in range(20): file(call(m, m % 2), Cost(status='priced', total=1))\n"
            "        raise SystemExit\n"
            "for n in range(4): os.wait()\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
        found = verified(tmp_path)
        assert (found.findings, found.counts["writers"]) == ([], 5)
        assert sum(1 for _ in Reading(tmp_path)) == 82

    def test_spans_are_chained_too(self, tmp_path: Path):
        spans_of_real_calls(JsonlSpanExporter(LocalFiles(tmp_path, audit_key=SECRET)))
        assert verified(tmp_path).findings == []
        (path,) = tmp_path.iterdir()
        first, second, *others = rows(path)  # opened, spans in a batch or two, closed
        assert [len(parsed(line).resource_spans) for line in (first, second)] == [0, 1]
        assert parsed(others[-1]).resource_spans == []
        put(path, [first, second.replace(b"gpt-4o", b"gpt-5o"), *others])
        assert places(verified(tmp_path)) == [("changed", path.name, 2)]


class TestDone:
    """Each kind of tampering, and the place that is told."""

    def test_a_changed_line(self, folder: Path):
        path = folder / DAY
        lines = rows(path)
        lines[2] = lines[2].replace(b'"cost_usd":0.000000000002', b'"cost_usd":0.000000000001')
        assert lines != rows(path)
        put(path, lines)
        assert places(verified(folder)) == [("changed", DAY, 3)]

    def test_a_removed_line(self, folder: Path):
        lines = rows(folder / DAY)
        put(folder / DAY, lines[:2] + lines[3:])
        (found,) = verified(folder).findings
        assert (found.what, found.line) == ("missing", 3)
        assert "lines 3 to 3 of writer" in found.text

    def test_an_inserted_line(self, folder: Path):
        lines = rows(folder / DAY)
        forged = json.loads(lines[1])
        del forged["audit"]
        put(folder / DAY, [*lines[:2], json.dumps(forged).encode() + b"\n", *lines[2:]])
        assert places(verified(folder)) == [("inserted", DAY, 3)]

    def test_a_line_of_another_key(self, folder: Path, tmp_path: Path):
        write(tmp_path / "other", [0], audit_key="a key that somebody else has")
        put(folder / DAY, rows(folder / DAY) + rows(tmp_path / "other" / DAY))
        assert places(verified(folder)) == [("inserted", DAY, n) for n in (11, 12, 13)]

    def test_a_repeated_line(self, folder: Path):
        lines = rows(folder / DAY)
        put(folder / DAY, [*lines[:3], lines[1], *lines[3:]])
        assert places(verified(folder)) == [("repeated", DAY, 4)]

    def test_two_lines_that_changed_places(self, folder: Path):
        lines = rows(folder / DAY)
        lines[1], lines[2] = lines[2], lines[1]
        put(folder / DAY, lines)
        assert places(verified(folder)) == [("missing", DAY, 2), ("repeated", DAY, 3)]

    def test_two_stretches_of_a_writer_that_changed_places(self, tmp_path: Path):
        write(tmp_path, [0, 0, 1, 0, 0])  # it goes back to the file of the day before
        path = tmp_path / DAY
        lines = rows(path)
        (second,) = [n for n, text in enumerate(lines) if n and b'"kind":"opened"' in text]
        assert verified(tmp_path).findings == []
        put(path, lines[second:] + lines[:second])
        found = verified(tmp_path)
        assert places(found) == [("repeated", DAY, len(lines) - second + 1)]
        assert re.search(r"line 1 of writer \w+ stands behind its line 11$", found.findings[0].text)

    def test_a_cut_tail(self, folder: Path):
        """The second writer's closing line, and with it what was before."""
        put(folder / DAY, rows(folder / DAY)[:-2])
        assert places(verified(folder)) == [("open", DAY, 8)]

    def test_a_cut_tail_is_told_by_checkpoints_even_where_writers_are_at_work(self, folder: Path):
        put(folder / DAY, rows(folder / DAY)[:-2])
        assert verified(folder, allow_open=True).findings == []
        checkpoints = [folder / "elsewhere" / "checkpoints.jsonl"]
        (found,) = verified(folder, allow_open=True, checkpoints=checkpoints).findings
        assert (found.what, found.line) == ("missing", 8)
        assert "lines 4 to 5 of writer" in found.text

    def test_a_missing_file_that_others_follow(self, folder: Path):
        (folder / DAY).unlink()
        (found,) = verified(folder).findings
        assert (found.what, found.path.name, found.line) == ("missing", NEXT_DAY, 1)
        assert found.text.startswith("lines 1 to 5 of writer")
        assert f"the last of them in {DAY}" in found.text

    def test_a_missing_file_between_others(self, tmp_path: Path):
        write(tmp_path, [0, 1, 2])
        (tmp_path / NEXT_DAY).unlink()
        (found,) = verified(tmp_path).findings
        assert (found.what, found.line) == ("missing", 1)
        assert "lines 4 to 6 of writer" in found.text
        assert f"between {tmp_path / DAY}:3 and here" in found.text

    def test_the_last_file_is_missed_by_its_checkpoints(self, folder: Path):
        """Its writer closed the file before, so that nothing else tells."""
        (folder / NEXT_DAY).unlink()
        assert verified(folder).findings == []
        checkpoints = [folder / "elsewhere" / "checkpoints.jsonl"]
        (found,) = verified(folder, checkpoints=checkpoints).findings
        assert found.what == "missing"
        assert f"the last to {NEXT_DAY}" in found.text

    def test_a_writer_without_any_file_is_missed_by_its_checkpoints(self, folder: Path):
        put(folder / DAY, rows(folder / DAY)[:5])
        assert verified(folder).findings == []
        checkpoints = [folder / "elsewhere" / "checkpoints.jsonl"]
        (found,) = verified(folder, checkpoints=checkpoints).findings
        assert (found.what, found.path) == ("missing", None)
        assert str(found).startswith("missing: lines 1 to 5 of writer")

    def test_files_that_were_deleted_by_age(self, folder: Path):
        """`since` says so; a file of a later day may not be missing."""
        (folder / DAY).unlink()
        checkpoints = [folder / "elsewhere" / "checkpoints.jsonl"]
        late = {"since": date(2026, 11, 23), "checkpoints": checkpoints}
        assert verified(folder, **late).findings == []
        assert kinds(verified(folder, since=date(2026, 11, 22))) == ["missing"]

    def test_a_renamed_file(self, folder: Path):
        (folder / NEXT_DAY).rename(folder / "llm_trace_2026-11-24.jsonl")
        assert set(kinds(verified(folder))) == {"renamed"}

    def test_a_file_that_stands_there_twice(self, folder: Path):
        shutil.copy(folder / DAY, folder / "llm_trace_2026-11-20.jsonl")
        assert {"renamed", "repeated"} <= set(kinds(verified(folder)))

    def test_a_damaged_packed_file(self, folder: Path):
        packed = gzip.compress((folder / DAY).read_bytes())
        (folder / f"{DAY}.gz").write_bytes(packed[:-20])
        assert "unreadable" in kinds(verified(folder))

    def test_a_damaged_packed_file_beside_the_plain_one(self, folder: Path):
        packed = gzip.compress((folder / DAY).read_bytes())
        (folder / f"{DAY}.gz").write_bytes(packed[:-20])
        found = verified(folder)
        assert places(found) == [("unreadable", f"{DAY}.gz", 0)]
        (folder / DAY).unlink()
        assert "unreadable" in kinds(verified(folder))

    def test_a_chain_that_was_made_anew_from_a_line_on(self, folder: Path):
        """By somebody with a replaced key: the checkpoints remember another line."""
        path = folder / NEXT_DAY
        made, before = [], bytes(32)
        lines = rows(folder / DAY)[:5] + rows(path)
        for line in lines:
            seal = audit.seal_of(line)
            body = seal.body.replace(b'"agent":"a4"', b'"agent":"b4"')
            body = re.sub(rb'("before".*"mac":")[^"]*', rb"\g<1>" + before.hex().encode(), body)
            before = audit.mac_of(SECRET.encode(), before, body)
            made.append(body + b',"mac":"' + before.hex().encode() + b'"}}\n')
        put(path, made[5:])
        assert verified(folder).findings == []  # whoever has the key can do this
        checkpoints = [folder / "elsewhere" / "checkpoints.jsonl"]
        found = verified(folder, checkpoints=checkpoints)
        assert set(places(found)) == {("changed", NEXT_DAY, 4)}

    def test_a_changed_or_forged_checkpoint(self, folder: Path):
        path = folder / "elsewhere" / "checkpoints.jsonl"
        lines = rows(path)
        forged = re.sub(rb'"seq":(\d+)', rb'"seq":9', lines[0])
        put(path, [forged, b"nonsense\n", *lines])
        found = verified(folder, checkpoints=[path])
        assert places(found) == [("checkpoint", path.name, 1), ("checkpoint", path.name, 2)]

    def test_another_key_finds_everything(self, folder: Path):
        found = verified(folder, secret="the key of somebody else")
        assert (set(kinds(found)), found.found) == ({"inserted"}, 14)


KINDS = ["change", "insert", "remove", "swap", "cut"]


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([DAY, NEXT_DAY]),
    st.sampled_from(KINDS),
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=3),
)
def test_any_single_mutation_of_a_file_is_found(
    written: Path, tmp_path: Path, name: str, kind: str, number: int, data: bytes
):
    """Bytes changed, inserted or removed anywhere; lines swapped or removed; the tail cut."""
    before = (written / name).read_bytes()
    made = bytearray(before)
    lines = before.splitlines(keepends=True)
    at = number % len(before)
    if kind == "change":
        made[at : at + len(data)] = data[: len(before) - at]
    elif kind == "insert":
        made[at:at] = data
    elif kind == "remove":
        del made[at : at + len(data)]
    elif kind == "swap":
        one, other = number % len(lines), (number // len(lines)) % len(lines)
        lines[one], lines[other] = lines[other], lines[one]
        made[:] = b"".join(lines)
    else:
        del made[at:]
    for path in written.glob("*.jsonl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes(made)
    checkpoints = [written / "elsewhere" / "checkpoints.jsonl"]
    found = verified(tmp_path, checkpoints=checkpoints)
    is_same = made == before or says_the_same(bytes(made), before)
    assert bool(found.findings) is not is_same
    for path in tmp_path.glob("*.jsonl"):
        path.unlink()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.binary(max_size=60)
        | st.sampled_from(
            [
                b'{"a":1,"audit":{"key":"00000000","writer":"0000000000000000","seq":1,"mac":"%b"}}'
                % (b"0" * 64),
                b'{"schema":1,"kind":"opened","file":7,"audit":{"key":"%b","writer":'
                b'"0000000000000000","seq":%b,"mac":"%b"}}'
                % (audit.id_of(SECRET.encode()).encode(), b"9" * 18, b"f" * 64),
                b'{"kind":"checkpoint"}',
                b"[" * 5000,
            ]
        ),
        max_size=5,
    )
)
def test_whatever_stands_in_the_files_it_comes_to_an_end(tmp_path: Path, lines: list[bytes]):
    data = b"\n".join(lines) + b"\n"
    (tmp_path / DAY).write_bytes(data)
    found = verified(tmp_path, checkpoints=[tmp_path / DAY], allow_open=True)
    assert bool(found.findings) is bool(data.strip())


def says_the_same(made: bytes, before: bytes) -> bool:
    """Lines of different writers may stand in any order, and blank ones anywhere."""

    def chains(data: bytes) -> dict[str, list[bytes]] | None:
        found: dict[str, list[bytes]] = {}
        for line in filter(bytes.strip, data.split(b"\n")):
            seal = audit.seal_of(line + b"\n")
            if seal is None:
                return None
            found.setdefault(seal.writer, []).append(line)
        return found

    return made.endswith(b"\n") and chains(made) == chains(before)


class TestKeys:
    """Keys that are too short, keys that were replaced."""

    @pytest.mark.parametrize("key", ["short", " " * 20, b"", 7, ["a"]])
    def test_what_is_no_key(self, tmp_path: Path, key: object):
        with pytest.raises(ConfigurationError, match="audit_key"):
            LocalFiles(tmp_path, audit_key=key)

    def test_text_and_bytes_are_the_same_key(self, tmp_path: Path):
        write(tmp_path, [0], audit_key=SECRET.encode())
        write(tmp_path, [0], audit_key=f"{SECRET}\n")
        assert verified(tmp_path).findings == []

    def test_a_configuration_file_names_the_variable(self, tmp_path: Path):
        text = '[local]\ndirectory = "logs"\naudit_key = "${KEY}"\ncheckpoints = "kept"\n'
        (tmp_path / "costspan.toml").write_text(text)
        environ = {"COSTSPAN_CONFIG": str(tmp_path / "costspan.toml"), "KEY": SECRET}
        read = files_of(costspan.settings.read(environ=environ).local)
        assert (read.audit_key, read.checkpoints) == (SECRET.encode(), "kept")

    def test_the_old_key_vouches_for_old_lines_only(self, tmp_path: Path):
        new = "the key that came after it"
        write(tmp_path, [0])
        write(tmp_path, [1], audit_key=new)
        both = [Key(SECRET.encode(), date(2026, 11, 22)), Key(new.encode())]
        assert verify(tmp_path, both).findings == []
        write(tmp_path, [1])
        found = verify(tmp_path, both)
        assert places(found) == [("retired", NEXT_DAY, 4)]


class TestCheckpoints:
    """Where they are kept, and that nothing of it reaches the app."""

    def test_a_function_takes_them(self, tmp_path: Path):
        taken: list[str] = []
        done = threading.Event()

        def take(checkpoint: str) -> None:
            taken.append(checkpoint)
            if '"seq":4' in checkpoint:
                done.set()

        write(tmp_path, [0, 0], checkpoints=take)
        assert done.wait(10)
        (tmp_path / "kept").write_text("".join(taken))
        assert verified(tmp_path, checkpoints=[tmp_path / "kept"]).findings == []

    def test_no_call_waits_for_a_function(
        self, tmp_path: Path, threads_before, monkeypatch: pytest.MonkeyPatch
    ):
        """One thread calls it, with one checkpoint after another; the close waits for them."""
        begun, go_on, numbers = threading.Event(), threading.Event(), []

        def slow(checkpoint: str) -> None:
            begun.set()
            go_on.wait(60)
            numbers.append(json.loads(checkpoint)["seq"])

        def never(*given: object) -> None:
            raise AssertionError("somebody waits")

        file = CallsFile(LocalFiles(tmp_path / "logs", audit_key=SECRET, checkpoints=slow))
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "join", never)
            for number in range(5):
                file(call(number, days=number), Cost(status="priced", total=number))
        assert begun.wait(10)
        assert len(threads_before()) == 1
        assert numbers == []
        go_on.set()
        file.close()
        assert numbers == [n for opened in range(1, 15, 3) for n in (opened, opened + 2)]

    def test_a_function_may_make_a_call_and_close(self, tmp_path: Path):
        """The writer that it is told of may be its own."""
        taken: list[str] = []

        def calls(checkpoint: str) -> None:
            taken.append(checkpoint)
            if len(taken) == 1:
                file(call(2), Cost(status="priced", total=2))
                file.close()

        file = CallsFile(LocalFiles(tmp_path / "logs", audit_key=SECRET, checkpoints=calls))
        file(call(1), Cost(status="priced", total=1))
        file.close()
        (tmp_path / "kept").write_text("".join(taken))
        assert verified(tmp_path / "logs", checkpoints=[tmp_path / "kept"]).findings == []

    @pytest.mark.faults
    def test_a_function_that_fails_is_called_again(self, tmp_path: Path, caplog):
        taken: list[str] = []

        def fails(checkpoint: str) -> None:
            taken.append(checkpoint)
            raise OSError("no route")

        write(tmp_path / "logs", [0, 1], checkpoints=fails)
        assert len(taken) == 4
        assert "keeping a checkpoint (OSError)" in caplog.text

    def test_one_for_so_many_lines(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(audit, "_CHECKPOINT_LINES", 10)
        write(tmp_path / "logs", [0] * 25, checkpoints=tmp_path / "kept")
        found = [json.loads(line)["seq"] for line in rows(tmp_path / "kept")]
        assert found == [1, 11, 21, 27]
        assert os.stat(tmp_path / "kept").st_mode & 0o777 == 0o600

    def test_one_after_a_minute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Here after no time at all."""
        monkeypatch.setattr(audit, "_CHECKPOINT_NANOSECONDS", 0)
        write(tmp_path / "logs", [0] * 3, checkpoints=tmp_path / "kept")
        found = [json.loads(line)["seq"] for line in rows(tmp_path / "kept")]
        assert found == [1, 2, 3, 4, 5]

    @pytest.mark.faults
    def test_what_cannot_be_kept_costs_no_line(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        (tmp_path / "file").touch()
        write(tmp_path / "logs", [0], checkpoints=tmp_path / "file" / "kept")
        assert "keeping a checkpoint" in caplog.text
        assert verified(tmp_path / "logs").findings == []

    def test_they_need_a_key(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match="needs audit_key"):
            LocalFiles(tmp_path, checkpoints=tmp_path / "kept")

    @pytest.mark.parametrize("target", [7, ""])
    def test_what_is_no_place_for_them(self, tmp_path: Path, target: object):
        with pytest.raises(ConfigurationError, match="a file's name or a function"):
            LocalFiles(tmp_path, audit_key=SECRET, checkpoints=target)

    def test_a_folder_is_none(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match="is a folder"):
            LocalFiles(tmp_path, audit_key=SECRET, checkpoints=tmp_path)


class TestQueue:
    """What calls a function that takes checkpoints."""

    def test_where_too_much_waits_the_oldest_is_dropped(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(queues, "MOST_WAITING", 3)
        begun, go_on, done = threading.Event(), threading.Event(), []
        queue = Queue("a test")
        queue.put(lambda: (begun.set(), go_on.wait(60), done.append(0)))
        assert begun.wait(10)
        for number in range(1, 6):
            queue.put(lambda number=number: done.append(number))
        go_on.set()
        queue.settle(60)
        assert done == [0, 3, 4, 5]

    def test_where_no_thread_is_to_be_had_the_last_to_wait_does_it(self, monkeypatch):
        def none_left(run: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(queues.workers, "start", none_left)
        queue, done = Queue("a test"), []
        for number in range(3):
            queue.put(lambda number=number: done.append(number))
        assert done == []
        queue.settle(60)
        assert done == [0, 1, 2]

    def test_a_forked_child_leaves_the_work_to_its_parent(self):
        begun, go_on, done = threading.Event(), threading.Event(), []
        queue = Queue("a test")
        queue.put(lambda: (begun.set(), go_on.wait(60)))
        assert begun.wait(10)
        queue.put(lambda: done.append("of the parent"))
        queue.forked()
        queue.put(lambda: done.append("of the child"))
        queue.settle(60)
        assert done == ["of the child"]
        go_on.set()


def test_a_folder_that_was_removed_is_missed(tmp_path: Path):
    """The writer goes on in a new one, and its first line there says what is gone."""
    file = CallsFile(LocalFiles(tmp_path / "logs", audit_key=SECRET))
    cost = Cost(status="priced", total=1)
    file(call(1), cost)
    shutil.rmtree(tmp_path / "logs")
    file(call(2), cost)
    file.close()
    (found,) = verified(tmp_path / "logs").findings
    assert (found.what, found.line) == ("missing", 1)
    assert "lines 1 to 2 of writer" in found.text
