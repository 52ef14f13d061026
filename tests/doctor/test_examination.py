"""The whole look, on real parts: what a person runs and what a program asks for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
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


def test_a_setting_that_is_wrong(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTSPAN_CAPTURE_CONTENT", "all")

    seen = examine()

    assert [(one.topic, one.severity) for one in seen.findings] == [
        ("costspan", "ok"),
        ("configuration", "error"),
    ]
    assert "capture_content='all' is unknown" in seen.findings[1].text
    assert seen.settings == []
    assert receiver.received == []


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
