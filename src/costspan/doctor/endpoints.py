"""Whether what spans are sent to takes an export: an empty one, which is a valid one."""

from __future__ import annotations

import os
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from msgspec import Struct

from costspan.doctor.finding import Finding
from costspan.guard import fault_of

TIMEOUT_SECONDS = 2.0
_START = "start a receiver there, or correct OTEL_EXPORTER_OTLP_ENDPOINT; spans that wait are lost"
_HEADERS = "give the key in OTEL_EXPORTER_OTLP_HEADERS, as its documentation says"
_PATH = "the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT is the part before /v1/traces"
_REMEDIES = {401: _HEADERS, 403: _HEADERS, 404: _PATH, 405: _PATH}
_GRPC = {"UNAUTHENTICATED": _HEADERS, "PERMISSION_DENIED": _HEADERS, "UNIMPLEMENTED": _PATH}


class Heard(Struct, frozen=True):
    """What an endpoint said: the finding, and its clock minus ours in seconds, if it has told."""

    finding: Finding
    ahead: float | None = None


def heard(exporters: list[Any]) -> Iterator[Heard]:
    """What each OTLP exporter's endpoint says; other exporters are named."""
    for exporter in exporters:
        module = type(exporter).__module__
        if module.startswith("opentelemetry.exporter.otlp.proto.grpc"):
            yield _grpc(exporter)
        elif module.startswith("opentelemetry.exporter.otlp") and hasattr(exporter, "_endpoint"):
            yield _http(exporter)
        else:
            yield Heard(Finding("exporter", f"{type(exporter).__name__}, which is not asked"))


def _http(exporter: Any) -> Heard:
    url = exporter._endpoint
    request = _request(url, _headers(exporter))
    answers: list[tuple[int, Message[str, str]]] = []
    begun = time.time()
    fault = fault_of(lambda: answers.append(_asked(request)))
    if not answers:
        return Heard(_silent(_address(url), _why(fault)))
    (status, told), ended = answers[0], time.time()
    said = f"{_address(url)} answers HTTP {status}"
    return Heard(_judged(said, status), _ahead(told.get("Date"), (begun + ended) / 2))


def _headers(exporter: Any) -> dict[str, str]:
    """What the exporter sends along, wherever its release keeps it."""
    kept = getattr(exporter, "_headers", None)
    if kept is None:
        kept = getattr(getattr(exporter, "_client", None), "_headers", None)
    return dict(kept or {})


def _request(url: str, headers: dict[str, str]) -> Request:
    """An empty export; a user in the address goes into a header, as the exporters do it."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if at:
        coded = b64encode(unquote(user).encode()).decode()
        headers = {"Authorization": f"Basic {coded}", **headers}
    headers["Content-Type"] = "application/x-protobuf"
    return Request(urlunsplit(parts._replace(netloc=host)), b"", headers)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: headers hold keys."""


def _asked(request: Request) -> tuple[int, Message[str, str]]:
    opener = build_opener(_NoRedirect, HTTPSHandler(context=_tls()))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.headers
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers


def _tls() -> ssl.SSLContext:
    """With the certificates that the standard variables name."""
    context = ssl.create_default_context(cafile=_variable("CERTIFICATE"))
    own = _variable("CLIENT_CERTIFICATE")
    if own is not None:
        context.load_cert_chain(own, _variable("CLIENT_KEY"))
    return context


def _variable(name: str) -> str | None:
    names = (f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")
    return next((os.environ[one] for one in names if os.environ.get(one)), None)


def _judged(said: str, status: int) -> Finding:
    if 200 <= status < 300:
        return Finding("exporter", f"{said} to an empty export")
    if status in _REMEDIES:
        return Finding("exporter", said, "error", _REMEDIES[status])
    if status >= 500 or status == 429:
        return Finding("exporter", said, "warning", "look at its log; exporters try again")
    if status >= 400:  # some take no export that is empty
        return Finding("exporter", f"{said} to an empty export: it is there", "note")
    return Finding("exporter", said, "error", "give the address that it redirects to")


def _silent(address: str, why: str) -> Finding:
    return Finding("exporter", f"{address} does not answer ({why})", "error", _START)


def _why(fault: Exception | None) -> str:
    reason = getattr(fault, "reason", fault)
    if isinstance(reason, ssl.SSLError):
        return f"TLS: {reason.reason or 'failed'}"
    if isinstance(reason, TimeoutError):
        return f"no answer in {TIMEOUT_SECONDS:g} s"
    return type(reason if isinstance(reason, Exception) else fault).__name__


def _ahead(date: str | None, at: float) -> float | None:
    """By how much a Date header is ahead of our clock; it tells whole seconds, cut off."""
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - at
    except ValueError:
        return None


def _address(url: str) -> str:
    """As much of an address as may be shown: no user, no query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _grpc(exporter: Any) -> Heard:
    """Ask through the exporter's own channel, which has its TLS and its headers."""
    address = f"grpc://{str(exporter._endpoint).rpartition('@')[2]}"
    fault = fault_of(lambda: _export_nothing(exporter))
    if fault is None:
        return Heard(Finding("exporter", f"{address} answers OK to an empty export"))
    code = getattr(fault, "code", None)
    word = str(getattr(code(), "name", "")) if callable(code) else type(fault).__name__
    if word in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
        return Heard(_silent(address, word))
    if word in _GRPC:
        return Heard(Finding("exporter", f"{address} answers {word}", "error", _GRPC[word]))
    return Heard(Finding("exporter", f"{address} answers {word}", "warning", "look at its log"))


def _export_nothing(exporter: Any) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    exporter._client.Export(
        request=ExportTraceServiceRequest(), metadata=exporter._headers, timeout=TIMEOUT_SECONDS
    )
