"""The folder of recorded provider responses, and the spans that their replay makes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import Instrumentor


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder that COSTSPAN_RECORDINGS names."""
    folder = os.environ.get("COSTSPAN_RECORDINGS")
    if not folder:
        pytest.skip("COSTSPAN_RECORDINGS does not name a folder of recorded responses")
    return Path(folder)


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """The spans of one instrumented test."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    Instrumentor().instrument(tracer_provider=provider)
    yield exporter
    Instrumentor().uninstrument()
    provider.shutdown()
