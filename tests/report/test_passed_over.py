"""What stands in folders besides calls: counted, named, never fatal."""

import gzip
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from costspan.errors import ConfigurationError
from costspan.export import compression
from costspan.report import running
from costspan.report.engine import opened
from costspan.report.query import Question, Report, ask
from tests.report.folders import GAP, line, write


def asked(*places: Path, **more: object) -> Report:
    return ask(Question(places, **more))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"schema":1,"timestamp":"2026-11-2', "torn"),
        ("not json", "torn"),
        (line() + line(), "torn"),
        ("\x00\x00", "torn"),
        ("[1, 2]", "foreign"),
        ("7", "foreign"),
        ('{"level": "INFO"}', "foreign"),
        (line(timestamp="once upon a time"), "foreign"),
        (line(provider=None), "foreign"),
        (line(schema=0), "foreign"),
        (line(latency_ms="fast"), "foreign"),
        (line(latency_ms="NaN"), "foreign"),
        (line(runtime_seconds="inf"), "foreign"),
    ],
)
def test_a_line_that_is_no_call(tmp_path: Path, text: str, what: str):
    write(tmp_path, line(), text, "", line())
    found = asked(tmp_path)
    assert found.total.calls == 2
    assert found.passed_over.lines == 1
    path = tmp_path / "llm_trace_2026-11-21.jsonl"
    assert found.passed_over.named == (f"{path}:2: {what}",)


@pytest.mark.parametrize(
    "fields",
    [
        {"latency_ms": "1000"},
        {"schema": "1"},
        {"schema": True},
        {"provider": 5},
        {"outcome": {}},
        {"timestamp": "2026-11-21"},
        {"timestamp": "2026-11-21 10:00:00"},
    ],
)
def test_a_call_of_other_types_is_counted_and_not_named(tmp_path: Path, fields: dict[str, object]):
    write(tmp_path, line(**fields), "torn")
    found = asked(tmp_path)
    assert (found.total.calls, found.passed_over.lines) == (1, 1)
    assert found.passed_over.named == (f"{tmp_path / 'llm_trace_2026-11-21.jsonl'}:2: torn",)


def test_broken_lines_of_a_compressed_file_and_one_without_an_end(tmp_path: Path):
    name = "llm_trace_2026-11-21.jsonl.gz"
    write(tmp_path, line(), "torn", line()[:50], name=name, end="")
    found = asked(tmp_path).passed_over
    assert found.lines == 2
    assert found.named == (f"{tmp_path / name}:2: torn", f"{tmp_path / name}:3: torn")


def test_twenty_are_named_and_all_are_counted(tmp_path: Path):
    write(tmp_path, line(), *(["torn"] * 30))
    found = asked(tmp_path).passed_over
    assert (found.lines, len(found.named)) == (30, 20)


def test_gaps_and_other_records_are_no_broken_lines(tmp_path: Path):
    checkpoint = '{"schema":1,"kind":"checkpoint","audit":{}}'
    write(tmp_path, line(), GAP, GAP, checkpoint, line())
    found = asked(tmp_path)
    assert found.total.calls == 2
    passed = found.passed_over
    assert (passed.gaps, passed.lost, passed.records, passed.lines) == (2, 6, 1, 0)
    assert passed.named == ()


def test_an_older_line_lacks_fields_and_a_newer_one_has_more(tmp_path: Path):
    """Fields of version 1 that may come later are left out, as if an older version had written."""
    needed = (
        '{"schema":1,"timestamp":"2026-11-21T10:00:00.000000Z","provider":"openai",'
        '"operation":"chat","outcome":"complete","status":"priced","latency_ms":5,'
        '"runtime_seconds":0.005,"cost_usd":0.5}'
    )
    write(tmp_path, needed)
    assert not asked(tmp_path).passed_over.is_newer
    write(tmp_path, needed, line(schema=2, colour="blue"))

    found = asked(tmp_path)

    assert (found.total.calls, found.total.cost_usd) == (2, 1)
    assert found.passed_over.is_newer
    assert found.passed_over.lines == 0


