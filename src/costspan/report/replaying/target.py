"""Where a replay goes, and how: by options, else by the variables of OpenTelemetry's exporters."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
from collections.abc import Iterable
from importlib.metadata import version
from urllib.parse import SplitResult, urlsplit

from opentelemetry.util.re import parse_env_headers

from costspan.errors import ConfigurationError
from costspan.report.replaying.receiver import Receiver, Waiting

_PATH = "v1/traces"
_LONGEST_TIMEOUT = 86_400.0
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header may be called."""


def endpoint(written: str | None) -> str:
    """The URL that traces are posted to.

    Raises:
        ConfigurationError: there is none, or it is none.
    """
    whole = _variable("TRACES_ENDPOINT") if not written else None
    url = whole or written or _variable("ENDPOINT")
    if not url:
        raise ConfigurationError("say where to: --to http://localhost:4318")
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("--to: give an address such as http://localhost:4318")
    if "@" in parts.netloc:
        raise ConfigurationError(
            "--to holds a user or a password: give them as --header 'Authorization=Basic ...'"
        )
    path = parts.path
    if not whole and not path.endswith(f"/{_PATH}"):
        path = f"{path.rstrip('/')}/{_PATH}"
    return parts._replace(path=path, fragment="").geturl()


def known_as(url: str) -> str:
    """What a state calls an endpoint: its query may hold a key, and only a digest of it is kept."""
    address, is_there, query = url.partition("?")
    digest = hashlib.sha256(query.encode()).hexdigest()[:8]
    return f"{address}?{digest}" if is_there else address


def _parts(url: str) -> SplitResult | None:
    """A URL in parts; None where it has brackets or a port that none can have."""
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


def receiver(url: str, headers: Iterable[str], waiting: Waiting = lambda why: None) -> Receiver:
    """The receiver at a URL.

    Args:
        headers: as `NAME=VALUE`.
        waiting: is told why a request is tried again.

    Raises:
        ConfigurationError: a header or a variable cannot be understood.
    """
    found = {"User-Agent": f"costspan/{version('costspan')}"}
    found |= parse_env_headers(_setting("HEADERS") or "", liberal=True)
    for header in headers:
        name, is_there, value = header.partition("=")
        if not is_there or not name.strip():
            raise ConfigurationError("--header: write NAME=VALUE")
        found[name.strip()] = value.strip()
    for name, value in found.items():
        if not _NAME.fullmatch(name) or not value.isprintable() or not _is_latin(value):
            # Its value may be a secret, and is not shown.
            raise ConfigurationError(f"the header {name!r} cannot be sent: use plain characters")
    compression = _setting("COMPRESSION") or "gzip"
    if compression not in ("gzip", "none"):
        raise ConfigurationError(f"OTEL_EXPORTER_OTLP_COMPRESSION={compression}: use gzip or none")
    return Receiver(
        url,
        found,
        compressed=compression == "gzip",
        tls=_tls(),
        timeout=_timeout(),
        waiting=waiting,
    )


def _is_latin(value: str) -> bool:
    return all(ord(c) < 256 for c in value)


def _variable(name: str) -> str | None:
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip() or None


def _setting(name: str) -> str | None:
    """A variable for traces, else the one for all."""
    return _variable(f"TRACES_{name}") or _variable(name)


def _timeout() -> float:
    written = _setting("TIMEOUT") or "10"
    try:
        seconds = float(written)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise ConfigurationError(f"OTEL_EXPORTER_OTLP_TIMEOUT={written}: give seconds")
    return seconds


def _tls() -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=_setting("CERTIFICATE"))
        certificate = _setting("CLIENT_CERTIFICATE")
        if certificate:
            context.load_cert_chain(certificate, _setting("CLIENT_KEY"))
    except (OSError, ssl.SSLError) as fault:
        raise ConfigurationError(f"OTEL_EXPORTER_OTLP_CERTIFICATE: {fault}") from None
    return context
