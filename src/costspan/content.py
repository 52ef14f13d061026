"""The one gate that decides whether message content may leave the process.

`off` is the default. `on_error` lets content out for calls that failed, `on` for all. Every writer
(span, file, event) asks here, and content that may not go out is never even collected.
"""

from __future__ import annotations

PREVIEW_CHARACTERS = 200
ATTRIBUTE_CHARACTERS = 32_768
"""A message attribute longer than this is cut; the JSON around it stays well-formed."""


def allowed(mode: str, *, failed: bool) -> bool:
    """Whether content of a call may go out, given how the call ended."""
    return mode == "on" or (mode == "on_error" and failed)


def preview(text: str | None) -> str | None:
    """The first characters of an answer, for one line of a file."""
    return None if text is None else text[:PREVIEW_CHARACTERS]


def shortened(text: str, limit: int = ATTRIBUTE_CHARACTERS) -> str:
    """`text`, cut with a mark that says how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}... ({len(text) - limit} characters cut)"