def test_what_follows_a_condition_is_not_only_calls(tmp_path: Path):
    write(tmp_path, line(agent="a"), line(agent="b"), "torn", GAP)
    found = asked(tmp_path, where="agent = 'a'", since="2026-11-21", by=("agent",))
    assert (found.total.calls, found.passed_over.lines, found.passed_over.lost) == (1, 1, 3)


def test_empty_files_and_folders(tmp_path: Path):
    write(tmp_path / "logs", name="llm_trace_2026-11-21.jsonl")
    (tmp_path / "nothing").mkdir()
    found = asked(tmp_path / "logs", tmp_path / "nothing")
    assert (found.total.calls, found.files, found.passed_over.empty_files) == (0, 1, 1)
    assert found.passed_over.named == (
        f"{tmp_path / 'logs' / 'llm_trace_2026-11-21.jsonl'}: empty",
    )


def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path: Path):
    write(tmp_path, line())
    whole = gzip.compress(f"{line()}\n".encode() * 100)
    damaged = tmp_path / "llm_trace_2026-11-20.jsonl.gz"
    damaged.write_bytes(whole[:-20])
    found = asked(tmp_path, by=("agent",), where="cost_usd > 0")
    assert (found.total.calls, found.passed_over.unreadable_files) == (1, 1)
    assert found.passed_over.named[0].startswith(f"{damaged}: unreadable (")


@pytest.mark.parametrize("where", [None, "cost_usd > 0"])
def test_files_that_are_compressed_or_removed_once_they_were_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str | None
):
    """Writers do so all the time: a compressed one is read under its new name."""
    names = [f"llm_trace_2026-11-{day}.jsonl" for day in range(10, 14)]
    for name in names:
        write(tmp_path, line(), name=name)
    left = [tmp_path / name for name in names[:3]]
    gone = left[0]

    def opened_late(files: Iterable[Path], spill: str) -> Any:
        """As one more of them goes."""
        if left:
            path = left.pop()
            if left:
                packed = path.with_name(f"{path.name}.gz")
                packed.write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        return opened(files, spill)

    monkeypatch.setattr(running, "opened", opened_late)
    found = asked(tmp_path, where=where)
    assert (found.total.calls, found.files, left) == (3, 4, [])
    assert found.passed_over.named == (f"{gone}: unreadable (No such file or directory)",)


@pytest.mark.parametrize("where", [None, "cost_usd > 0"])
def test_a_folder_with_the_name_of_a_file_is_named(tmp_path: Path, where: str | None):
    write(tmp_path, line())
    folder = tmp_path / "llm_trace_2026-11-20.jsonl"
    folder.mkdir()
    found = asked(tmp_path, where=where)
    assert (found.total.calls, found.passed_over.unreadable_files) == (1, 1)
    assert found.passed_over.named == (f"{folder}: unreadable (Is a directory)",)


def test_a_folder_and_a_link_with_names_of_files(tmp_path: Path):
    write(tmp_path, line())
    (tmp_path / "llm_trace_2026-11-19.jsonl").mkdir()
    (tmp_path / "llm_trace_2026-11-20.jsonl").symlink_to("nowhere")
    found = asked(tmp_path)
    assert (found.total.calls, found.passed_over.unreadable_files) == (1, 2)
    said = [place.partition("unreadable ")[2] for place in found.passed_over.named]
    assert said == ["(Is a directory)", "(No such file or directory)"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path):
    write(tmp_path, line())
    write(tmp_path, line(), name="llm_trace_2026-11-20.jsonl")
    (tmp_path / "llm_trace_2026-11-20.jsonl").chmod(0)
    found = asked(tmp_path)
    assert (found.total.calls, found.passed_over.unreadable_files) == (1, 1)


