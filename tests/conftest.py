"""What every test may use: spans in memory, a local model server, and costspan switched on."""

from collections.abc import Iterator
from datetime import date

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import Instrumentor, guard
from costspan.cost.pricing import age
from costspan.testing import LLMServer
from tests.conventions.checker import check

pytest_plugins = ("tests.matrix.report", "tests.counts")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "faults: makes costspan fail on purpose; elsewhere a swallowed fault is a failure",
    )


@pytest.fixture(autouse=True)
def _unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test makes costspan fail unseen, and none leaves it switched on."""
    before = guard.faults()
    yield
    left_on = Instrumentor().settings is not None
    Instrumentor().uninstrument()
    assert not left_on, "the test left costspan switched on"
    if request.node.get_closest_marker("faults") is None:
        assert guard.faults() == before, "costspan swallowed a fault of its own"


@pytest.fixture(autouse=True)
def _young_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed prices do not grow old while this version is tested."""
    monkeypatch.setattr(age, "today", lambda: date(2026, 11, 22))


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    """A TracerProvider of the test's own."""
    made = TracerProvider(shutdown_on_exit=False)
    yield made
    made.shutdown()


@pytest.fixture
def spans(provider: TracerProvider) -> Iterator[InMemorySpanExporter]:
    """Where ended spans go; at the end of the test each is held against the conventions."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    assert [fault for span in exporter.get_finished_spans() for fault in check(span)] == []


@pytest.fixture(scope="session")
def server() -> Iterator[LLMServer]:
    """One local model provider for all tests of the process."""
    with LLMServer() as running:
        yield running


@pytest.fixture
def instrumented(provider: TracerProvider, spans: InMemorySpanExporter) -> Iterator[Instrumentor]:
    """Costspan switched on for the test, its spans in `spans`."""
    Instrumentor().instrument(tracer_provider=provider)
    yield Instrumentor()
    Instrumentor().uninstrument()
