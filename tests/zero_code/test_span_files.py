"""Spans in files without touching code: by variable, and by OTEL_CONFIG_FILE."""

from pathlib import Path
from typing import Any

import pytest

from tests.export.otlp_lines import parsed, spans_of
from tests.zero_code.conftest import Launcher
from tests.zero_code.test_command import CLAUDE_USD, GPT_USD, HTTP
from tests.zero_code.test_declarative import config


def spans_in(folder: Path) -> list[Any]:
    return [
        span
        for path in folder.glob("otlp_trace_*.jsonl")
        for line in path.read_bytes().splitlines()
        for span in spans_of(parsed(line))
    ]


def costs_in(spans: list[Any]) -> list[float]:
    return sorted(
        one.value.double_value
        for span in spans
        for one in span.attributes
        if one.key == "costspan.cost.total"
    )


def test_by_variable(distro: Launcher, tmp_path: Path) -> None:
    """Every span of the program, beside the calls file."""
    ended = distro.run(OTEL_TRACES_EXPORTER="costspan_jsonl", COSTSPAN_LOCAL="files")

    found = spans_in(tmp_path / "files")
    assert costs_in(found) == [GPT_USD, CLAUDE_USD]
    assert len([span for span in found if span.name == HTTP]) == 2
    assert len(list((tmp_path / "files").glob("llm_trace_*.jsonl"))) == 1
    assert (ended.spans, ended.lines("costspan")) == ([], [])


@pytest.mark.parametrize(
    "exporter",
    [
        "{costspan_jsonl: {directory: spans, rotate: hour}}",
        "{costspan: {exporter: {costspan_jsonl: {directory: spans}}}}",
    ],
)
def test_by_a_configuration_file(distro: Launcher, tmp_path: Path, exporter: str) -> None:
    file = config(tmp_path, exporter)
    ended = distro.run(OTEL_CONFIG_FILE=file)

    assert costs_in(spans_in(tmp_path / "spans")) == [GPT_USD, CLAUDE_USD]
    assert ended.lines("costspan") == []


def test_a_wrong_setting_is_one_line(distro: Launcher, tmp_path: Path) -> None:
    file = config(tmp_path, "{costspan_jsonl: {directory: spans, rotate: sometimes}}")
    ended = distro.run(OTEL_CONFIG_FILE=file, COSTSPAN_LOCAL="logs")

    (said,) = ended.lines("costspan writes no spans to files")
    assert "rotate" in said
    assert len(list((tmp_path / "logs").iterdir())) == 1
