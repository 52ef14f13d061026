"""The whole look, on real parts: what a person runs and what a program asks for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from costspan import Budget, CostTracker, Instrumentor
from costspan.doctor import Finding, examine
from tests.instrumentation import rig
from tests.instrumentation.app import run_app
from tests.otlp_receiver import Receiver, receiving


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """What spans are sent to, by variables alone."""
    for name in ("COSTSPAN_CONFIG", "COSTSPAN_STORE", "COSTSPAN_LOCAL", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    with receiving() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


def found() -> dict[str, Finding]:
    """The last finding of each topic."""
    return {one.topic: one for one in examine().findings}


def test_a_program_that_is_well(receiver: Receiver) -> None:
    seen = examine()

    assert (seen.count("error"), seen.count("warning")) == (0, 0)
    topics = {one.topic: one.text for one in seen.findings}
    assert topics["processors"] == "BatchSpanProcessor(OTLPSpanExporter)"
    assert topics["exporter"] == f"{receiver.url}/v1/traces answers HTTP 200 to an empty export"
    assert topics["clock"] == "within 2 s of the endpoint's; steady during the look"
    assert [request.body for request in receiver.received] == [b""]
    assert Instrumentor().settings is None


def test_no_finding_shows_what_an_address_hides(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = receiver.url.partition("://")[2]
    address = f"http://u:canary@{host}/v1/traces?k=canary"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address)

    findings = found()

    assert findings["spans"].text.endswith(
        f"OTLP to http://***@{host}/v1/traces?***, as OTEL_* says"
    )
    assert "canary" not in str(findings)


def test_a_clock_that_is_an_hour_slow(receiver: Receiver) -> None:
    receiver.date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    assert found()["clock"].severity == "warning"


class TestAWrongConfiguration:
    """One setting is wrong: the look goes on with what does not hang on it."""

    def test_what_is_looked_at_all_the_same(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("COSTSPAN_CAPTURE_CONTENT", "all")
        monkeypatch.setenv("COSTSPAN_STROE", "memory")

        seen = examine(import_sdks=True)

        assert [(one.topic, one.severity) for one in seen.findings] == [
            ("costspan", "ok"),
            ("configuration", "warning"),
            ("configuration", "error"),
            ("openai", "note"),
            ("anthropic", "note"),
            ("other spans", "ok"),
            ("exporter", "ok"),
            ("clock", "ok"),
        ]
        assert "capture_content='all' is unknown" in seen.findings[2].text
        assert seen.findings[3].text.endswith(", not patched: the configuration is wrong")
        assert seen.settings == []
        assert [request.body for request in receiver.received] == [b""]
        assert Instrumentor().settings is None

    @pytest.mark.parametrize("text", ["store =", "stroe = 'memory'", 'store = "${NOT_SET}"', None])
    def test_a_wrong_file_leaves_the_variables(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
    ) -> None:
        file = tmp_path / "costspan.toml"
        if text is not None:
            file.write_text(text)
        monkeypatch.setenv("COSTSPAN_CONFIG", str(file))
        monkeypatch.setenv("COSTSPAN_LOCAL", str(tmp_path))
        monkeypatch.setenv("COSTSPAN_STORE", f"sqlite:///{tmp_path}/costs.db")

        findings = found()

        assert str(file) in findings["configuration"].text
        assert findings["last calls"].text == f"none in {tmp_path} yet"
        assert findings["store"].text == "sqlite, whose file is not there yet"

    def test_a_wrong_store_is_said_once(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("COSTSPAN_STORE", "oracle://host")
        monkeypatch.setenv("COSTSPAN_LOCAL", str(tmp_path))

        seen = examine()

        assert "last calls" in {one.topic for one in seen.findings}
        assert [one.topic for one in seen.findings if one.severity == "error"] == ["configuration"]

    def test_another_wrong_setting_is_said_too(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COSTSPAN_CONFIG", "/no/such/file")
        monkeypatch.setenv("COSTSPAN_STORE", "oracle://host")

        said = [one.text for one in examine().findings if one.severity == "error"]

        assert [text.partition("=")[0] for text in said] == ["COSTSPAN_CONFIG", "store"]

    def test_an_exporter_that_cannot_be_made(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COSTSPAN_CAPTURE_CONTENT", "all")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "snail")

        assert found()["exporter"].severity == "error"


def test_a_variable_that_is_misspelt(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTSPAN_STROE", "memory")

    finding = found()["configuration"]

    assert finding.severity == "warning"
    assert finding.remedy == "did you mean COSTSPAN_STORE?"


def test_a_program_looks_at_itself(provider: Any, spans: Any) -> None:
    """At its own provider, tracker and arguments; it stays switched on, and goes on."""
    costs = CostTracker(budgets=[Budget("the month", usd=5)])
    Instrumentor().instrument(tracer_provider=provider, costs=costs, providers=("openai",))

    seen = examine()

    with rig.openai_client(rig.answer_chat) as client:
        client.chat.completions.create(**rig.ASK)
    Instrumentor().uninstrument()
    topics = {one.topic: one.text for one in seen.findings}
    assert topics["spans"] == "the tracer_provider that was given to instrument()"
    assert topics["processors"] == (
        "SimpleSpanProcessor(InMemorySpanExporter), then CostSpanProcessor"
    )
    assert topics["anthropic"].endswith("left out by providers")
    assert topics["budgets"] == "the month"
    assert {one.name: one.source for one in seen.settings}["providers"] == "argument"
    assert len(spans.get_finished_spans()) == 1


def test_a_provider_that_is_none_of_an_sdk() -> None:
    class Provider:
        def get_tracer(self, *_: Any, **__: Any) -> Any:
            return TracerProvider(shutdown_on_exit=False).get_tracer("x")

    Instrumentor().instrument(tracer_provider=Provider())
    topics = found()
    Instrumentor().uninstrument()

    assert "processors" not in topics


def test_an_sdk_that_nobody_has_imported_yet() -> None:
    """As under opentelemetry-instrument, which switches costspan on before the program runs."""
    app = """
        import json, sys
        from costspan import Instrumentor
        from costspan.doctor import examine

        def said(**asked):
            (one,) = [one for one in examine(**asked).findings if one.topic == "openai"]
            return [one.text.partition(", ")[2], one.severity]

        Instrumentor().instrument()
        first = said()
        assert "openai" not in sys.modules
        print(json.dumps([first, said(import_sdks=True)]))
    """

    assert run_app(app).said == [["patched when the program imports it", "ok"], ["patched", "ok"]]
