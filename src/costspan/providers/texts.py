"""The text in requests, for estimates of what nobody counted: how much of it, never what it says.

A prompt's pieces are strings, and None for what is no text (an image, a file, a stored turn) or may
not be looked at (an iterator, which the SDK is still to read).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from costspan.providers.operation import fields, items

Pieces = Iterator[str | None]


def written(value: Any) -> Pieces:
    """A structure, such as a tool's description, as the JSON that it is sent as."""
    if value:
        try:
            yield msgspec.json.encode(value, enc_hook=_plain).decode()
        except (TypeError, ValueError):
            yield None


def content(value: Any) -> Pieces:
    """What a message holds: a string, or blocks of which each has a text."""
    if value is None:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for block in items(value):
            text = block.get("text")
            yield text if isinstance(text, str) else None
    else:
        yield None


def members(value: Any) -> Iterator[Mapping[str, Any] | None]:
    """The members of a list, each as its fields; None for what is no list."""
    if isinstance(value, list | tuple):
        yield from items(value)
    else:
        yield None


def strings_of(holder: Mapping[str, Any], *names: str) -> list[str]:
    """The texts under some names, as far as they are there."""
    return [text for name in names if isinstance(text := holder.get(name), str) and text]


def _plain(value: Any) -> Any:
    found = fields(value)
    if not found:
        raise TypeError(f"a {type(value).__name__} is no JSON")
    return dict(found)
