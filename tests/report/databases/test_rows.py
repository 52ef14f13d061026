"""Identity of a line, and money as an integer."""

from decimal import Decimal
from pathlib import Path

import pytest

from costspan.report.databases.rows import Reader, Row, picos_of
from tests.report.folders import line


@pytest.fixture
def reader():
    made = Reader()
    yield made
    made.close()


def identity(reader: Reader, text: str, name: str = "llm_trace_2026-11-21.jsonl") -> bytes:
    reader.begin(Path(name))
    found = reader.row(text.encode())
    assert isinstance(found, Row)
    return found.line_id


KNOWN = line(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7")


def test_a_line_with_ids_is_known_by_them(reader: Reader):
    """The identity itself is pinned: another one would load every line again."""
    assert identity(reader, KNOWN).hex() == "35248c11a003ceafb643ce4b7ee51433"
    assert identity(reader, KNOWN, "all.jsonl") == identity(reader, KNOWN)
    assert identity(reader, KNOWN.replace("gpt", "GPT")) == identity(reader, KNOWN)


def test_a_line_with_one_id_is_known_by_its_place(reader: Reader):
    text = line(trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    assert identity(reader, text) != identity(reader, text, "llm_trace_2026-11-22.jsonl")


def test_a_line_without_ids_is_known_by_its_place(reader: Reader):
    text = '{"schema":1,"timestamp":"2026-11-21T10:00:00Z","provider":"p","operation":"chat",'
    text += '"status":"priced","outcome":"complete","latency_ms":1,"runtime_seconds":0.001}'
    plain = identity(reader, text, "a/x.jsonl")
    assert plain.hex() == "3e3fbf36a4b0ac1e1bff21db80d3eb74"
    assert identity(reader, f"{text}\n", "b/x.jsonl.gz") == plain
    assert identity(reader, text, "x.jsonl.zst") == plain
    assert identity(reader, text, "y.jsonl") != plain
    again = [reader.row(text.encode()) for _ in range(2)]
    assert len({plain, *(row.line_id for row in again if isinstance(row, Row))}) == 3


@pytest.mark.parametrize(
    ("written", "picos"),
    [
        ("0.000000000001", 1),
        ("-0.0000000000015", -2),
        ("9223372.036854775807", 2**63 - 1),
        ("9223372.036854775808", None),
        ("1e999999", None),
        ("NaN", None),
        ("5", 5 * 10**12),
    ],
)
def test_picodollars(written: str, picos: int | None):
    assert picos_of(Decimal(written)) == picos
