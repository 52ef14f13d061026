"""The exporter of configuration files: what it makes of its options, and whom it asks for prices.

With OTEL_CONFIG_FILE itself it is tried in tests/zero_code, as this environment cannot read one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import CostTracker, Instrumentor, declarative, instrumentor
from costspan.cost.foreign import exporting
from costspan.declarative import CostSpanExporter
from tests.cost.foreign.test_counted_once import AGENT
from tests.cost.stage import ASKED, COUNTED, DOLLARS, OTEL

ROOT = Path(__file__).parents[1]


def test_the_page_shows_the_example() -> None:
    """Which tests/zero_code runs."""
    shown = (ROOT / "docs" / "zero-code.md").read_text().partition("```yaml\n")[2]

    assert shown.partition("```")[0] == (ROOT / "examples" / "otel_config.yaml").read_text()


@pytest.fixture(autouse=True)
def _no_tracker_stands() -> Iterator[None]:
    """The tracker of the environment is made once in a process, and anew in each test."""
    instrumentor._standing.clear()
    yield
    instrumentor._standing.clear()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What every exporter is that the file names."""
    memory = InMemorySpanExporter()
    monkeypatch.setattr(declarative, "_made", lambda _: memory)
    return memory


@pytest.fixture
def theirs(kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """The global provider, as a configuration file sets it."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CostSpanExporter({"console": {}})))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield provider
    provider.shutdown()


def call(provider: TracerProvider) -> None:
    provider.get_tracer(OTEL).start_span("chat", attributes={**ASKED, **COUNTED}).end()


def costs_in(kept: InMemorySpanExporter) -> list[Any]:
    return [
        (span.attributes or {}).get("costspan.cost.total") for span in kept.get_finished_spans()
    ]


@pytest.mark.parametrize(("protocol", "kind"), [("grpc", Grpc), ("http/protobuf", Http)])
def test_otlp_is_the_default(protocol: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the protocol that the variables name, as for the exporter of that name."""
    made: list[Any] = []
    monkeypatch.setattr(declarative, "PricingExporter", made.append)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    CostSpanExporter()

    assert [type(exporter) for exporter in made] == [kind]
    made[0].shutdown()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"exporter": "console"}, "write costspan: {exporter: {otlp_http: {}}}"),
        ({"exporter": {"console": {}, "otlp_http": {}}}, "names no exporter"),
        ({"exporters": {"console": {}}}, "unknown key 'exporters'"),
        ({"exporter": {"console": {}}}, "install opentelemetry-configuration"),
    ],
)
def test_a_wrong_option_is_one_line(
    options: dict[str, Any], remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception would leave the app without any telemetry."""
    exporter = CostSpanExporter(**options)

    (said,) = caplog.records
    assert (said.levelname, said.exc_info) == ("ERROR", None)
    assert said.message.startswith("costspan exports no spans: ")
    assert remedy in said.message
    assert exporter.export([ReadableSpan("a")]) is SpanExportResult.FAILURE
    assert exporter.force_flush()
    exporter.shutdown()


def test_the_variables_make_a_tracker(
    theirs: TracerProvider,
    kept: InMemorySpanExporter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without `instrument()`, as for `record_call`; the calls file is written too."""
    monkeypatch.setenv("COSTSPAN_LOCAL", str(tmp_path))
    call(theirs)

    assert costs_in(kept) == [DOLLARS]
    (file,) = tmp_path.iterdir()
    assert file.read_text().count("\n") == 1


def test_the_tracker_of_instrument_is_asked_first(
    theirs: TracerProvider, kept: InMemorySpanExporter
) -> None:
    costs = CostTracker(alerts=[])
    Instrumentor().instrument(costs=costs, foreign_spans=False)
    call(theirs)
    Instrumentor().uninstrument()

    assert costs_in(kept) == [DOLLARS]
    assert costs.summary().calls == 1


def test_spans_that_are_priced_as_they_end_pass(
    theirs: TracerProvider, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `instrument()` sees to them, a span that it left bare has its reason."""
    priced: list[Any] = []
    monkeypatch.setattr(exporting, "settled", lambda *settling: priced.append(settling))
    costs = CostTracker(alerts=[])
    Instrumentor().instrument(costs=costs)
    call(theirs)
    theirs.get_tracer(OTEL).start_span("agent", attributes={**COUNTED, **AGENT}).end()
    Instrumentor().uninstrument()

    assert costs_in(kept) == [DOLLARS, None]
    assert costs.summary().calls == 1
    assert priced == []


def test_a_broken_setting_lets_the_spans_pass(
    theirs: TracerProvider,
    kept: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said once."""
    monkeypatch.setenv("COSTSPAN_STORE", "nowhere://there")
    call(theirs)
    call(theirs)

    assert costs_in(kept) == [None, None]
    (said,) = caplog.records
    assert said.levelname == "ERROR"
    assert said.message.startswith("costspan adds no costs to exported spans: store=")


def test_what_instrument_said_is_not_said_again(
    theirs: TracerProvider,
    kept: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("COSTSPAN_STORE", "nowhere://there")
    Instrumentor().instrument(skip_dep_check=True)
    call(theirs)

    assert costs_in(kept) == [None]
    assert [r.message.startswith("costspan stays off") for r in caplog.records] == [True]
