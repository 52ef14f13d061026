"""OTEL_CONFIG_FILE: the file names `costspan` as the exporter before another."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.zero_code.conftest import ROOT, Launcher
from tests.zero_code.test_command import CLAUDE_USD, GPT_USD, HTTP, costs_of, lines_in

EXAMPLE = ROOT / "examples" / "otel_config.yaml"
ONLY_EXPORTING = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "costspan"}


def config(folder: Path, exporter: str, instrumentation: str = "{}") -> str:
    """A file with one exporter, as text."""
    text = f"""
file_format: "1.0"
tracer_provider:
  processors:
    - simple:
        exporter: {exporter}
instrumentation/development:
  python: {instrumentation}
"""
    (folder / "otel.yaml").write_text(text)
    return "otel.yaml"


WRAPPED = (
    "{costspan: {exporter: {otlp_http: {endpoint: '${OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces'}}}}"
)


def test_the_example_prices_all_calls(distro: Launcher, tmp_path: Path) -> None:
    """Our spans and each request's own, and the calls file that the same file asks for."""
    ended = distro.run(OTEL_CONFIG_FILE=str(EXAMPLE))

    assert costs_of(ended) == {"chat gpt-4o-mini": GPT_USD, "chat claude-opus-4-5": CLAUDE_USD}
    assert len(ended.named(HTTP)) == 2
    assert len(lines_in(tmp_path / "logs")) == 2
    assert ended.lines("costspan") == []


def test_foreign_spans_are_priced_by_the_exporter_alone(distro: Launcher, tmp_path: Path) -> None:
    """No instrumentation of ours: the peer's span of OpenAI, the Anthropic SDK's own."""
    file = config(tmp_path, WRAPPED)
    ended = distro.run(peer=True, OTEL_CONFIG_FILE=file, COSTSPAN_LOCAL="logs", **ONLY_EXPORTING)

    assert sorted(costs_of(ended).values()) == [GPT_USD, CLAUDE_USD]
    assert len(ended.named(HTTP)) == 2
    assert [line["cost_usd"] for line in lines_in(tmp_path / "logs")] == [
        Decimal("0.00021"),
        Decimal("0.0075"),
    ]


def test_nothing_counts_twice(distro: Launcher, tmp_path: Path) -> None:
    """We and a peer see the same call: one of its spans has the dollars, one line is written."""
    file = config(tmp_path, WRAPPED)
    ended = distro.run(peer=True, OTEL_CONFIG_FILE=file, COSTSPAN_LOCAL="logs")

    assert sum(s.attributes.get("costspan.cost.total", 0) for s in ended.spans) == pytest.approx(
        GPT_USD + CLAUDE_USD
    )
    assert len(lines_in(tmp_path / "logs")) == 2


def test_broken_settings_leave_the_spans_of_others(distro: Launcher, tmp_path: Path) -> None:
    """One ERROR line; the spans are exported without costs."""
    file = config(tmp_path, WRAPPED)
    ended = distro.run(OTEL_CONFIG_FILE=file, COSTSPAN_CONFIG="nowhere.toml")

    (said,) = ended.lines("costspan")
    assert said.startswith("costspan stays off: COSTSPAN_CONFIG=nowhere.toml: the file cannot be")
    assert len(ended.named(HTTP)) == 2
    assert costs_of(ended) == {}


def test_a_refused_argument_keeps_costspan_off(distro: Launcher, tmp_path: Path) -> None:
    """It is not switched on with other settings than the file gives."""
    file = config(tmp_path, WRAPPED, "{costspan: {capture_content: sometimes}}")
    ended = distro.run(OTEL_CONFIG_FILE=file)

    (said,) = ended.lines("costspan stays off")
    assert "use 'off' or 'on_error' or 'on'" in said
    assert len(ended.named(HTTP)) == 2


@pytest.mark.parametrize(
    ("exporter", "remedy"),
    [
        ("{costspan: {exporter: {oltp_http: {}}}}", "Plugin 'oltp_http' not found"),
        ("{costspan: {exporter: console}}", "write costspan: {exporter: {otlp_http: {}}}"),
        ("{costspan: {export: {console: {}}}}", "unknown key 'export'"),
    ],
)
def test_a_broken_exporter_leaves_the_app_alive(
    distro: Launcher, tmp_path: Path, exporter: str, remedy: str
) -> None:
    """One ERROR line with the remedy; calls are priced, and their file is written."""
    file = config(tmp_path, exporter)
    ended = distro.run(OTEL_CONFIG_FILE=file, COSTSPAN_LOCAL="logs")

    (said,) = ended.lines("costspan exports no spans")
    assert remedy in said
    assert len(lines_in(tmp_path / "logs")) == 2


def test_an_exporter_by_variable(distro: Launcher) -> None:
    """OTEL_TRACES_EXPORTER=costspan: before OTLP, as its variables say."""
    ended = distro.run(peer=True, OTEL_TRACES_EXPORTER="costspan", **ONLY_EXPORTING)

    assert sorted(costs_of(ended).values()) == [GPT_USD, CLAUDE_USD]
