"""Versions, and which SDKs are patched."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping

from costspan.doctor.finding import Finding
from costspan.instrumentation.patching import PROVIDERS, TABLE, installed_version
from costspan.instrumentor import VERSION


def version() -> Finding:
    """Of costspan, Python and OpenTelemetry's SDK."""
    sdk = installed_version("opentelemetry-sdk")
    return Finding("costspan", f"{VERSION} on Python {platform.python_version()}, SDK {sdk}")


def sdks(patched: Mapping[str, list[str]], wanted: tuple[str, ...] | None) -> Iterator[Finding]:
    """Each provider's SDK.

    Args:
        patched: places that are wrapped, by provider.
        wanted: what `providers` says; None for all.
    """
    for name in PROVIDERS:
        yield _sdk(name, patched.get(name, []), wanted is None or name in wanted)


def installed(wanted: tuple[str, ...] | None) -> Iterator[Finding]:
    """Each provider's SDK, where nothing could be switched on.

    Args:
        wanted: what `providers` says; None for all.
    """
    for name in PROVIDERS:
        yield _sdk(name, None, wanted is None or name in wanted)


def _sdk(name: str, places: list[str] | None, wanted: bool) -> Finding:
    """One SDK; `places` is None where nothing is patched that should be."""
    version = installed_version(name)
    if places is not None and version is not None and wanted and name not in sys.modules:
        return Finding(name, f"{version}, patched when the program imports it")
    if version is None:
        return Finding(name, "not installed", "note", f"pip install 'costspan[{name}]' to call it")
    if not wanted:
        return Finding(name, f"{version}, left out by providers", "note")
    if places is None:
        return Finding(name, f"{version}, not patched: the configuration is wrong", "note")
    if len(places) == len(TABLE):
        return Finding(name, f"{version}, patched")
    seen = f"patched in part: {', '.join(places)}" if places else "NOT patched"
    return Finding(
        name,
        f"{version}, {seen}",
        "warning" if places else "error",
        f"use a version that 'costspan[{name}]' allows; calls that are not seen can be recorded "
        "with record_call",
    )
