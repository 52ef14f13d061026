"""The page of databases: its SQL runs, its tables hold what the code holds."""

import re
from pathlib import Path

import pytest

from costspan.report.databases.address import address
from costspan.report.databases.loading import load
from costspan.report.databases.rollups import SUMS, rollup
from tests.report.databases.tables import asked
from tests.report.folders import line, write
from tests.test_docs import TEXTS, fenced

STATEMENTS = [text for name, text in fenced("sql") if name.startswith("load.md")]


@pytest.fixture
def filled(url: str, tmp_path: Path) -> str:
    fields = {"agent": "a", "endpoint": "/r", "tags": {"team": "t"}}
    folder = write(tmp_path / "logs", line(**fields), line(**fields, span_id="1"))
    load([folder], address(url), [rollup("day", ["endpoint", "model"])])
    return url


def test_the_statements(filled: str):
    of_sqlite, of_postgres, of_both = STATEMENTS
    found = [asked(filled, of_both)]
    found.append(asked(filled, of_sqlite if filled.startswith("sqlite") else of_postgres))
    rows = [tuple(map(str, row)) for rows in found for row in rows]
    assert rows[0][:4] == ("2026-11-21", "/r", "gpt-4o-mini", "2")
    assert [float(row[-1]) for row in rows] == [1.0, 1.0]


def test_the_sums():
    section = TEXTS["load.md"].partition("| sum |")[2].partition("```")[0]
    assert tuple(re.findall(r"`(\w+)`", section)) == SUMS
