"""The whole look, in the order in which a call meets what is looked at."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from opentelemetry.instrumentation.utils import suppress_instrumentation

from costspan.cost.stores.clock import moment_of
from costspan.doctor import (
    clock,
    endpoints,
    money,
    pipeline,
    places,
    program,
    rivals,
    unconfigured,
)
from costspan.doctor.finding import Finding
from costspan.doctor.provenance import Origin, origins
from costspan.errors import ConfigurationError
from costspan.export.local_files import files_of
from costspan.instrumentation.patching import PROVIDERS, installed_version
from costspan.instrumentation.wiring import slot
from costspan.instrumentor import Instrumentor
from costspan.settings import Settings, misspelt_variables

_STORE_SECONDS = 2.0


class Examination(Struct, frozen=True):
    """What was found, and the settings in force; without settings where they are wrong."""

    findings: list[Finding]
    settings: list[Origin] = []

    def count(self, severity: str) -> int:
        """How many findings are of one severity."""
        return sum(one.severity == severity for one in self.findings)


def examine(*, import_sdks: bool = False) -> Examination:
    """Look at this process: as it is where costspan is switched on, else as it would be.

    For a look costspan is switched on, and off again. The store, the endpoint of spans and, where
    prices are refreshed, their source are asked, for a few seconds each at most.

    Args:
        import_sdks: import every installed SDK that costspan patches, to see it patched.
    """
    instrumentor = Instrumentor()
    for name in PROVIDERS if import_sdks else ():
        if installed_version(name) is not None:
            importlib.import_module(name)
    try:
        with _switched_on(instrumentor), suppress_instrumentation():
            settings = instrumentor.settings
            assert settings is not None
            found = list(_findings(instrumentor, settings))
            return Examination(found, list(origins(settings, instrumentor.arguments)))
    except ConfigurationError as fault:
        with suppress_instrumentation():
            found = [program.version(), *_misspelt(), *unconfigured.looked_at(fault)]
        return Examination(found)


@contextmanager
def _switched_on(instrumentor: Instrumentor) -> Iterator[None]:
    if instrumentor.settings is not None:
        yield
        return
    instrumentor.instrument()
    try:
        yield
    finally:
        instrumentor.uninstrument()


def _findings(instrumentor: Instrumentor, settings: Settings) -> Iterator[Finding]:
    watch = clock.Watch()
    yield program.version()
    yield from _misspelt()
    yield from program.sdks(instrumentor.patches.patched(), settings.providers)
    yield from rivals.rivals()
    others: list[tuple[str, float]] = []
    yield from _spans(instrumentor, others)
    yield from places.places(None if settings.local is None else files_of(settings.local))
    yield from money.prices(instrumentor.costs)
    costs = instrumentor.costs
    url = settings.store if costs is None else costs.store_url
    yield from money.budgets(costs, url)
    others += _store_clock(url)
    yield from clock.clock(watch.jumped(), others)
    yield Finding("content", f"capture is {settings.capture_content}")


def _misspelt() -> Iterator[Finding]:
    for sentence in misspelt_variables(os.environ):
        said, _, remedy = sentence.partition(": ")
        yield Finding("configuration", said, "warning", remedy)


def _spans(instrumentor: Instrumentor, others: list[tuple[str, float]]) -> Iterator[Finding]:
    """The way of spans; `others` gets what endpoints say of the time."""
    assert slot.wiring is not None
    tracers = slot.wiring.tracers
    provider = pipeline.provider_of(tracers, instrumentor.arguments.get("tracer_provider"))
    yield from pipeline.pipeline(instrumentor.destination, provider)
    for heard in endpoints.heard(pipeline.exporters_of(pipeline.processors_of(provider))):
        yield heard.finding
        if heard.ahead is not None:
            others.append(("endpoint", heard.ahead))


def _store_clock(url: str) -> list[tuple[str, float]]:
    begun = clock.now()
    told = moment_of(url, _STORE_SECONDS)
    return [] if told is None else [("store", told - (begun + clock.now()) / 2)]
