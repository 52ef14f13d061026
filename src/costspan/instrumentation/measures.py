"""How long a request is and which one it is, where a budget must know before the call.

Nothing of what is asked is kept: the size is a number, the fingerprint a hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import structs

from costspan.call import Request
from costspan.instrumentation.wiring import Accountant
from costspan.providers.operation import Body, fields

MEDIA_TOKENS = 2_000
"""What a picture, a sound or a document in the request is taken for, whatever its bytes are."""

TOOLS_TOKENS = 1_000
"""What a provider may add of its own where tools are described.

The most that is documented are 530, for Claude 3 Opus. Source: Anthropic's documentation, "Tool use
pricing and tokens" (read 2026-11).
"""

_LONG = 2_048
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+=*")
_HOW_IT_IS_SENT = frozenset({"stream", "stream_options", "user", "metadata", "safety_identifier"})
"""Keys of a body that do not change what is asked."""

_KEPT_BY_PROVIDER = ("previous_response_id", "conversation", "container")
"""Keys of a body that stand for input which the provider has, of whatever length."""

_LEFT_OUT = frozenset({"NotGiven", "Omit"})
"""The SDKs' classes for what the caller did not set."""

_PLAIN = (str, int, float, bool, type(None))


def measured(request: Request, body: Body, costs: Accountant) -> Request:
    """The request with what the budgets need to know of it."""
    if not request.billable:
        return request
    asked = {
        key: value
        for key, value in body.items()
        if key not in _HOW_IT_IS_SENT and type(value).__name__ not in _LEFT_OUT
    }
    text = encoded(asked)
    return structs.replace(
        request,
        input_size=size_of(asked, text) if costs.needs_size else None,
        fingerprint=fingerprint(request, text) if costs.needs_fingerprint else None,
    )


def encoded(body: Body) -> bytes | None:
    """The body as JSON; None where it holds what can be read only once, or is no JSON at all."""
    try:
        return msgspec.json.encode(body, enc_hook=_named, order="sorted")
    except (TypeError, ValueError, UnicodeEncodeError, RecursionError):
        return None


def _named(value: Any) -> Any:
    """An SDK's model by its fields. Whatever else there is, a file or a generator, stays unread."""
    said = fields(value)
    if not said or hasattr(value, "__next__") or hasattr(value, "read"):
        raise TypeError
    return dict(said) if not isinstance(said, dict) else said


def size_of(body: Body, text: bytes | None) -> int | None:
    """The bytes of the request's text: no fewer than its tokens, of which each is a byte or more.

    Pictures, sounds and documents are read otherwise, and stand in it as so many tokens each. None
    where the model reads what is not in the request.
    """
    if text is None or any(map(body.get, _KEPT_BY_PROVIDER)):
        return None
    if isinstance(body.get("prompt"), Mapping):  # a template by its id
        return None
    size = len(text) + (TOOLS_TOKENS if body.get("tools") else 0)
    if len(text) <= _LONG:
        return size
    media = [len(value) for value in _strings(body) if _is_media(value)]
    return size - sum(media) + len(media) * MEDIA_TOKENS


def _strings(value: Any) -> list[str]:
    """All strings in a body, at whatever depth."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif not isinstance(one, _PLAIN):
            waiting.append(dict(fields(one)))
    return found


def _is_media(text: str) -> bool:
    """Bytes as text: a data URL, or so many characters of base64 in a row as no text has."""
    if len(text) <= _LONG:
        return False
    return text.startswith("data:") or _BASE64.fullmatch(text, 0, _LONG) is not None


def fingerprint(request: Request, text: bytes | None) -> str | None:
    """The same for the same question to the same model.

    Nothing of it can be read from this; but whoever guesses the whole request can tell that it was.
    """
    if text is None:
        return None
    digest = hashlib.blake2b(text, digest_size=16, person=b"costspan-request")
    digest.update(f"{request.provider} {request.operation}".encode())
    return digest.hexdigest()
