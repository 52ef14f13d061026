"""Each setting is told with where it came from, and no secret with it."""

from pathlib import Path
from typing import Any

import pytest

from costspan import CostTracker, Instrumentor, settings
from costspan.doctor import provenance
from costspan.doctor.provenance import masked, origins

# setting, argument, variable, in the file, and what each of them comes out as; then the default
LEVELS = [
    (
        "providers",
        ("openai",),
        "anthropic",
        '["openai"]',
        "openai",
        "anthropic",
        "openai",
        "all installed",
    ),
    ("capture_content", "on", "on_error", '"on"', "on", "on_error", "on", "off"),
    ("metric_names", "both", "v1.41", '"both"', "both", "v1.41", "both", "current"),
    ("metric_labels", ("user",), "tag:t", '["agent"]', "user", "tag:t", "agent", "agent, endpoint"),
    ("local", "a", "v", '"f"', "a", "v", "f", "none"),
    (
        "store",
        None,
        "redis://h:1/0",
        '"sqlite:///f.db"',
        "",
        "redis://h:1/0",
        "sqlite:///f.db",
        "memory",
    ),
]


def told(name: str, **arguments: Any) -> tuple[str, str]:
    """Value and source of one setting."""
    read = {key: value for key, value in arguments.items() if key != "costs"}
    found = {one.name: one for one in origins(settings.read(**read), arguments)}
    return found[name].value, found[name].source


@pytest.mark.parametrize("row", LEVELS, ids=lambda row: row[0])
def test_argument_before_variable_before_file_before_default(
    row: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, argument, variable, in_file, by_argument, by_variable, by_file, default = row
    for one in settings._VARIABLES:
        monkeypatch.delenv(one, raising=False)
    assert told(name) == (default, "default")

    config = tmp_path / "costspan.toml"
    config.write_text(f"{name} = {in_file}\n")
    monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
    assert told(name) == (by_file, f"file {config}")

    monkeypatch.setenv(f"COSTSPAN_{name.upper()}", variable)
    assert told(name) == (by_variable, f"variable COSTSPAN_{name.upper()}")

    if argument is not None:
        assert told(name, **{name: argument}) == (by_argument, "argument")


def test_no_variable_is_forgotten() -> None:
    known = {*provenance._VARIABLES.values(), settings.IDENTIFY_KEY, "COSTSPAN_CONFIG"}

    assert known == set(settings._VARIABLES)


def test_opentelemetrys_variable_for_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTSPAN_CAPTURE_CONTENT", raising=False)
    monkeypatch.setenv(settings.OTEL_CAPTURE, "span_only")

    assert told("capture_content") == ("on", f"variable {settings.OTEL_CAPTURE}")


def test_a_tracker_that_was_given_decides_the_store() -> None:
    costs = CostTracker(store="sqlite:///given.db")

    assert told("store", costs=costs) == ("sqlite:///given.db", "argument costs")
    names = [one.name for one in origins(settings.read(), {"costs": costs})]
    assert names.count("store") == 1
    assert "budgets" not in names


def test_what_instrument_was_given_is_known(provider: Any) -> None:
    Instrumentor().instrument(tracer_provider=provider, capture_content="on")

    assert Instrumentor().arguments == {"tracer_provider": provider, "capture_content": "on"}

    Instrumentor().uninstrument()
    assert Instrumentor().arguments == {}


def test_keys_and_headers_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTSPAN_IDENTIFY_KEY", "canary-1")
    monkeypatch.setenv("COSTSPAN_SLACK_WEBHOOK_URL", "https://hooks.example.com/canary-2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=canary-3,x-team=canary-4")
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:canary-5@example.com/otel?k=canary-6"
    )

    found = {one.name: one.value for one in origins(settings.read(), {})}

    assert "canary" not in str(found)
    assert found["COSTSPAN_IDENTIFY_KEY"] == "***"
    assert found["OTEL_EXPORTER_OTLP_HEADERS"] == "x-api-key=***, x-team=***"
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://***@example.com/otel?***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory", "memory"),
        ("sqlite:///costs.db", "sqlite:///costs.db"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("redis://:canary@cache:6379/0", "redis://***@cache:6379/0"),
        ("redis://u:can/ary?canary@cache:6379/0", "redis://***"),
        ("postgresql://u@h/db?password=canary", "postgresql://***@h/db?***"),
        ("postgresql://h/db?password=a@canary", "postgresql://***"),
        ("localhost:4317", "localhost:4317"),
        ("u:canary@localhost:4317", "localhost:4317"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert masked(url) == shown
