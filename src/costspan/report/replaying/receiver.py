"""The receiver of a replay: one OTLP/HTTP request at a time, tried again as OTLP says.

Statuses 429, 502, 503 and 504 and a connection that fails are tried again, after what Retry-After
says or else growing pauses; any other status is not.
"""

from __future__ import annotations

import gzip
import random
import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from costspan.guard import fault_of

_AGAIN = frozenset({429, 502, 503, 504})
_TOO_LARGE = 413
_UNREAD = frozenset({400, 415})
_NO_GZIP = "; where it takes no gzip, set OTEL_EXPORTER_OTLP_COMPRESSION=none"
PATIENCE = 300.0
"""Seconds for which a request is tried again."""

_LONGEST_PAUSE = 30.0
_LONGEST_RETRY_AFTER = 3600.0
_MOST_OF_A_BODY = 300


Waiting = Callable[[str], object]
"""Is told why a request is tried again, once for each reason."""


class Stopped(Exception):
    """The receiver does not take the request, and it makes no sense to go on."""


class TooLarge(Exception):
    """The request is larger than the receiver takes."""


class Answer(Struct, frozen=True):
    """What the receiver said of a request that it took."""

    rejected: int = 0
    message: str = ""


class Receiver:
    """An OTLP/HTTP endpoint.

    Args:
        url: where traces are posted.
        headers: to be sent along.
        compressed: whether by gzip.
        tls: for `https://`.
        timeout: seconds for the connection, and for each part of an answer.
        patience: seconds for which a request is tried again; `PATIENCE` by default.
        sleep: waits so many seconds.
        waiting: is told why it waits.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        compressed: bool = True,
        tls: ssl.SSLContext | None = None,
        timeout: float = 10.0,
        patience: float | None = None,
        sleep: Callable[[float], object] = time.sleep,
        waiting: Waiting = lambda why: None,
    ) -> None:
        self.url = url
        self._headers = {"Content-Type": "application/x-protobuf", **headers}
        self._compressed = compressed
        self._timeout = timeout
        self._patience = PATIENCE if patience is None else patience
        self._sleep = sleep
        self._waiting = waiting
        self._told: set[str] = set()
        # Without the handlers that follow redirects and raise for a status.
        self._opener = OpenerDirector()
        for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(context=tls)):
            self._opener.add_handler(handler)

    def send(self, body: bytes) -> Answer:
        """Send one request, until it is taken.

        Raises:
            Stopped: it is refused, or patience has run out.
            TooLarge: it must be cut.
        """
        headers = dict(self._headers)
        if self._compressed:
            body = gzip.compress(body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        waited, pause = 0.0, 1.0
        while True:
            status, said, retry_after, fault = self._post(body, headers)
            if 200 <= status < 300:
                return _answer(said)
            if status == _TOO_LARGE:
                raise TooLarge(fault)
            if status and status not in _AGAIN:
                hint = _NO_GZIP if self._compressed and status in _UNREAD else ""
                raise Stopped(f"{fault}{hint}")
            wait = random.uniform(pause / 2, pause) if retry_after is None else retry_after
            if waited + wait > self._patience:
                raise Stopped(f"{fault}, for {waited:.0f} seconds")
            if fault not in self._told:
                self._told.add(fault)
                self._waiting(fault)
            self._sleep(wait)
            waited, pause = waited + wait, min(pause * 2, _LONGEST_PAUSE)

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, float | None, str]:
        """Status (0: no answer), body, Retry-After in seconds, and the fault in words."""
        request = Request(self.url, body, headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                said = answer.read()
                status: int = answer.status
                wait = _seconds(answer.headers.get("Retry-After"))
                return status, said, wait, _words(status, said, answer.headers.get("Content-Type"))
        except (OSError, HTTPException) as fault:
            return 0, b"", None, _why(fault)


def _answer(said: bytes) -> Answer:
    """What a receiver says besides that it took the request; nothing where that is not OTLP."""
    found = ExportTraceServiceResponse()
    if fault_of(lambda: found.ParseFromString(said)) is not None:
        return Answer()
    partial = found.partial_success
    return Answer(partial.rejected_spans, " ".join(partial.error_message.split()))


def _seconds(value: str | None) -> float | None:
    """A Retry-After, given in seconds or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(float(value), _LONGEST_RETRY_AFTER)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _words(status: int, said: bytes, kind: str | None) -> str:
    is_text = (kind or "").startswith(("text/plain", "application/json"))
    text = said.decode(errors="replace") if is_text else ""
    told = "".join(c if c.isprintable() else " " for c in text[:_MOST_OF_A_BODY]).strip()
    return f"HTTP {status}{f': {told}' if told else ''}"


def _why(fault: Exception) -> str:
    cause: Any = getattr(fault, "reason", fault)
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or type(cause).__name__}"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
