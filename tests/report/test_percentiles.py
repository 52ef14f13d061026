"""Approximate percentiles beside DuckDB's exact ones."""

from collections.abc import Iterator
from random import Random
from typing import Any

import duckdb
import pytest

from costspan.report.percentiles import RANKS, approximate

CHANCE = Random(7)
VALUES = {
    "one": [1234.5678],
    "two far apart": [1.0, 1000.0],
    "alike": [3.25] * 1000,
    "of half a second to a minute": [CHANCE.lognormvariate(7, 1) for _ in range(5000)],
    "nothing among them": [0.0, 0.0, 0.0, 0.001, 5.0],
    "before their beginning": [-2.0, -1000.0, 0.0, 3.0, -0.5, 17.0],
    "smallest and greatest": [5e-324, 1e-300, 1.0, 1e300, 1.7e308],
    "two heaps": [*([100.0] * 95), *([20_000.0] * 5)],
}
"""Milliseconds that calls took."""


@pytest.fixture
def engine() -> Iterator[Any]:
    """With a table of all of them, and `asked` of some."""
    with duckdb.connect(":memory:") as engine:
        engine.execute("CREATE TABLE calls (k0 VARCHAR, latency DOUBLE, first_token DOUBLE)")
        for name, values in VALUES.items():
            quarter = [None if one == 5.0 else one / 4 for one in values]
            rows = "SELECT ?, unnest(?::DOUBLE[]), unnest(?::DOUBLE[])"
            engine.execute(f"INSERT INTO calls {rows}", [name, values, quarter])
        engine.execute("INSERT INTO calls VALUES (NULL, 7.0, NULL)")
        engine.execute("CREATE TABLE asked AS SELECT k0 FROM calls WHERE k0 = 'one' OR k0 IS NULL")
        yield engine


@pytest.mark.parametrize("name", VALUES)
def test_they_are_less_than_1_percent_off(engine: Any, name: str):
    both = ", ".join(f"quantile_cont({of}, {list(RANKS)})" for of in ("latency", "first_token"))
    exact = engine.execute(f"SELECT {both} FROM calls WHERE k0 = ?", [name]).fetchall()
    found = engine.execute(approximate("calls", ["k0"])).fetchall()
    of_name = [row[1:] for row in found if row[0] == name]
    assert len(of_name) == 1
    for close, true in zip(of_name[0], exact[0], strict=True):
        assert close == pytest.approx(true, rel=0.01, abs=0)


def test_of_no_group_at_all(engine: Any):
    exact = engine.execute(f"SELECT quantile_cont(latency, {list(RANKS)}) FROM calls").fetchall()
    found = engine.execute(approximate("calls", [])).fetchall()
    assert found[0][0] == pytest.approx(exact[0][0], rel=0.01)


def test_of_some_groups_alone(engine: Any):
    found = engine.execute(approximate("calls", ["k0"], only="asked")).fetchall()
    seven = [pytest.approx(7.0)] * 3
    assert {row[0] for row in found} == {"one", None}
    assert next(row[1:] for row in found if row[0] is None) == (seven, None)


def test_of_no_call(engine: Any):
    assert engine.execute(approximate("(FROM calls WHERE false)", ["k0"])).fetchall() == []