class TestFiles:
    NAMES = (
        "llm_trace_2026-11-21.jsonl",
        "llm_trace_2026-11-21.0001.jsonl",
        "llm_trace_2026-11-21T14.jsonl",
        "llm_trace_2026-11-21.4711-0a1b2c.jsonl",
        "llm_trace_2026-11-21T14.4711-0a1b2c.0012.jsonl.gz",
    )

    @pytest.mark.parametrize("name", NAMES)
    def test_names_of_ours(self, tmp_path: Path, name: str):
        assert asked(write(tmp_path, line(), name=name)).total.calls == 1

    @pytest.mark.parametrize(
        "name",
        [
            "llm_trace_2026-11-21.jsonl.bak",
            "otlp_spans_2026-11-21.jsonl",
            "app.jsonl",
            "llm_trace_today.jsonl",
        ],
    )
    def test_other_names_are_read_only_where_they_are_given(self, tmp_path: Path, name: str):
        write(tmp_path, line(), name=name)
        assert asked(tmp_path).files == 0
        assert asked(tmp_path / name).total.calls == 1

    def test_what_a_compressor_writes_is_not_read(self, tmp_path: Path):
        write(tmp_path, line())
        write(tmp_path, line(), name="llm_trace_2026-11-21.jsonl.gz.tmp")
        assert asked(tmp_path).total.calls == 1

    def test_a_compressed_file_stands_for_the_plain_one_beside_it(self, tmp_path: Path):
        write(tmp_path, line(), line())
        write(tmp_path, line(), line(), name="llm_trace_2026-11-21.jsonl.gz")
        assert asked(tmp_path).total.calls == 2

    def test_zstd(self, tmp_path: Path):
        write(tmp_path / "plain", line(), line(), "torn")
        plain = tmp_path / "plain" / "llm_trace_2026-11-21.jsonl"
        packed = tmp_path / "llm_trace_2026-11-21.jsonl.zst"
        packed.write_bytes(compression.zstd().compress(plain.read_bytes()))
        found = asked(tmp_path)
        assert (found.total.calls, found.passed_over.lines) == (2, 1)
        assert found.passed_over.named == (f"{packed}:3: torn",)

    def test_zstd_without_a_module_for_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """DuckDB reads it all the same."""
        path = tmp_path / "llm_trace_2026-11-21.jsonl.zst"
        path.write_bytes(compression.zstd().compress(f"{line()}\ntorn\n".encode()))
        monkeypatch.setitem(sys.modules, compression.zstd().__name__, None)
        found = asked(tmp_path)
        assert (found.total.calls, found.passed_over.lines) == (1, 1)
        assert "which ones cannot be said" in found.passed_over.named[0]

    def test_several_folders_a_file_twice_and_a_link(self, tmp_path: Path):
        one, two = write(tmp_path / "1", line()), write(tmp_path / "2", line())
        (tmp_path / "3").symlink_to(one)
        path = one / "llm_trace_2026-11-21.jsonl"
        assert asked(one, two, one, path, tmp_path / "3").total.calls == 2

    def test_a_folder_with_a_name_like_a_pattern(self, tmp_path: Path):
        folder = write(tmp_path / "it's [a]* ?", line(), "torn")
        write(tmp_path / "it's aa x", line(), line())
        found = asked(folder)
        assert (found.total.calls, found.passed_over.lines) == (1, 1)

    def test_a_place_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match="no such file or folder"):
            asked(tmp_path / "logs")


def test_the_engine_sees_its_files_and_nothing_else(tmp_path: Path):
    import duckdb

    write(tmp_path, line())
    mine, other = tmp_path / "llm_trace_2026-11-21.jsonl", tmp_path / "other"
    other.write_text("secret")
    with opened([mine], str(tmp_path / "spilt")) as engine:
        assert engine.execute(f"SELECT content FROM read_text('{mine}')").fetchall()
        for statement in (
            f"SELECT content FROM read_text('{other}')",
            f"SELECT * FROM glob('{tmp_path}/*')",
            f"COPY (SELECT 1) TO '{tmp_path}/written'",
            f"ATTACH '{tmp_path}/database'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SELECT * FROM mine",
        ):
            with pytest.raises(duckdb.Error):
                engine.execute(statement).fetchall()
    assert sorted(os.listdir(tmp_path)) == [mine.name, "other"]


def test_a_gap_of_less_than_nothing(tmp_path: Path):
    write(
        tmp_path, GAP, GAP.replace('"lost":3', '"lost":-5'), GAP.replace('"lost":3', '"lost":"x"')
    )
    passed = asked(tmp_path).passed_over
    assert (passed.gaps, passed.lost) == (3, 3)
