"""Names that take more columns than characters keep a table straight."""

import pytest

from costspan.export.schema import Line
from costspan.report.layout import Column, aligned
from costspan.report.tailing.printing import HEAD, row
from costspan.report.widths import cut, padded, width
from tests.report.folders import LINE


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("plain", 5),
        ("研究", 4),
        ("\N{ROBOT FACE}bot", 5),
        ("ｆｕｌｌ", 8),  # noqa: RUF001
        ("한국", 4),
        ("e\N{COMBINING ACUTE ACCENT}t", 2),
        ("é", 1),
        ("…", 1),
        ("█▌", 2),
    ],
)
def test_width(text: str, columns: int):
    assert width(text) == columns
    assert width(padded(text, 10)) == width(padded(text, 10, right=True)) == 10


@pytest.mark.parametrize(
    ("text", "columns", "kept"),
    [("研究者", 6, "研究者"), ("研究者", 5, "研究…"), ("研究者", 4, "研…"), ("abc", 2, "a…")],
)
def test_cut(text: str, columns: int, kept: str):
    assert cut(text, columns) == kept


def test_the_columns_of_a_table_begin_at_the_same_place():
    names = Column("agent", ["研究エージェント", "\N{ROBOT FACE}", "plain"], is_text=True)
    lines = list(aligned([names, Column("calls", ["1", "20", "300"])], "  "))
    assert {width(line) for line in lines} == {16 + 2 + 5}
    assert lines[1] == "研究エージェント      1"


def test_the_columns_of_tail():
    found = Line(**LINE | {"cost_usd": None, "agent": "研究エージェント一号", "model": "模型"})
    assert width(row(found).removesuffix("priced").rstrip()) == width(HEAD)
    assert "研究エージェン…   模型 " in row(found)
