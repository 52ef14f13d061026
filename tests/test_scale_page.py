"""docs/scale.md reckons with the bytes that a call takes now."""

import re
from pathlib import Path

import pytest

from tests.benchmarks import scale

PAGE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text("utf-8")


def written(row: str) -> float:
    """The number in the second cell of the row that begins so."""
    (cell,) = re.findall(rf"^\| {re.escape(row)}[^|]*\| ([\d,]+)", PAGE, re.M)
    return float(cell.replace(",", ""))


def test_bytes_of_a_line() -> None:
    found = scale.line_bytes()

    assert written("its line in the calls file") == pytest.approx(found["line"], rel=0.02)
    assert written("the same in a closed file") == pytest.approx(found["line, gzip"], rel=0.05)


def test_bytes_of_a_span() -> None:
    found = scale.span_bytes()

    assert written("its span by OTLP") == pytest.approx(found["span"], rel=0.02)
    assert written("the same, gzip") == pytest.approx(found["span, gzip"], rel=0.05)


def test_series() -> None:
    assert written("series in Prometheus") == scale.series()["series"]


NUMBER = r"\d[\d,]*(?:\.\d+)?"
REST = rf"(?: \w+)? [x/] {NUMBER}"
REASONED = re.findall(rf"({NUMBER}(?:{REST})+)(?: B| calls)? = ({NUMBER})(?: (KB|MB|GB))?", PAGE)
UNITS = {"": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}


def test_the_page_reckons() -> None:
    assert len(REASONED) == 19


@pytest.mark.parametrize(("reckoned", "result", "unit"), REASONED)
def test_the_pages_arithmetic(reckoned: str, result: str, unit: str) -> None:
    """Factors and divisors from left to right, rounded as the result is written."""
    first, *rest = re.findall(rf"[x/] {NUMBER}|{NUMBER}", reckoned.replace(",", ""))
    value = float(first)
    for step in rest:
        number = float(step[2:])
        value = value * number if step[0] == "x" else value / number
    written_out = result.replace(",", "")
    places = len(written_out.partition(".")[2])

    assert round(value / UNITS[unit], places) == float(written_out)
