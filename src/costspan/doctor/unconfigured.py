"""What can be looked at where the configuration is wrong, and nothing could be switched on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from costspan.doctor import clock, endpoints, money, places, program, rivals
from costspan.doctor.finding import Finding
from costspan.errors import ConfigurationError
from costspan.export.local_files import files_of
from costspan.guard import fault_of
from costspan.instrumentation.wiring import otlp_exporter, otlp_target
from costspan.settings import Settings, read

_FILE = "COSTSPAN_CONFIG"


def looked_at(fault: ConfigurationError) -> Iterator[Finding]:
    """The fault, and behind it what does not hang on it."""
    watch = clock.Watch()
    yield _wrong(fault)
    settings = _readable()
    yield from program.installed(None if settings is None else settings.providers)
    yield from rivals.rivals()
    others: list[tuple[str, float]] = []
    yield from _exporter(others)
    if settings is not None:
        if settings.local is not None:
            yield from _or_wrong(lambda: places.places(files_of(settings.local)), fault)
        if settings.store != "memory":
            yield from _or_wrong(lambda: money.store(settings.store, needed=True), fault)
    yield from clock.clock(watch.jumped(), others)


def _readable() -> Settings | None:
    """The settings; those of the variables alone where the file is at fault; else None."""
    variables = {name: value for name, value in os.environ.items() if name != _FILE}
    for environ in (os.environ, variables):
        try:
            return read(environ=environ)
        except ConfigurationError:
            continue
    return None


def _exporter(others: list[tuple[str, float]]) -> Iterator[Finding]:
    """What the endpoint says that the variables name; `others` gets its time."""
    if otlp_target(os.environ) is None:
        return
    made: list[Any] = []
    fault = fault_of(lambda: made.append(otlp_exporter()))
    if fault is not None:
        yield Finding(
            "exporter", f"cannot be made of OTEL_* ({fault})", "error", "correct the variables"
        )
        return
    for heard in endpoints.heard(made):
        yield heard.finding
        if heard.ahead is not None:
            others.append(("endpoint", heard.ahead))
    fault_of(made[0].shutdown)


def _or_wrong(
    look: Callable[[], Iterable[Finding]], known: ConfigurationError
) -> Iterator[Finding]:
    """What a look finds, or that its setting is wrong too."""
    try:
        yield from look()
    except ConfigurationError as fault:
        if str(fault) != str(known):
            yield _wrong(fault)


def _wrong(fault: ConfigurationError) -> Finding:
    return Finding(
        "configuration", str(fault), "error", "correct it: nothing is recorded until then"
    )
