"""One HTTP POST by the standard library, whose failures quote neither address nor key."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from costspan.alerts.faults import NotTaken
from costspan.errors import ConfigurationError
from costspan.guard import fault_of

TIMEOUT_SECONDS = 10.0
"""For the connection, and for each part of the answer."""

LONGEST_RETRY_AFTER = 300.0

_PASSING = frozenset({408, 425, 429})
_WAITING = frozenset({429, 503})
_MOST_OF_A_BODY = 100


def post(url: str, body: bytes, headers: Mapping[str, str], words: Collection[str] = ()) -> None:
    """Send a body, and be content with any 2xx. Redirects are not followed: they would carry the
    body elsewhere. The proxy settings of the environment are honoured.

    Args:
        url: checked by `checked_url`.
        words: answers that a failure may quote, such as Slack's `no_service`.

    Raises:
        NotTaken: it was not taken.
    """
    request = Request(url, body, {"User-Agent": "costspan", **headers}, method="POST")
    try:
        with _opener().open(request, timeout=TIMEOUT_SECONDS) as answer:
            if 200 <= answer.status < 300:
                return
            fault = _refusal(answer, words)
    except (OSError, HTTPException, ValueError) as exc:
        fault = NotTaken(_words_for(exc))
    raise fault from None


def _opener() -> OpenerDirector:
    """Without the handlers that follow redirects and raise for a status."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(context=_tls())):
        opener.add_handler(handler)
    return opener


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _refusal(answer: Any, words: Collection[str]) -> NotTaken:
    status = answer.status
    said: list[str] = []
    if words:
        fault_of(lambda: said.append(answer.read1(_MOST_OF_A_BODY).decode("ascii").strip()))
    why = f": {said[0]}" if said and said[0] in words else ""
    if 300 <= status < 400:
        return NotTaken(f"HTTP {status}: give the address that it redirects to", again=False)
    return NotTaken(
        f"HTTP {status}{why}",
        again=status >= 500 or status in _PASSING,
        retry_after=_seconds(answer.headers.get("Retry-After")) if status in _WAITING else None,
    )


def _seconds(value: str | None) -> float | None:
    """A Retry-After, given in seconds or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _words_for(exc: Exception) -> str:
    """Why there was no answer, in words of our own."""
    cause = getattr(exc, "reason", exc)
    cause = cause if isinstance(cause, Exception) else exc
    if isinstance(cause, TimeoutError):
        return f"no answer in {TIMEOUT_SECONDS:g} seconds"
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or type(cause).__name__}"
    if isinstance(cause, socket.gaierror):
        return "its name does not resolve"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, ConnectionError):
        return "the connection was closed without an answer"
    return type(cause).__name__


def checked_url(setting: str, url: Any) -> str:
    """`url`, if a POST can be sent there. A fault does not quote it.

    Raises:
        ConfigurationError: it is no `http://` or `https://` address.
    """
    remedy = "give an address such as https://hooks.example.com/path"
    if not isinstance(url, str) or not url:
        raise ConfigurationError(f"{setting} is {type(url).__name__ if url else 'empty'}: {remedy}")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError(f"{setting} holds a character that no address has: {remedy}")
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{setting} is no http:// or https:// address: {remedy}")
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"{setting} holds a user or a password: give them to WebhookAlerts as "
            'headers={"Authorization": ...}'
        )
    return url


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port  # which is checked only when it is asked for
    except ValueError:
        return None
    return parts


def host_of(url: str) -> str:
    """The host and port of a checked address: all of it that may be shown."""
    return str(urlsplit(url).netloc)
