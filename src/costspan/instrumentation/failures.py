"""What an exception of an SDK says about its call: read without importing any SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costspan.call import whole_characters
from costspan.content import shortened

_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})
_RETRY_HEADER = "x-stainless-retry-count"


def type_name(exc: BaseException) -> str:
    """The exception's module and qualified name as the caller sees it; builtins bare."""
    kind = type(exc)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def code(exc: BaseException) -> str | None:
    """The provider's own word for the error."""
    for name in ("code", "type"):
        said = getattr(exc, name, None)
        if isinstance(said, str) and said:
            return whole_characters(said)
    error = getattr(exc, "body", None)
    if isinstance(error, dict):
        inner = error.get("error", error)
        said = inner.get("type") if isinstance(inner, dict) else None
        return whole_characters(said) if isinstance(said, str) else None
    return None


def http_status(exc: BaseException) -> int | None:
    """The status of the HTTP response that the exception stands for."""
    status = getattr(exc, "status_code", None)
    return status if isinstance(status, int) else None


def request_id(exc: BaseException) -> str | None:
    """The provider's id of the failed request."""
    said = getattr(exc, "request_id", None)
    return said if isinstance(said, str) else None


def retries(exc: BaseException) -> int:
    """How many times the SDK had sent the request again."""
    for request in _requests(exc):
        said = request.headers.get(_RETRY_HEADER)
        if said is not None and said.isdigit():
            return int(said)
    return 0


def is_unbilled(exc: BaseException) -> bool:
    """Whether it is sure that the provider charges nothing: refused, never reached, never sent."""
    if (http_status(exc) or 0) >= 400 or isinstance(exc, TypeError | ValueError):
        return True
    chain = _chain(exc)
    return any(type(link).__name__ in _NEVER_SENT for link in chain)


def told(exc: BaseException) -> str:
    """What the exception says, which may quote the prompt: only where the content gate is open."""
    return shortened(str(exc), 2000)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = exc
    for _ in range(8):
        if link is None:
            return
        yield link
        link = link.__cause__


def _requests(exc: BaseException) -> Iterator[Any]:
    for holder in (getattr(exc, "response", None), exc):
        try:
            request = getattr(holder, "request", None)
        except RuntimeError:  # an HTTP client's exception that was not given its request yet
            continue
        if request is not None and hasattr(request, "headers"):
            yield request
